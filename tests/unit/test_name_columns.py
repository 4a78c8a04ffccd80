"""Names by the thousand: the same words, digests and answers as one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.name_columns import compared
from server.name_words import NameWords
from tests.unit.keyrings import ring
from tokenizer.identity import Identity
from tokenizer.keyring import Purpose

IDENTITY = Identity(ring(Purpose.IDENTITY))
WORDS = NameWords(IDENTITY)
WIDTH = 22
words = st.sampled_from(
    ["ANN", "Bell", "O'NEIL", "DE-LA", "X", "B2B", "A_B", "ZIMMERMANNSGESELLEXYZ"]
)
spelt = st.lists(words, max_size=4).map(" ".join)
names = st.one_of(
    spelt, st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=22)
)


@given(st.lists(st.tuples(names, names, st.sampled_from([0, 1])), max_size=20))
def test_names_compare_as_their_digests_do(pairs: list[tuple[str, str, int]]) -> None:
    said = [name[:WIDTH].ljust(WIDTH) for name, _, _ in pairs]
    digests = WORDS.digests(said)
    known = np.zeros((len(pairs), 8), np.uint32)
    for row, (_, owner, generation) in zip(known, pairs, strict=True):
        theirs = WORDS.digests([owner])[0]
        mine = sorted(theirs[generation])[:8] if theirs else []
        row[: len(mine)] = mine
    rows = np.frombuffer("".join(said).encode(), np.uint8).reshape(-1, WIDTH)
    found = compared(IDENTITY, rows, known)
    assert found.has_words.tolist() == [bool(each) for each in digests]
    assert found.matches.tolist() == [
        any(each <= set(row.tolist()) for each in sets)
        for sets, row in zip(digests, known, strict=True)
    ]
