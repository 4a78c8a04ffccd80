"""Digests of names' words: the same as the key makes one by one, whatever is known already."""

from hypothesis import given
from hypothesis import strategies as st

from server.name_words import NameWords
from tests.unit.keyrings import ring
from tokenizer.identity import Identity
from tokenizer.keyring import Purpose
from tokenizer.normal import name_words

IDENTITY = Identity(ring(Purpose.IDENTITY))
WORDS = NameWords(IDENTITY)


@given(st.lists(st.text("ab -\u00c9\u0301", max_size=8), max_size=6))
def test_each_name_has_its_words_under_each_generation(names: list[str]) -> None:
    assert len(IDENTITY.generations) == 2
    for name, digests in zip(names, WORDS.digests(names), strict=True):
        words = name_words(name)
        assert digests == (
            tuple(frozenset(IDENTITY.name_digests(words, g)) for g in IDENTITY.generations)
            if words
            else ()
        )


def test_a_name_matches_whatever_its_case_marks_and_order() -> None:
    first, second = WORDS.digests(["Ren\u00e9e O'Neil", "ONEIL, RENEE"])
    assert len(first[0] & second[0]) == 1
    assert WORDS.digests(["DOE JANE"]) == WORDS.digests(["Jane  Doe."])


def test_words_are_not_printed() -> None:
    WORDS.digests(["SECRETIVE"])
    assert "secretive" not in repr(WORDS).lower()
