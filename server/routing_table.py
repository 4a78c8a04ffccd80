"""The routing numbers in memory: whose they are, and what account numbers look like under them.

Pure: loading and refreshing it is routing.py's business.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from opencif.nacha import is_routing_number
from opencif.v1 import routing_pb2
from tokenizer import normal

_RETIRED: Final = 2  # FedACH record type code: send items to the new routing number
_SUCCESSORS_MAX: Final = 8
_ROUTES_MAX: Final = 65_536
_END_OF_TIME: Final = "9999-12-31"
_WEIGHTS: Final = (3, 7, 1)


@dataclass(frozen=True, slots=True)
class Scheme:
    """What account numbers under a routing number look like."""

    length_min: int = 1
    length_max: int = normal.ACCOUNT_NUMBER_MAX
    digits_only: bool = False
    check: int = routing_pb2.CHECK_ALGORITHM_UNSPECIFIED
    strips_leading_zeros: bool = False

    @classmethod
    def of(cls, scheme: routing_pb2.AccountScheme) -> "Scheme":
        """The scheme in a message, its zeros read as the contract says."""
        return cls(
            scheme.min_length or 1,
            scheme.max_length or normal.ACCOUNT_NUMBER_MAX,
            scheme.digits_only,
            scheme.check_algorithm,
            scheme.strip_leading_zeros,
        )

    def account_number(self, text: str) -> str:
        """The one written form of an account number. Raises: NotNormal when it can be none."""
        return normal.account_number(text, strips_leading_zeros=self.strips_leading_zeros)

    def accepts(self, number: str) -> bool:
        """Whether a number in its written form has the length, characters and check digit."""
        if not self.length_min <= len(number) <= self.length_max:
            return False
        if not self.digits_only and not self.check:
            return True
        return number.isdigit() and self._checks(number)

    def entry_number(self, text: str) -> str:
        """An entry's account number in its written form; empty when it can be none (R04).

        Written for speed: plain digits are in their written form already.
        """
        number = text.strip(" ")
        is_written = number.isdigit() and number.isascii() and not self.strips_leading_zeros
        if not is_written or len(number) > normal.ACCOUNT_NUMBER_MAX:
            try:
                number = self.account_number(text)
            except normal.NotNormal:
                return ""
        return number if self.accepts(number) else ""

    def _checks(self, number: str) -> bool:
        if self.check == routing_pb2.CHECK_ALGORITHM_LUHN:
            return normal.luhn_sum_mod10(number) == 0
        if self.check == routing_pb2.CHECK_ALGORITHM_MOD_10_WEIGHTED_371:
            return sum(int(d) * _WEIGHTS[i % 3] for i, d in enumerate(number)) % 10 == 0
        return True


ANY_SCHEME: Final = Scheme()


@dataclass(frozen=True, slots=True)
class Route:
    """What a routing number means for an entry on one day."""

    routing_number: str
    """The number accounts are looked up under: the successor's when this one is retired."""
    is_well_formed: bool = True
    is_known: bool = True
    is_ours: bool = False
    participates: bool = True
    is_limited: bool = False
    is_sold: bool = False
    is_retired: bool = False
    scheme: Scheme = ANY_SCHEME

    @property
    def is_plain(self) -> bool:
        """Whether it is ours and there is nothing else to say about it."""
        odd = self.is_limited or self.is_sold or self.is_retired or not self.participates
        return self.is_ours and not odd


class RoutingTable:
    """All routing numbers at one revision; immutable, replaced whole by the next revision."""

    __slots__ = ("_routes", "_rows", "_schemes", "revision")

    def __init__(self, rows: Iterable[routing_pb2.RoutingNumber] = (), revision: int = 0) -> None:
        self.revision = revision
        self._rows = {row.routing_number: row for row in rows}
        self._schemes = {
            number: Scheme.of(row.account_scheme)
            for number, row in self._rows.items()
            if row.HasField("account_scheme")
        }
        self._routes: dict[tuple[str, str], Route] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, routing_number: str) -> routing_pb2.RoutingNumber | None:
        """What is known of a routing number."""
        return self._rows.get(routing_number)

    def scheme(self, routing_number: str) -> Scheme:
        """What account numbers under this routing number look like; anything when unknown."""
        return self._schemes.get(routing_number, ANY_SCHEME)

    def route(self, routing_number: str, day: str) -> Route:
        """What a routing number means on a day (YYYY-MM-DD)."""
        route = self._routes.get((routing_number, day))
        if route is None:
            if len(self._routes) >= _ROUTES_MAX:
                self._routes.clear()
            route = self._routes[routing_number, day] = self._judge(routing_number, day)
        return route

    def _judge(self, number: str, day: str) -> Route:
        if not is_routing_number(number):
            return Route(number, is_well_formed=False, is_known=False)
        row = self._rows.get(number)
        if row is None:
            return Route(number, is_known=False)
        heir = self._heir(row, day)
        is_ours = row.ours or self._heir(row, _END_OF_TIME).ours
        is_retired = heir is not row and heir.ours
        serving = heir if is_retired else row
        return Route(
            serving.routing_number,
            is_ours=is_ours,
            participates=serving.participates,
            is_limited=serving.limited,
            is_sold=bool(serving.sold_to_routing_number)
            or (is_ours and heir is not row and not heir.ours),
            is_retired=is_retired,
            scheme=self.scheme(serving.routing_number),
        )

    def _heir(self, row: routing_pb2.RoutingNumber, day: str) -> routing_pb2.RoutingNumber:
        """The row that a retired number's entries go to now; the row itself when it serves.

        A change dated after `day` has not happened yet. An heir that the table does not know is
        somebody else's.
        """
        for _ in range(_SUCCESSORS_MAX):
            is_retired = row.record_type == _RETIRED and row.new_routing_number
            if not is_retired or row.change_date > day:
                break
            number = row.new_routing_number
            row = self._rows.get(number) or routing_pb2.RoutingNumber(routing_number=number)
        return row
