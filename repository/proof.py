"""What proves a cached entry current (ADR 4), and under which key it lies. No I/O.

Knows no cryptography: a prover is handed in that seals and opens. Batches are proven as columns, a
few entries one by one, since arrays cost more than those do.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import Final, NamedTuple, Protocol

import numpy as np

from repository.record import ID_BYTES
from repository.shards import TAG_SIZE, TAGS
from repository.values import (
    BLOCK_SIZE,
    EMPTY_SIZE,
    HEAD,
    HEAD_SIZE,
    NONCE_SIZE,
    VALUE_MAX,
    Cached,
    Columns,
    Flags,
    Laid,
    Octets,
    Sizes,
    Words,
    head_of,
    padded_size,
    text_of,
)
from repository.window import Window

__all__ = ["FEW", "Proof", "Proven", "Prover", "entry_keys"]


class Prover(Protocol):
    """Seals entries under the purpose key `cache`, and opens what proves to be one of them.

    A box is nonce, sealed text and tag; it is bound to `lead`, a block, and to the entry's head.
    """

    def sealed(self, lead: bytes, heads: Sequence[bytes], texts: Sequence[bytes]) -> list[bytes]:
        """The boxes of texts, whole blocks each; `heads` begin with their ids."""

    def few_opened(
        self, lead: bytes, heads: Sequence[bytes], boxes: Sequence[bytes]
    ) -> list[bytes | None]:
        """The texts; None of a box that is not authentic."""

    def opened(
        self, lead: bytes, ids: Words, joined: bytes, starts: Sizes, counts: Sizes
    ) -> tuple[Octets, Flags]:
        """Values with their texts opened in place, and which are authentic.

        The n-th is `counts` blocks of `joined` from the block `starts` on, all side by side; its
        id are the n-th two of `ids`.
        """


FORMAT: Final = b"\4"  # in keys: a release whose values look different finds none of these
NOTHING: Final = bytes(EMPTY_SIZE)
BROKEN: Final = frozenset({"mac", "garbled"})  # causes after which an entry is removed
FEW: Final = 48  # entries, up to which one by one is cheaper

_TAG_ROWS: Final = np.frombuffer(b"".join(TAGS), np.uint8).reshape(-1, TAG_SIZE)


class Proven(NamedTuple):
    """What the values of some keys came to. `broken` are ids whose values are of no use."""

    ids: Sequence[bytes]
    found: Columns | list[Cached]  # under each of them
    misses: dict[str, int]
    broken: list[bytes]
    restamped: list[tuple[bytes, Cached]]


class Proof:
    """Keys and values of the entries of one worker's window and its incarnation.

    A value's box is bound to kind, incarnation, id and head, and is the rest of the value: there is
    nothing in it that its tag does not cover.
    """

    def __init__(self, prover: Prover, window: Window) -> None:
        self._prover = prover
        self._window = window

    def keys(self, kind: int, ids: Sequence[bytes]) -> list[bytes]:
        """The keys of records' entries in this life of the database."""
        return entry_keys(kind, self._window.incarnation, ids)

    def bulk_keys(self, kind: int, ids: Sequence[bytes]) -> bytes:
        """The same as RESP bulk strings without a gap."""
        prefix = _prefix(kind, self._window.incarnation)
        length = b"$%d\r\n" % (TAG_SIZE + len(prefix) + ID_BYTES)
        if len(ids) <= FEW:
            return b"".join([length + key + b"\r\n" for key in self.keys(kind, ids)])
        template = length + TAGS[0] + prefix + bytes(ID_BYTES) + b"\r\n"
        rows = np.empty((len(ids), len(template)), np.uint8)
        rows[:] = np.frombuffer(template, np.uint8)
        id_rows = np.frombuffer(b"".join(ids), np.uint8).reshape(len(ids), ID_BYTES)
        rows[:, len(length) : len(length) + TAG_SIZE] = _TAG_ROWS[id_rows[:, -1] & 63]
        rows[:, -ID_BYTES - 2 : -2] = id_rows
        return rows.tobytes()

    def tags(self, ids: Iterable[bytes]) -> Iterator[int]:
        """The numbers of the hash tags that the keys begin with."""
        return (id_[-1] & 63 for id_ in ids)

    def values(self, kind: int, entries: Sequence[tuple[bytes, Cached]]) -> list[bytes]:
        """The values to be kept under the entries' keys."""
        heads = [head_of(entry) for _, entry in entries]
        bound = [id_ + head for (id_, _), head in zip(entries, heads, strict=True)]
        texts = [text_of(entry) for _, entry in entries]
        return list(map(bytes.__add__, heads, self._prover.sealed(self._lead(kind), bound, texts)))

    def bulk_values(self, kind: int, entries: Sequence[tuple[bytes, Cached]]) -> bytes:
        """The same as RESP bulk strings without a gap."""
        values = self.values(kind, entries)
        return b"".join([b"$%d\r\n%b\r\n" % (len(value), value) for value in values])

    def proven(self, kind: int, ids: Sequence[bytes], values: Sequence[bytes | None]) -> Proven:
        """What of these values is current: authentic, horizon >= W, version >= the last change's.

        All else is a miss, counted by cause: absent, mac, garbled, horizon, version.
        """
        misses: dict[str, int] = {}
        found = [value for value in values if value is not None]
        if len(found) < len(values):
            misses["absent"] = len(values) - len(found)
            ids = [id_ for id_, value in zip(ids, values, strict=True) if value is not None]
        if not found:
            return Proven([], [], misses, [], [])
        prove = self._few_proven if len(found) <= FEW else self._many_proven
        return prove(kind, ids, found, misses)

    def _few_proven(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes], misses: dict[str, int]
    ) -> Proven:
        window = self._window
        there: dict[bytes, Cached] = {}
        broken, restamped = list[bytes](), list[tuple[bytes, Cached]]()
        texts = self._few_texts(kind, ids, values)
        heads = [
            HEAD.unpack_from(value) if text is not None else (0, window.horizon, 0, 0)
            for value, text in zip(values, texts, strict=True)
        ]
        newest = window.newest(kind, ids, min(horizon for _, horizon, _, _ in heads))
        for at, (id_, value, text) in enumerate(zip(ids, values, texts, strict=True)):
            cause = "mac"
            if text is not None:
                version, horizon, operational, private = heads[at]
                if padded_size(operational, private) != len(value):
                    cause = "garbled"
                elif horizon < window.oldest_xid:
                    cause = "horizon"
                elif version < newest.get(at, 0):
                    cause = "version"
                else:
                    end = operational + private
                    entry = Cached(version, horizon, text[:operational], text[operational:end])
                    there[id_] = entry
                    looked_up = at in newest and horizon < window.recent_from
                    if looked_up or horizon < window.restamp_below:
                        restamped.append((id_, entry._replace(horizon=window.horizon)))
                    continue
            misses[cause] = misses.get(cause, 0) + 1
            if cause in BROKEN:
                broken.append(id_)
        return Proven(list(there), list(there.values()), misses, broken, restamped)

    def _few_texts(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes]
    ) -> list[bytes | None]:
        """What is in the boxes of those values that are authentic."""
        heads = [id_ + value[:HEAD_SIZE] for id_, value in zip(ids, values, strict=True)]
        boxes = [value[HEAD_SIZE:] for value in values]
        return self._prover.few_opened(self._lead(kind), heads, boxes)

    def _many_proven(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes], misses: dict[str, int]
    ) -> Proven:
        laid = _laid(values)
        words = np.frombuffer(b"".join(ids), np.uint64)
        opened, authentic = self._prover.opened(self._lead(kind), words, *laid)
        places = laid.starts * BLOCK_SIZE + (HEAD_SIZE + NONCE_SIZE)
        found = Columns(opened, places, laid.heads)
        newest = self._newest(kind, ids, found.heads[1])
        broken: list[bytes] = []
        kept = np.ones(len(ids), np.bool_)
        for cause, holds in self._checks(laid, found.heads, authentic, newest):
            if not holds.all() and (lost := kept & ~holds).any():
                misses[cause] = int(np.count_nonzero(lost))
                kept &= holds
                if cause in BROKEN:
                    broken += compress(ids, lost.tolist())
        restamped: list[tuple[bytes, Cached]] = []
        if (old := self._to_restamp(found.heads[1], newest) & kept).any():
            restamped = [
                (id_, entry._replace(horizon=self._window.horizon))
                for id_, entry in zip(
                    compress(ids, old.tolist()), found.chosen(old).entries(), strict=True
                )
            ]
        if not kept.all():
            ids, found = list(compress(ids, kept.tolist())), found.chosen(kept)
        return Proven(ids, found, misses, broken, restamped)

    def _checks(
        self, laid: Laid, heads: Words, authentic: Flags, newest: dict[int, int]
    ) -> Iterator[tuple[str, Flags]]:
        """Which entries pass each check, in the order in which causes are told."""
        yield "mac", authentic
        yield "garbled", laid.are_as_long_as_told(heads)
        yield "horizon", heads[1] >= self._window.oldest_xid
        if newest:
            holds = np.ones(len(authentic), np.bool_)
            at = list(newest)
            holds[at] = heads[0][at] >= np.array(list(newest.values()), np.uint64)
            yield "version", holds

    def _newest(self, kind: int, ids: Sequence[bytes], horizons: Words) -> dict[int, int]:
        """Position -> version of the last change, where the entries' horizons leave that open."""
        window = self._window
        newest = window.newest(kind, ids, window.recent_from)
        old = np.flatnonzero(horizons < window.recent_from).tolist()
        if old:
            known = window.newest(kind, [ids[at] for at in old])
            newest |= {old[at]: version for at, version in known.items()}
        return newest

    def _to_restamp(self, horizons: Words, newest: dict[int, int]) -> Flags:
        """Which are past half the window, or had to be looked up.

        Stamped anew they contain all below the last horizon: that need not be asked again.
        """
        window = self._window
        old: Flags = horizons < window.restamp_below
        if newest:
            at = list(newest)
            old[at] |= horizons[at] < window.recent_from
        return old

    def _lead(self, kind: int) -> bytes:
        """What all boxes of a kind are bound to first: a whole block."""
        return (self._window.incarnation + bytes((kind,))).ljust(BLOCK_SIZE, b"\0")


def entry_keys(kind: int, incarnation: bytes, ids: Iterable[bytes]) -> list[bytes]:
    """The keys of records' entries: hash tag, kind, format, incarnation, id."""
    prefix = _prefix(kind, incarnation)
    return [TAGS[id_[-1] & 63] + prefix + id_ for id_ in ids]


def _prefix(kind: int, incarnation: bytes) -> bytes:
    return bytes((kind,)) + FORMAT + incarnation


def _laid(values: Sequence[bytes]) -> Laid:
    """Values side by side; where its size cannot be right, one that is not authentic."""
    sizes = np.fromiter(map(len, values), np.intp, len(values))
    whole = (sizes % BLOCK_SIZE == 0) & (sizes >= EMPTY_SIZE) & (sizes <= VALUE_MAX)
    if whole.all():
        return Laid.of(values, sizes)
    values = [
        value if is_whole else NOTHING
        for value, is_whole in zip(values, whole.tolist(), strict=True)
    ]
    return Laid.of(values, np.where(whole, sizes, EMPTY_SIZE))
