"""Sample NACHA files of millions of entries in a minute or two: one record an entry, no addenda.

Written column by column over the ordinary accounts of a sample bank, or over plain accounts by the
million with the sample bank's for what is not plain. Every account comes once, the other entries go
to few of them again and again (Zipf), and of a hundred so many are exceptions.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.sample_bank import SEED, SampleBank
from loadtests.sample_cases import CASES
from loadtests.sample_file import file_header
from loadtests.sample_lanes import LANES, PEOPLE, Draft, Lane, laid_out
from loadtests.sample_numbers import MAIN
from loadtests.sample_people import fitted
from loadtests.sample_plain import PlainBank, account_numbers
from opencif.nacha import BatchHeader, Writer
from opencif.nacha.fields import WIDTH

__all__ = ["ENTRIES_MIN", "LargeFile"]

ENTRIES_MIN: Final = 1_000
_LANES: Final = tuple(LANES[name] for name in ("PAYROLL", "BILL", "WEB", "VENDOR", "TAX"))
_BATCH_MAX: Final = 1_000
_POOL: Final = 4_000  # exceptions of a lane that are made; a larger file has them again
_CODE_TENS, _CODE_ONES = 1, 2
_NUMBER: Final = slice(12, 22)
_AMOUNT: Final = slice(29, 39)
_ID: Final = slice(39, 49)
_NAME_WIDTH: Final = 22
_TRACE: Final = slice(79, 94)
_AMOUNT_MIN, _AMOUNT_MAX = 1_000, 241_000
_WRITE_BYTES: Final = 1 << 20

Records = NDArray[np.uint8]  # [n, 94]


class _Pool(NamedTuple):
    """Exceptions of a lane as records, and what each earns."""

    records: Records
    earns: list[str]


class LargeFile:
    """A file of so many entries; the same bank, number, share and seed give the same bytes."""

    def __init__(
        self,
        bank: SampleBank,
        entries: int,
        *,
        plain_accounts: int = 0,
        exceptions_percent: float = 3.0,
        seed: int = SEED,
    ) -> None:
        """`plain_accounts` stand in for the bank's own people."""
        if entries < ENTRIES_MIN:
            raise ValueError(f"a large sample file has at least {ENTRIES_MIN} entries")
        self._bank = bank
        self._plain_accounts = plain_accounts
        self._random = np.random.default_rng(seed)
        self._share = exceptions_percent / 100
        shares = sum(lane.share for lane in _LANES)
        self._counts = {lane.name: entries * lane.share // shares for lane in _LANES}
        self._counts[_LANES[0].name] += entries - sum(self._counts.values())
        self.earned: Counter[str] = Counter()
        """What has been written so far earns."""

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file, a batch at a time; memory is that of the accounts' records."""
        writer = Writer(file_header(self._bank.as_of))
        number = sequence = 0
        for audience in dict.fromkeys(lane.audience for lane in _LANES):
            lanes = [lane for lane in _LANES if lane.audience == audience]
            accounts = self._accounts(lanes[0])
            order = self._order(len(accounts), sum(self._counts[lane.name] for lane in lanes))
            for lane in lanes:
                mine, order = np.split(order, [self._counts[lane.name]])
                pool = self._pool(lane)
                for start in range(0, len(mine), _BATCH_MAX):
                    number += 1
                    header = lane.header(self._bank.as_of, number)
                    records = accounts[mine[start : start + _BATCH_MAX]]
                    self._fill(records, lane, pool)
                    _trace(records, header, sequence)
                    sequence += len(records)
                    raw = records.tobytes()
                    yield writer.batch(header)
                    yield from (writer.record(row) for row in _cut(raw))
        yield writer.close()

    def write(self, path: Path) -> None:
        """Write the file."""
        with path.open("wb", buffering=_WRITE_BYTES) as file:
            file.writelines(self.chunks())

    def _accounts(self, lane: Lane) -> Records:
        """A record for each ordinary account of a lane's audience, once."""
        if self._plain_accounts and lane.audience == PEOPLE:
            return _plain_records(self._plain_accounts)
        drafts = self._bank.ordinary_entries(lane)
        return _records(b"".join(_entry(draft) for draft in drafts))

    def _order(self, accounts: int, entries: int) -> NDArray[np.int64]:
        """Which account each entry goes to: all of them, then by Zipf's law, all mixed."""
        ranks = np.floor(accounts ** self._random.random(max(0, entries - accounts))) - 1
        renamed = self._random.permutation(accounts)
        order = np.concatenate([renamed, renamed[ranks.astype(np.int64)]])[:entries]
        self._random.shuffle(order)
        return order

    def _pool(self, lane: Lane) -> _Pool:
        """Exceptions that come in a lane, as often as each says."""
        header = lane.header(self._bank.as_of, 1)
        cases = [
            (number, case)
            for number, case in enumerate(CASES)
            if lane.name in case.lanes and case.earns
        ]
        total = sum(case.per_10000 for _, case in cases)
        made: list[bytes] = []
        earns: list[str] = []
        for number, case in cases:
            for place in range(max(1, _POOL * case.per_10000 // total)):
                draft = self._bank.planted_entry(lane, number, place)
                made.append(laid_out(lane, header, 1, draft).raw)
                earns.append(case.earns)
        return _Pool(_records(b"".join(made)), earns)

    def _fill(self, records: Records, lane: Lane, pool: _Pool) -> None:
        """Give ordinary entries their code and amount, and put exceptions among them."""
        records[:, _CODE_ONES] = ord("7" if lane.is_debit else "2")
        amounts = self._random.integers(_AMOUNT_MIN, _AMOUNT_MAX, len(records))
        records[:, _AMOUNT] = _digits(amounts, 10)
        (odd,) = np.nonzero(self._random.random(len(records)) < self._share)
        chosen = self._random.integers(0, len(pool.records), len(odd))
        records[odd] = pool.records[chosen]
        self.earned.update(pool.earns[each] for each in chosen.tolist())
        self.earned["POST"] += len(records) - len(odd)


def _entry(draft: Draft) -> bytes:
    """An ordinary entry's record, to which code, amount and trace number are still to come."""
    return (
        f"6{draft.transaction_code // 10}0{draft.routing_number}{draft.account_number:17}"
        f"{'':10}{draft.individual_id:15}{draft.name:22}  0{'':15}"
    ).encode("ascii")


def _plain_records(accounts: int) -> Records:
    """A record for each plain account, as `_entry` makes them."""
    bank = PlainBank()
    blank = Draft(MAIN, "", 22, 0, "", "")
    owners = [
        _entry(replace(blank, name=fitted(bank.owner_name(owner), _NAME_WIDTH)))
        for owner in range(bank.owners_count)
    ]
    which = np.arange(accounts)
    records = _records(b"".join(owners))[which // 2 % len(owners)]
    records[:, _NUMBER] = account_numbers(0, accounts)
    records[:, _ID] = _digits(which, _ID.stop - _ID.start)
    return records


def _records(joined: bytes) -> Records:
    return np.frombuffer(joined, np.uint8).reshape(-1, WIDTH)


def _cut(raw: bytes) -> Iterator[bytes]:
    return (raw[at : at + WIDTH] for at in range(0, len(raw), WIDTH))


def _digits(numbers: NDArray[np.int64], width: int) -> Records:
    """Numbers as ASCII digits, [n, width]."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def _trace(records: Records, header: BatchHeader, sequence: int) -> None:
    """Number the entries of a batch, after so many before them."""
    first = int(header.odfi) * 10_000_000 + sequence + 1
    records[:, _TRACE] = _digits(first + np.arange(len(records), dtype=np.int64), 15)


def main() -> None:
    """Write a file; say as JSON what it earns."""
    command = argparse.ArgumentParser(
        prog="python -m loadtests.sample_large", description="Write a large sample NACHA file."
    )
    command.add_argument("--entries", type=int, default=1_000_000, help="below ten million")
    command.add_argument("--accounts", type=int, default=5_000, help="the bank's")
    command.add_argument("--plain", type=int, default=0, help="plain accounts beside the bank's")
    command.add_argument("--exceptions", type=float, default=3.0, help="percent of the entries")
    command.add_argument("--seed", type=int, default=SEED, help="the bank's and the file's")
    command.add_argument("--out", type=Path, required=True, help="the NACHA file")
    given = command.parse_args()
    file = LargeFile(
        SampleBank(given.accounts, given.seed),
        given.entries,
        plain_accounts=given.plain,
        exceptions_percent=given.exceptions,
        seed=given.seed,
    )
    file.write(given.out)
    print(json.dumps(dict(sorted(file.earned.items()))))


if __name__ == "__main__":
    main()
