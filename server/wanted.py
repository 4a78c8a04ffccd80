"""What the keys of one lookup lead to, and which of the records found under it answer each key.

Pure; must not know how a key is read.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

from opencif.v1.account_pb2 import Account

__all__ = ["Wanted"]

_NOT_FOUND: Final = "NOT_FOUND"


class Wanted:
    """What the keys of one batch lead to, by their position."""

    __slots__ = ("_ids", "refused", "single", "tokens")

    def __init__(
        self, ids: list[Sequence[bytes]] | None = None, single: list[bytes] | None = None
    ) -> None:
        """Of `ids`, what each key may stand for, or of `single`."""
        self._ids = ids
        self.single = single
        """The ids in order, when each key leads to exactly one and has no token to be proven."""
        self.refused: dict[int, str] = {}
        """The reasons of keys that are not well formed."""
        self.tokens: dict[int, tuple[str, dict[bytes, int]]] = {}
        """What the record under an id must carry, exactly, and of which generation."""

    def __len__(self) -> int:
        return len(self.ids if self.single is None else self.single)

    @property
    def ids(self) -> list[Sequence[bytes]]:
        """What each key may stand for, the likeliest first."""
        if self._ids is None:
            self._ids = list(zip(self.single or ()))
        return self._ids

    def every_id(self) -> Iterable[bytes]:
        """All that any key may stand for."""
        return chain.from_iterable(self.ids) if self.single is None else self.single

    def hits(self, opened: Mapping[bytes, bytes]) -> list[bytes | None]:
        """The record that each key found among those opened; None where it found none."""
        get = opened.get
        if self.single is not None:
            return list(map(get, self.single))
        hits: list[bytes | None] = []
        for position, ids in enumerate(self.ids):
            if position in self.tokens:
                hits.append(self._carrier(position, opened))
            elif len(ids) == 1:
                hits.append(get(ids[0]))
            else:
                hits.append(next((opened[id_] for id_ in ids if id_ in opened), None))
        return hits

    def refuse(self, position: int, reason: str) -> None:
        """Have a key lead nowhere; unknown to all who ask is not malformed."""
        if reason != _NOT_FOUND:
            self.refused[position] = reason

    def settle(self) -> None:
        """Name the single ids, now that every key has been led where it leads."""
        if not (self.refused or self.tokens) and all(len(ids) == 1 for ids in self.ids):
            self.single = [ids[0] for ids in self.ids]

    def _carrier(self, position: int, opened: Mapping[bytes, bytes]) -> bytes | None:
        """The account that carries the token: under a wrong key it opens to something plausible."""
        token, generations = self.tokens[position]
        for id_, generation in generations.items():
            record = opened.get(id_)
            if record is not None and any(
                carried.value == token and carried.key_version == generation
                for carried in Account.FromString(record).tokens
            ):
                return record
        return None
