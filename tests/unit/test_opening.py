"""What reads found says the same whether it comes as rows, as cached entries or in columns."""

import hashlib
from struct import pack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repository.proof import FEW, Proof
from repository.record import Entry, Kind, Rows
from repository.values import Cached, Columns
from repository.window import Window
from server.opening import texts_of
from server.sealed import SealedRecords
from tests.unit.keyrings import ring
from tokenizer.boxes import Boxes
from tokenizer.sealing import SealBroken, Sealer

RING = ring()
SEALER = Sealer(RING)
NO_CUSTOMERS: Any = None
SEALED = SealedRecords(SEALER, NO_CUSTOMERS)
HORIZON = 100


def id_of(n: int) -> bytes:
    return hashlib.sha256(b"%d" % n).digest()[:16]


def rows_of(texts: list[bytes | None]) -> list[Entry]:
    """Rows that say these texts; None is of no record."""
    versions = [(3, 0, 0)] * len(texts)
    ids = [id_of(n) for n in range(len(texts))]
    blobs = SEALER.seal_operational_many(2, ids, versions, [text or b"" for text in texts])
    return [
        Entry(0, HORIZON, b"", b"") if text is None else Entry(3, HORIZON, blob, b"")
        for text, blob in zip(texts, blobs, strict=True)
    ]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from([None, b"", b"a", b"text" * 90]), min_size=1, max_size=9),
    st.booleans(),
    st.data(),
)
def test_all_ways_say_the_same(some, are_many, data):
    texts = some * (FEW + 1) if are_many else some
    ids, rows = [id_of(n) for n in range(len(texts))], rows_of(texts)
    segments = SEALED.opened(Kind.ACCOUNT, ids, rows)
    cached = [
        Cached(row.version, row.horizon, segment, b"")
        for row, segment in zip(rows, segments, strict=True)
    ]
    window = Window(b"our life")
    window.begin([], 1, HORIZON)
    proof = Proof(Boxes(RING), window)
    values = proof.values(Kind.ACCOUNT, list(zip(ids, cached, strict=True)))
    found = proof.proven(Kind.ACCOUNT, ids, values).found
    assert isinstance(found, Columns) == are_many
    are_cached = data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids)))
    mixed = [
        entry if is_cached else row
        for is_cached, entry, row in zip(are_cached, cached, rows, strict=True)
    ]
    expected = [text or b"" for text in texts]
    segments = [row.operational for row in rows]
    side_by_side = Rows.read(
        [
            HORIZON,
            b"".join(ids),
            pack(f">{len(ids)}Q", *[row.version for row in rows]),
            b"".join(segments),
            pack(f">{len(ids)}i", *map(len, segments)),
            None,
        ]
    )
    for each in (rows, cached, found, mixed, side_by_side):
        assert texts_of(SEALED, Kind.ACCOUNT, ids, each) == expected


def test_a_row_among_what_is_cached_is_opened_by_its_seal():
    ids, rows = [id_of(0), id_of(1)], rows_of([b"text", b"text"])
    segments = SEALED.opened(Kind.ACCOUNT, ids, rows)
    cached = Cached(*rows[0][:2], segments[0], b"")
    broken = rows[1]._replace(operational=rows[1].operational[:-1])
    with pytest.raises(SealBroken):
        texts_of(SEALED, Kind.ACCOUNT, ids, [cached, broken])
    as_a_row = Entry(*cached)
    with pytest.raises(SealBroken):  # what is open is taken for so by its type alone
        texts_of(SEALED, Kind.ACCOUNT, ids, [as_a_row, rows[1]])
