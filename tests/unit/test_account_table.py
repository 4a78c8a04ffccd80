"""The table of accounts' rows: what is put is found, until it changes or room is needed."""

from hashlib import blake2b
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from repository.record import Entry, Kind
from repository.window import Change, Window
from server.account_facts import NO_LEDGER
from server.account_table import ABSENT, ROW, WORDS_MAX, AccountTable, packed
from tests.unit.resolution_cases import DOE, JANE, account, facts_of, party

CURRENT = Entry(1, 10, b"sealed", b"")


class Poll:
    """Stands for the poll: a window that knows of nothing but what it is told."""

    def __init__(self) -> None:
        self.window = Window()
        self.window.begin([], 1, 10)
        self.on_change: list[Any] = []
        self.on_drop: list[Any] = []

    def change(self, *ids: bytes, version: int = 2, kind: int = Kind.ACCOUNT) -> None:
        changes = [Change(kind, id_, version, 11) for id_ in ids]
        for listener in self.on_change:
            listener(self.window.advance(changes, 12))


def id_of(number: int) -> bytes:
    return bytes([1]) + blake2b(bytes([number >> 8, number & 0xFF]), digest_size=15).digest()


def rows_of(versions: list[int]) -> Any:
    rows = np.zeros(len(versions), ROW)
    rows["version"] = versions
    return rows


def table_of(size_max_bytes: int = 1 << 20) -> tuple[Poll, AccountTable]:
    poll = Poll()
    return poll, AccountTable(poll, size_max_bytes)  # type: ignore[arg-type]  # what it reads of it


def put(table: AccountTable, ids: list[bytes], versions: list[int], entry: Entry = CURRENT) -> None:
    table.put(ids, rows_of(versions), [entry] * len(ids))


def got(table: AccountTable, ids: list[bytes]) -> list[int | None]:
    rows, found = table.get(np.frombuffer(b"".join(ids), np.uint8).reshape(-1, 16))
    return [
        int(row["version"]) if is_there else None for row, is_there in zip(rows, found, strict=True)
    ]


def test_what_is_put_is_found_and_nothing_else() -> None:
    _, table = table_of()
    ids = [id_of(n) for n in range(20_000)]
    for at in range(0, 10_000, 1_000):
        put(table, ids[at : at + 1_000], list(range(at + 1, at + 1_001)))
    found = got(table, ids)
    there = [version for version in found if version is not None]
    assert there == [at + 1 for at, version in enumerate(found) if version is not None]
    assert found[10_000:] == [None] * 10_000
    assert len(table) == len(there) > 5_000
    assert table.size_bytes <= 1 << 20


def test_a_table_with_room_keeps_nearly_all() -> None:
    _, table = table_of(1 << 24)
    ids = [id_of(n) for n in range(5_000)]
    put(table, ids, list(range(5_000)))
    assert sum(version is not None for version in got(table, ids)) > 4_950
    assert "rows" in repr(table)


def test_where_room_is_short_what_is_asked_for_stays() -> None:
    _, table = table_of(64 << 10)
    ids = [id_of(n) for n in range(2_000)]
    wanted = ids[:20]
    for at in range(0, 2_000, 20):
        put(table, ids[at : at + 20], [7] * 20)
        got(table, wanted)
    assert got(table, wanted) == [7] * 20
    assert len(table) <= table.size_bytes // 64


def test_what_changes_is_gone_and_only_that() -> None:
    poll, table = table_of()
    a, b = id_of(1), id_of(2)
    put(table, [a, b], [1, 1])
    poll.change(a, id_of(3))
    assert got(table, [a, b]) == [None, 1]
    poll.change(b, kind=Kind.CARD)
    assert got(table, [b]) == [1]
    assert len(table) == 1
    put(table, [a], [2], CURRENT._replace(version=2))
    assert got(table, [a, a]) == [2, 2]


def test_a_gap_drops_everything() -> None:
    poll, table = table_of()
    put(table, [id_of(1)], [1])
    for dropped in poll.on_drop:
        dropped()
    assert got(table, [id_of(1)]) == [None]
    assert len(table) == 0


def test_what_is_not_proven_current_is_not_kept() -> None:
    poll, table = table_of()
    poll.change(id_of(1))
    put(table, [id_of(1)], [1])  # read before it changed
    put(table, [id_of(2)], [1], CURRENT._replace(horizon=0))  # from before the window
    assert got(table, [id_of(1), id_of(2)]) == [None, None]


def test_two_reads_that_differ_leave_neither() -> None:
    _, table = table_of()
    put(table, [id_of(1)], [1])
    put(table, [id_of(1)], [1])
    assert got(table, [id_of(1)]) == [1]
    put(table, [id_of(1)], [2])
    assert got(table, [id_of(1)]) == [None]
    assert len(table) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "change", "get"]), st.lists(st.integers(0, 60))),
        max_size=25,
    )
)
@settings(max_examples=150, deadline=None)
def test_what_it_finds_is_what_was_put_last(steps: list[tuple[str, list[int]]]) -> None:
    """Three buckets only, so that rows give way: one that is gone is never one that is wrong."""
    poll, table = table_of(3 * 640)
    known: dict[int, int] = {}
    version = 1
    for what, numbers in steps:
        ids = [id_of(n) for n in dict.fromkeys(numbers)]
        if what == "put":
            known |= dict.fromkeys(numbers, version)
            newest = CURRENT._replace(version=version)
            table.put(ids, rows_of([version] * len(ids)), [newest] * len(ids))
        elif what == "change":
            version += 1
            poll.change(*ids, version=version)
            known = {n: v for n, v in known.items() if n not in numbers}
        found = got(table, ids)
        for n, version_found in zip(dict.fromkeys(numbers), found, strict=True):
            assert version_found in (None, known.get(n))
        assert len(table) <= 24


def test_a_row_says_what_plain_decisions_read() -> None:
    facts = facts_of(account(version=5, parties=[party(valid_from="2020-02-29")]))
    [row] = np.frombuffer(packed(facts), ROW)
    assert row["words"].tolist() == [JANE, DOE] + [JANE] * (WORDS_MAX - 2)
    assert (row["version"], row["plain_from"], row["exists"]) == (5, 20200229, 1)
    assert (row["ledger"], row["is_named"]) == (facts.plain_ledger, 1)
    assert (row["state"], row["account_type"]) == (facts.state, facts.account_type)
    [absent] = np.frombuffer(ABSENT, ROW)
    assert not absent["exists"]


def test_what_does_not_fit_into_a_row_is_not_plain() -> None:
    many = party(name_digests=range(1, WORDS_MAX + 2))
    for odd in (
        account(parties=[many]),
        account(parties=[party(valid_from="soon")]),
        account(individual_ids=["new", "old"]),
    ):
        [row] = np.frombuffer(packed(facts_of(odd)), ROW)
        assert row["ledger"] == NO_LEDGER
    nameless = facts_of(account(parties=[party(name_digests=[])]))
    [row] = np.frombuffer(packed(nameless), ROW)
    assert (row["ledger"], row["is_named"]) == (nameless.plain_ledger, 0)
