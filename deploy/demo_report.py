"""What the demo counts while a file is resolved, holds against what was planted, and prints.

It keeps no number and no name: entries are known by their place in the file.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from loadtests.sample_cases import Case
from opencif import nacha
from opencif.nacha.addenda import ChangeAddenda, ReturnAddenda
from opencif.v1 import ach_pb2

__all__ = ["Answered", "Outcomes"]

_KEPT_MAX: Final = 10
_SIMPLE: Final = {
    ach_pb2.DISPOSITION_POST: "POST",
    ach_pb2.DISPOSITION_REVIEW: "REVIEW",
    ach_pb2.DISPOSITION_NOT_OURS: "NOT_OURS",
}
_TOTALS: Final = {
    "entry_addenda_count": "entries and addenda",
    "entry_hash": "entry hash",
    "debit_minor": "debits, cents",
    "credit_minor": "credits, cents",
    "batches": "batches",
}


@dataclass(slots=True)
class Outcomes:
    """What entries earned, against what was planted; `planted` has the entries that are special."""

    planted: Mapping[int, Case]
    entries: int
    earned: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    differing: int = 0
    summary: ach_pb2.AchFileSummary = field(default_factory=ach_pb2.AchFileSummary)

    def take(self, resolution: ach_pb2.AchResolution) -> None:
        """Count a result and compare it."""
        earned = _earned(resolution)
        self.earned[earned] += 1
        case = self.planted.get(resolution.entry_seq)
        wanted = _wanted(case)
        if earned != wanted:
            self._differ(f"entry {resolution.entry_seq}: planted {wanted}, got {earned}")
        elif case and case.finding and case.finding not in resolution.findings:
            self._differ(f"entry {resolution.entry_seq}: finding {case.finding} is missing")

    def close(self) -> None:
        """Compare what is known at the end only: entries, findings of the file, its totals."""
        if self.earned.total() != self.entries:
            self._differ(f"{self.entries} entries sent, {self.earned.total()} results")
        planted = Counter(c.file_finding for c in self.planted.values() if c.file_finding)
        for code in sorted(planted | self.findings):
            if planted[code] != self.findings[code]:
                self._differ(f"finding {code}: planted {planted[code]}, got {self.findings[code]}")
        for name, stated, counted in self._totals():
            if stated != counted:
                self._differ(f"{name}: stated {stated}, counted {counted}")

    def print(self, console: Console) -> None:
        """Two tables: what entries earned, and the file's control totals."""
        planted = Counter(map(_wanted, self.planted.values()))
        planted["POST"] += self.entries - len(self.planted)
        table = _table("disposition", "code", "planted", "got")
        for earns in sorted(planted | self.earned, key=_order):
            disposition, _, code = earns.partition(" ")
            table.add_row(disposition, code, f"{planted[earns]:,}", f"{self.earned[earns]:,}")
        table.add_section()
        table.add_row("entries", "", f"{self.entries:,}", f"{self.earned.total():,}")
        console.print(table)
        totals = _table("control totals", "stated", "counted")
        for name, stated, counted in self._totals():
            totals.add_row(name, f"{stated:,}", f"{counted:,}")
        console.print(totals)

    def _totals(self) -> Iterator[tuple[str, int, int]]:
        totals = self.summary.totals
        for field_name, name in _TOTALS.items():
            yield name, getattr(totals, f"{field_name}_stated"), getattr(totals, field_name)

    def _differ(self, fact: str) -> None:
        self.differing += 1
        if len(self.differences) < _KEPT_MAX:
            self.differences.append(fact)


@dataclass(frozen=True, slots=True)
class Answered:
    """A return or NOC file as it was written, read again."""

    codes: Counter[str]
    faults: int

    @classmethod
    def read(cls, path: Path) -> "Answered":
        """Parse the file: the codes that it answers with, and how many findings there are."""
        codes: Counter[str] = Counter()
        faults = 0
        with path.open("rb") as file:
            for event in nacha.read(iter(lambda: file.read(1 << 16), b"")):
                faults += isinstance(event, nacha.Finding)
                if isinstance(event, nacha.Entry):
                    codes.update(_codes(event))
        return cls(codes, faults)

    def answers(self, counts: Mapping[str, int]) -> bool:
        """Whether the file is clean and answers exactly so many entries with each code."""
        return not self.faults and self.codes == Counter(counts)


def _codes(entry: nacha.Entry) -> Iterator[str]:
    for addenda in entry.addenda:
        if isinstance(addenda, ReturnAddenda):
            yield addenda.return_code
        elif isinstance(addenda, ChangeAddenda):
            yield addenda.change_code


def _earned(resolution: ach_pb2.AchResolution) -> str:
    if simple := _SIMPLE.get(resolution.disposition):
        return simple
    code = resolution.return_code or resolution.noc.code
    return f"{ach_pb2.Disposition.Name(resolution.disposition)} {code}".removeprefix("DISPOSITION_")


def _wanted(case: Case | None) -> str:
    """What the entry of a case earns, in the words of the results."""
    if case is None or not case.earns:
        return "POST"
    if case.earns.startswith("R") and case.earns[1:].isdigit():
        return f"RETURN {case.earns}"
    return f"POST_WITH_NOC {case.earns}" if case.earns.startswith("C") else case.earns


def _order(earns: str) -> tuple[int, str]:
    order = ("POST", "POST_WITH_NOC", "RETURN", "REVIEW", "NOT_OURS")
    return order.index(earns.partition(" ")[0]), earns


def _table(*columns: str) -> Table:
    table = Table(title_justify="left")
    for name in columns:
        is_number = name in {"planted", "got", "stated", "counted"}
        table.add_column(name, justify="right" if is_number else "left")
    return table
