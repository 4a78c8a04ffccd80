"""Keyed digests of the words of names, in batches; words recur, so their digests are kept.

Names go in and digests come out: neither is logged, stored or printed here.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from server.recent import Recent
from tokenizer.identity import Identity
from tokenizer.normal import name_words

__all__ = ["NameWords"]

_WORDS_MAX: Final = 131_072


class NameWords:
    """Turns names into sets of digests, one set for each serving generation of the key."""

    __slots__ = ("_identity", "_known")

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._known: Recent[str, tuple[int, ...]] = Recent(_WORDS_MAX)

    def __repr__(self) -> str:
        return "NameWords(words hidden)"

    def digests(self, names: Sequence[str]) -> list[tuple[frozenset[int], ...]]:
        """For each name its words' digests, a set for each generation; nothing without words."""
        of_names = [name_words(name) for name in names]
        known = self._words({word for words in of_names for word in words})
        return [
            tuple(map(frozenset, zip(*[known[word] for word in words], strict=True)))
            for words in of_names
        ]

    def _words(self, words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        missing: list[str] = []
        for word in words:
            if (known := self._known.get(word)) is None:
                missing.append(word)
            else:
                found[word] = known
        if missing:
            made = [
                self._identity.name_digests(missing, generation)
                for generation in self._identity.generations
            ]
            for word, *digests in zip(missing, *made, strict=True):
                found[word] = tuple(digests)
                self._known.put(word, found[word])
        return found
