"""What a run of a NACHA file came to: counts by disposition and code, and its summary."""

from collections import Counter
from collections.abc import Iterable

from opencif.nacha import FileControl, Reader, entry_hash
from opencif.v1 import ach_pb2
from opencif.v1.ach_pb2 import AchFileSummary, CodeCount, ControlTotals
from server.resolution import Decision

__all__ = ["Tally"]


class Tally:
    """Counts decisions; `plain` of them by hand, for speed."""

    __slots__ = ("_by_disposition", "_nocs", "_returns", "plain")

    def __init__(self) -> None:
        self.plain = 0
        self._by_disposition: Counter[int] = Counter()
        self._returns: Counter[str] = Counter()
        self._nocs: Counter[str] = Counter()

    @property
    def entries(self) -> int:
        """Entries counted so far."""
        return self.plain + self._by_disposition.total()

    def add(self, decision: Decision) -> None:
        """Count a decision that is not plain."""
        self._by_disposition[decision.disposition] += 1
        if decision.return_code:
            self._returns[decision.return_code] += 1
        if decision.noc_code:
            self._nocs[decision.noc_code] += 1

    def by_outcome(self) -> dict[str, int]:
        """Entries by disposition, and by return and NOC code."""
        named = {
            ach_pb2.Disposition.Name(disposition).removeprefix("DISPOSITION_"): count
            for disposition, count in self._dispositions().items()
        }
        return named | self._returns | self._nocs

    def summary(self) -> AchFileSummary:
        """The counts of a summary."""
        of = self._dispositions()
        return AchFileSummary(
            entries=self.entries,
            posted=of[ach_pb2.DISPOSITION_POST],
            posted_with_noc=of[ach_pb2.DISPOSITION_POST_WITH_NOC],
            returned=of[ach_pb2.DISPOSITION_RETURN],
            review=of[ach_pb2.DISPOSITION_REVIEW],
            not_ours=of[ach_pb2.DISPOSITION_NOT_OURS],
            returns=_counts(self._returns.items()),
            nocs=_counts(self._nocs.items()),
        )

    def _dispositions(self) -> Counter[int]:
        return self._by_disposition + Counter({ach_pb2.DISPOSITION_POST: self.plain})


def control_totals(reader: Reader, stated: FileControl) -> ControlTotals:
    """What the file's control record says and what its batches add up to."""
    totals = reader.totals
    return ControlTotals(
        entry_addenda_count_stated=stated.entry_addenda_count,
        entry_addenda_count=totals.entry_addenda_count,
        entry_hash_stated=stated.entry_hash,
        entry_hash=entry_hash(totals.rdfi_sum),
        debit_minor_stated=stated.debit_total,
        debit_minor=totals.debit_total,
        credit_minor_stated=stated.credit_total,
        credit_minor=totals.credit_total,
        batches_stated=stated.batch_count,
        batches=totals.batch_count,
    )


def _counts(codes: Iterable[tuple[str, int]]) -> list[CodeCount]:
    return [CodeCount(code=code, entries=entries) for code, entries in sorted(codes)]
