"""Sample NACHA files of any size against a sample bank, with what every entry earns.

Run as a command it writes both; memory does not grow with the file. It calls no server.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from loadtests.sample_bank import AS_OF, SEED, SampleBank
from loadtests.sample_cases import CASES, Case
from loadtests.sample_lanes import LANES, Draft, Lane, laid_out
from loadtests.sample_numbers import CLEARING, MAIN
from opencif.nacha import FileHeader, Writer
from opencif.v1.ach_pb2 import AchPolicy

__all__ = ["ENTRIES_MIN", "POLICY", "Planted", "SampleFile", "file_header", "generate"]

POLICY: Final = AchPolicy(close_match_noc=True)
"""The policy under which entries earn what is planted."""
ENTRIES_MIN: Final = 500
_BATCH_MAX: Final = 1_000
_WRITE_BYTES: Final = 1 << 20


class Planted(NamedTuple):
    """An entry, counted from 1 over the file, and the case that it is of."""

    entry: int
    case: Case


@dataclass(frozen=True, slots=True)
class _Plan:
    """One lane: how many entries it has, and the cases among them (their places in CASES)."""

    lane: Lane
    entries: int
    cases: list[int]

    def case_at(self, place: int) -> int | None:
        """The case of an entry, counted from 0; the planted are spread evenly."""
        planted = len(self.cases)
        before, after = place * planted // self.entries, (place + 1) * planted // self.entries
        return self.cases[before] if after > before else None


class SampleFile:
    """A file of so many entries; the same bank and number give the same bytes."""

    def __init__(self, bank: SampleBank, entries: int = 10_000) -> None:
        if entries < ENTRIES_MIN:
            raise ValueError(f"a sample file has at least {ENTRIES_MIN} entries")
        self._bank = bank
        self._plans = _plans(entries)

    def planted(self) -> Iterator[Planted]:
        """The entries that are of a case; all others post."""
        entry = 0
        for plan in self._plans:
            for place in range(plan.entries):
                entry += 1
                case = plan.case_at(place)
                if case is not None:
                    yield Planted(entry, CASES[case])

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file, a record with its addenda at a time."""
        as_of = self._bank.as_of
        writer = Writer(file_header(as_of))
        batches = sequence = 0
        seen: Counter[int | str] = Counter()
        for plan in self._plans:
            for place in range(plan.entries):
                if place % _BATCH_MAX == 0:
                    batches += 1
                    header = plan.lane.header(as_of, batches)
                    yield writer.batch(header)
                sequence += 1
                draft = self._draft(plan, place, seen)
                yield writer.entry(laid_out(plan.lane, header, sequence, draft))
        yield writer.close()

    def _draft(self, plan: _Plan, place: int, seen: Counter[int | str]) -> Draft:
        """The entry at a place of a plan; `seen` counts those of each case and each audience."""
        lane, case = plan.lane, plan.case_at(place)
        kind = lane.audience if case is None else case
        number = seen[kind]
        seen[kind] += 1
        if case is None:
            return self._bank.ordinary_entry(lane, number)
        return self._bank.planted_entry(lane, case, number)

    def write(self, path: Path) -> None:
        """Write the file."""
        with path.open("wb", buffering=_WRITE_BYTES) as file:
            file.writelines(self.chunks())

    def write_expected(self, path: Path) -> None:
        """Write what the planted entries earn, as CSV."""
        with path.open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["entry", "case", "earns", "finding"])
            table.writerows(_rows(self.planted()))


def file_header(as_of: date) -> FileHeader:
    """The header of a sample file."""
    return FileHeader.build(
        immediate_destination=f" {MAIN}",
        immediate_origin=f" {CLEARING}",
        creation_date=f"{as_of:%y%m%d}",
        creation_time="0600",
        destination_name="SAMPLE BANK",
        origin_name="SAMPLE CLEARING HOUSE",
    )


def generate(
    path: Path, *, entries: int, accounts: int, seed: int = SEED, expected: Path | None = None
) -> None:
    """Write a file of so many entries over so many accounts."""
    sample = SampleFile(SampleBank(accounts, seed, AS_OF), entries)
    sample.write(path)
    if expected:
        sample.write_expected(expected)


def _rows(planted: Iterable[Planted]) -> Iterator[tuple[int, str, str, str]]:
    for entry, case in planted:
        yield entry, case.name, case.earns or "POST", case.finding


def _plans(entries: int) -> list[_Plan]:
    """Every case so often as it says, in each of its lanes in turn; the rest as the lanes share."""
    cases: dict[str, list[int]] = {name: [] for name in LANES}
    for number, case in enumerate(CASES):
        for each in range(case.entries(entries)):
            cases[case.lanes[(number + each) % len(case.lanes)]].append(number)
    left = entries - sum(map(len, cases.values()))
    ordinary = {name: left * lane.share // 100 for name, lane in LANES.items()}
    ordinary[next(iter(LANES))] += left - sum(ordinary.values())
    return [
        _Plan(lane, ordinary[name] + len(cases[name]), _mixed(cases[name]))
        for name, lane in LANES.items()
        if ordinary[name] + len(cases[name])
    ]


def _mixed(cases: list[int]) -> list[int]:
    """The cases, so that those of a kind do not stand together."""
    stride = max(1, round(len(cases) ** 0.5))
    return [case for start in range(stride) for case in cases[start::stride]]


def main() -> None:
    """Write a file, and its expected outcomes when asked to."""
    command = argparse.ArgumentParser(
        prog="python -m loadtests.sample_file", description="Write a sample NACHA file."
    )
    command.add_argument("--entries", type=int, default=10_000, help="%(default)s when not given")
    command.add_argument(
        "--accounts", type=int, default=5_000, help="the bank's; %(default)s when not given"
    )
    command.add_argument(
        "--seed", type=int, default=SEED, help="the bank's; %(default)s when not given"
    )
    command.add_argument("--out", type=Path, required=True, help="the NACHA file")
    command.add_argument("--expected", type=Path, help="what planted entries earn, as CSV")
    given = command.parse_args()
    generate(
        given.out,
        entries=given.entries,
        accounts=given.accounts,
        seed=given.seed,
        expected=given.expected,
    )


if __name__ == "__main__":
    main()
