"""Blocks of entries: as records they are what the plain reader gives, findings and all."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencif.nacha import Entry, Reader, entry_class
from opencif.nacha import blocks as subject
from opencif.nacha.blocks import Block, BlockReader
from tests.unit.nacha_samples import SEC_CODES, sample

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "ach"
PUBLISHED: dict[str, list[str]] = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "ach_samples.json").read_text()
)["files"]
SEPARATORS = st.sampled_from([b"\n", b"\r\n", b"\r", b""])


@pytest.fixture(autouse=True)
def _short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "RUN_MIN", 2)


def told(events: Iterable[object]) -> list[tuple[object, ...]]:
    """Every event as what it says: records by their bytes, place and addenda."""
    seen: list[tuple[object, ...]] = []
    for event in events:
        records: list[Any] = [event]
        if isinstance(event, Block):
            assert len(event) == len(event.codes) == len(event.routings)
            records = list(event.entries(entry_class(event.batch)))
            for entry, code, routing in zip(records, event.codes, event.routings, strict=True):
                assert isinstance(entry, Entry)
                assert (entry.transaction_code, entry.routing_number) == (code, f"{routing:09d}")
        for one in records:
            if not hasattr(one, "raw"):
                seen.append(("finding", one))
                continue
            batch = getattr(one, "batch", None)
            addenda = [(a.raw, a.line, type(a)) for a in getattr(one, "addenda", ())]
            seen.append((type(one), one.raw, one.line, batch and batch.line, addenda))
    return seen


def sums(reader: Reader) -> list[int]:
    totals = reader.totals
    return [getattr(totals, name) for name in type(totals).__slots__]


def assert_same(data: bytes, cuts: Iterable[int] = ()) -> int:
    """Both readers over the same pieces; how many entries came in blocks."""
    plain, fast = Reader(), BlockReader()
    expected: list[object] = []
    found: list[object] = []
    at = 0
    for cut in [*cuts, len(data)]:
        expected += plain.feed(data[at : at + cut])
        found += fast.feed(data[at : at + cut])
        at += cut
    expected += plain.close()
    found += fast.close()
    assert told(found) == told(expected)
    assert sums(fast) == sums(plain)
    return sum(len(event) for event in found if isinstance(event, Block))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files_are_the_same(name: str) -> None:
    assert_same("\n".join(PUBLISHED[name]).encode())


def test_shared_files_are_the_same() -> None:
    for path in SHARED.glob("*.ach"):
        assert_same(path.read_bytes())


def test_a_large_file_is_the_same_and_comes_in_blocks() -> None:
    path = SHARED / "PPD-200-batches-100000-entries.ach.gz"
    data = gzip.decompress(path.read_bytes()) if path.exists() else sample("TEL", count=10_000)
    entries = 100_000 if path.exists() else 10_000
    assert assert_same(data, [65_536] * (len(data) // 65_536)) > entries * 0.95


@pytest.mark.parametrize("sec", SEC_CODES)
@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\r", b""])
def test_every_sec_code_is_the_same(sec: str, separator: bytes) -> None:
    assert_same(sample(sec, count=40, separator=separator))


PLAIN = ("PPD", "TEL", "ARC", "POP", "TRC", "CCD", "CTX", "IAT", "RCK")


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A file with some bytes changed, taken out or put in, mostly in columns that count."""
    data = bytearray(
        sample(
            *draw(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=3)),
            count=draw(st.integers(1, 30)),
            separator=draw(SEPARATORS),
        )
    )
    columns = st.sampled_from([0, 1, 2, 3, 11, 12, 29, 38, 54, 57, 78, 79, 86, 87, 93, 94, 95])
    for _ in range(draw(st.integers(0, 6))):
        row, column = draw(st.integers(0, max(0, len(data) // 95 - 1))), draw(columns)
        place = min(row * 95 + column, len(data) - 1)
        change = draw(st.sampled_from(["set", "set", "set", "out", "in"]))
        value = draw(st.sampled_from(list(b"0123456789 ABz\n\r\x00\xff")))
        if change == "set":
            data[place] = value
        elif change == "in":
            data.insert(place, value)
        elif len(data) > 1:
            del data[place]
    return bytes(data)


@given(broken(), st.lists(st.integers(0, 2_000), max_size=12))
@settings(max_examples=400, deadline=None)
def test_broken_files_are_the_same(data: bytes, cuts: list[int]) -> None:
    assert_same(data, cuts)


def entry_lines(data: bytes) -> list[int]:
    return [i for i, line in enumerate(data.split(b"\n")) if line.startswith(b"6")]


@given(
    st.sampled_from(["TEL", "ARC", "POP", "TRC"]),
    st.integers(0, 39),
    st.sampled_from([(2, 1), (2, 3), (3, 9), (12, 1), (30, 10), (79, 1), (80, 8), (80, 15)]),
    st.text("0123456789 X", min_size=15, max_size=15),
)
@settings(max_examples=300, deadline=None)
def test_a_wrong_field_of_an_entry_is_the_same(
    sec: str, number: int, field: tuple[int, int], text: str
) -> None:
    lines = sample(sec, count=40).split(b"\n")
    i = [at for at, line in enumerate(lines) if line[:1] == b"6"][number]
    first, width = field
    line = lines[i]
    lines[i] = line[: first - 1] + text[:width].encode() + line[first - 1 + width :]
    assert_same(b"\n".join(lines))


def test_a_block_shows_nothing_of_its_entries() -> None:
    [block] = [e for e in BlockReader().feed(sample("TEL", count=9)) if isinstance(e, Block)]
    assert len(block) == 9
    assert repr(block) == "<Block line=3 entries=9 sec=TEL>"
