"""NACHA records to what the decision table reads: what a batch says once, and each entry.

Written for speed: an entry's fields are cut from its bytes where its batch's layout has them.
"""

from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import Final

from opencif.nacha import BatchHeader, Entry, entry_class
from opencif.nacha.entries import CheckEntry, PurchaseEntry
from opencif.nacha.fields import Column
from server.resolution import EntryFacts
from server.routing_table import Route

__all__ = ["OpenBatch", "settlement_date"]

_ANSWERS: Final = frozenset({"COR", "ADV"})
_GOVERNMENT: Final = "2"
_NO_PLACE: Final = slice(0, 0)
_PLAIN: Final = frozenset({Entry, CheckEntry, PurchaseEntry})


class OpenBatch:
    """What the entries of one batch share. `day` is today, YYYY-MM-DD."""

    __slots__ = (
        "_account", "_amount", "_id", "_is_answer", "_is_benefit", "_is_iat", "_name",
        "company_id", "has_cards", "is_plain", "is_unfinished", "layout", "number", "sec_code",
        "settlement_date",
    )  # fmt: skip

    def __init__(self, header: BatchHeader, day: str) -> None:
        layout = self.layout = entry_class(header)
        self.number = header.batch_number
        self.sec_code = header.sec_code
        self.company_id = header.company_id
        self.settlement_date = settlement_date(header, day)
        self.has_cards = "card_number" in layout.columns
        self.is_unfinished = False  # whether a part was sent and another is owed
        self._account = layout.account_number.place
        self._amount = layout.amount.place
        self._name = _place(layout.individual_name)
        self._id = _place(layout.individual_id)
        self._is_iat = header.is_iat
        self._is_answer = self.sec_code in _ANSWERS
        self._is_benefit = _is_federal_benefit(header)
        self.is_plain = layout in _PLAIN and not self._is_answer  # as ach_columns.py reads them

    def facts(self, entry: Entry, route: Route) -> EntryFacts:
        """What the table reads of an entry of this batch, its name's digests aside."""
        text = entry.raw.decode("ascii")
        return EntryFacts(
            text[3:12],
            route.scheme.entry_number(text[self._account]),
            int(text[1:3]),
            int(text[self._amount]),
            self.sec_code,
            text[self._id].strip(),
            self.company_id,
            text[79:94],
            self._is_benefit,
            self._is_answer or (bool(entry.addenda) and (entry.is_return or entry.is_change)),
        )

    def name(self, entry: Entry) -> str:
        """The receiver's name in an entry of this batch; an IAT entry's stands in its addenda."""
        return entry.individual_name if self._is_iat else entry.raw[self._name].decode("ascii")


def settlement_date(header: BatchHeader, day: str) -> str:
    """The day a batch settles: the operator's day of the year, else the effective date, else today.

    The day of the year is taken in the year that brings it closest to `day` (YYYY-MM-DD).
    """
    today = date.fromisoformat(day)
    if header.settlement_date.isdigit() and 1 <= int(header.settlement_date) <= 366:
        offset = timedelta(days=int(header.settlement_date) - 1)
        years = range(max(today.year - 1, MINYEAR), min(today.year + 1, MAXYEAR - 1) + 1)
        days = [date(year, 1, 1) + offset for year in years]
        return min(days, key=lambda one: abs(one - today)).isoformat()
    effective = header.effective_date
    try:
        return date(2000 + int(effective[:2]), int(effective[2:4]), int(effective[4:])).isoformat()
    except ValueError:
        return day


def _place(column: Column) -> slice:
    return column.place if column.last >= column.first else _NO_PLACE


def _is_federal_benefit(header: BatchHeader) -> bool:
    """Whether a federal agency pays a person, tax refunds aside (31 CFR 210 subpart B).

    Originator status 2 marks a federal agency; the rules give benefits no mark of their own.
    """
    is_agency = header.originator_status == _GOVERNMENT and header.sec_code == "PPD"
    return is_agency and not header.entry_description.upper().startswith("TAX")
