"""What proves a cached entry current (DESIGN section 8), and under which key it lies. No I/O.

Knows no cryptography: MACs come from the prover handed in. Batches are proven as columns; a few
entries one by one, since arrays cost more than those do.
"""

from collections.abc import Iterable, Iterator, Sequence
from hmac import compare_digest
from itertools import compress
from typing import Final, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from repository.record import Entry
from repository.shards import TAG_SIZE, TAGS
from repository.values import (
    BLOCK_SIZE,
    EMPTY_SIZE,
    HEAD,
    MAC_SIZE,
    Laid,
    Sizes,
    Words,
    entry_of,
    padded_size,
    sizes_of,
    text_of,
)
from repository.window import Window

__all__ = ["FEW", "Proof", "Proven", "Prover", "entry_keys"]

Flags: TypeAlias = npt.NDArray[np.bool_]


class Prover(Protocol):
    """MACs of 16 bytes under the purpose key `cache`, of texts in whole blocks of 16."""

    def few_entries(self, messages: Sequence[bytes]) -> list[bytes]:
        """The MAC of each message."""

    def entries(
        self, lead: bytes, ids: Words, joined: bytes, starts: Sizes, counts: Sizes
    ) -> Words:
        """The MACs, [2n], of `lead`, the n-th id of `ids`, [2n], and the n-th text.

        The n-th text is `counts` blocks of `joined` from the block `starts` on.
        """


INCARNATION_SIZE: Final = 8
ID_SIZE: Final = 16
FORMAT: Final = b"\2"  # in keys: a release whose values look different finds none of these
NOTHING: Final = bytes(EMPTY_SIZE)
BROKEN: Final = frozenset({"mac", "garbled"})  # causes after which an entry is removed
FEW: Final = 80  # entries, up to which one by one is cheaper

_TAG_ROWS: Final = np.frombuffer(b"".join(TAGS), np.uint8).reshape(-1, TAG_SIZE)


class Proven(NamedTuple):
    """What the values of some keys came to. `broken` are ids whose values are of no use."""

    values: dict[bytes, bytes]
    misses: dict[str, int]
    broken: list[bytes]
    restamped: list[tuple[bytes, Entry]]


class Proof:
    """Keys and values of the entries of one worker's window and its incarnation.

    A value's MAC covers kind, incarnation and id, and then all of the value: lengths stand before
    what they are of, so no two entries' texts are the same, and none begins another.
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
        length = b"$%d\r\n" % (TAG_SIZE + len(prefix) + ID_SIZE)
        if len(ids) <= FEW:
            return b"".join([length + key + b"\r\n" for key in self.keys(kind, ids)])
        template = length + TAGS[0] + prefix + bytes(ID_SIZE) + b"\r\n"
        rows = np.empty((len(ids), len(template)), np.uint8)
        rows[:] = np.frombuffer(template, np.uint8)
        id_rows = np.frombuffer(b"".join(ids), np.uint8).reshape(len(ids), ID_SIZE)
        rows[:, len(length) : len(length) + TAG_SIZE] = _TAG_ROWS[id_rows[:, -1] & 63]
        rows[:, -ID_SIZE - 2 : -2] = id_rows
        return rows.tobytes()

    def tags(self, ids: Iterable[bytes]) -> Iterator[int]:
        """The numbers of the hash tags that the keys begin with."""
        return (id_[-1] & 63 for id_ in ids)

    def values(self, kind: int, entries: Sequence[tuple[bytes, Entry]]) -> list[bytes]:
        """The values to be kept under the entries' keys."""
        ids, texts = [id_ for id_, _ in entries], [text_of(entry) for _, entry in entries]
        if len(ids) <= FEW:
            return list(map(bytes.__add__, texts, self._few_macs(kind, ids, texts)))
        laid = Laid.of(texts, sizes_of(texts))
        macs = self._many_macs(kind, ids, laid, laid.counts).view("V16").tolist()
        return list(map(bytes.__add__, texts, macs))

    def bulk_values(self, kind: int, entries: Sequence[tuple[bytes, Entry]]) -> bytes:
        """The same as RESP bulk strings without a gap."""
        values = self.values(kind, entries)
        return b"".join([b"$%d\r\n%b\r\n" % (len(value), value) for value in values])

    def proven(self, kind: int, ids: Sequence[bytes], values: Sequence[bytes | None]) -> Proven:
        """What of these values is current: MAC right, horizon >= W, version >= the last change's.

        All else is a miss, counted by cause: absent, mac, garbled, horizon, version.
        """
        misses: dict[str, int] = {}
        found = [value for value in values if value is not None]
        if len(found) < len(values):
            misses["absent"] = len(values) - len(found)
            ids = [id_ for id_, value in zip(ids, values, strict=True) if value is not None]
        if not found:
            return Proven({}, misses, [], [])
        prove = self._few_proven if len(found) <= FEW else self._many_proven
        return prove(kind, ids, found, misses)

    def _few_proven(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes], misses: dict[str, int]
    ) -> Proven:
        window, newest = self._window, self._window.newest(kind, ids)
        proven = Proven({}, misses, [], [])
        authentic = self._few_authentic(kind, ids, values)
        for at, (id_, value, is_right) in enumerate(zip(ids, values, authentic, strict=True)):
            cause = "mac"
            if is_right and len(value) >= EMPTY_SIZE:
                version, horizon, operational, private = HEAD.unpack_from(value)
                if padded_size(operational, private) != len(value):
                    cause = "garbled"
                elif horizon < window.oldest_xid:
                    cause = "horizon"
                elif version < newest.get(at, 0):
                    cause = "version"
                else:
                    proven.values[id_] = value
                    looked_up = at in newest and horizon < window.recent_from
                    if looked_up or horizon < window.restamp_below:
                        proven.restamped.append(self._restamped(id_, value))
                    continue
            misses[cause] = misses.get(cause, 0) + 1
            if cause in BROKEN:
                proven.broken.append(id_)
        return proven

    def _few_authentic(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes]
    ) -> Iterable[bool]:
        """Whose MAC is right."""
        macs = self._few_macs(kind, ids, [value[:-MAC_SIZE] for value in values])
        return map(compare_digest, macs, [value[-MAC_SIZE:] for value in values])

    def _many_proven(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes], misses: dict[str, int]
    ) -> Proven:
        laid = _laid(values)
        stamps = laid.stamps
        newest = self._newest(kind, ids, stamps[1::2])
        broken: list[bytes] = []
        kept = np.ones(len(ids), np.bool_)
        for cause, holds in self._checks(kind, ids, laid, stamps, newest):
            lost = kept & ~holds
            if lost.any():
                misses[cause] = int(np.count_nonzero(lost))
                kept &= holds
                if cause in BROKEN:
                    broken += compress(ids, lost.tolist())
        again = np.flatnonzero(self._to_restamp(stamps[1::2], newest) & kept).tolist()
        restamped = [self._restamped(ids[at], values[at]) for at in again]
        if not kept.all():
            chosen = kept.tolist()
            ids, values = list(compress(ids, chosen)), list(compress(values, chosen))
        return Proven(dict(zip(ids, values, strict=True)), misses, broken, restamped)

    def _checks(
        self, kind: int, ids: Sequence[bytes], laid: Laid, stamps: Words, newest: dict[int, int]
    ) -> Iterator[tuple[str, Flags]]:
        """Which entries pass each check, in the order in which causes are told."""
        yield "mac", self._many_authentic(kind, ids, laid)
        yield "garbled", laid.are_as_long_as_they_say
        yield "horizon", stamps[1::2] >= self._window.oldest_xid
        if newest:
            holds = np.ones(len(ids), np.bool_)
            at = list(newest)
            holds[at] = stamps[::2][at] >= np.array(list(newest.values()), np.uint64)
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

    def _restamped(self, id_: bytes, value: bytes) -> tuple[bytes, Entry]:
        return id_, entry_of(value)._replace(horizon=self._window.horizon)

    def _many_authentic(self, kind: int, ids: Sequence[bytes], laid: Laid) -> Flags:
        """Whose MAC is right; how many of its bytes are is not told by the time this takes."""
        differing = self._many_macs(kind, ids, laid, laid.counts - MAC_SIZE // BLOCK_SIZE)
        differing ^= laid.macs
        authentic: Flags = (differing[::2] | differing[1::2]) == 0
        return authentic

    def _many_macs(self, kind: int, ids: Sequence[bytes], laid: Laid, counts: Sizes) -> Words:
        """The MACs, [2n], that belong to texts of `counts` blocks."""
        words = np.frombuffer(b"".join(ids), np.uint64)
        return self._prover.entries(self._lead(kind), words, laid.joined, laid.starts, counts)

    def _few_macs(self, kind: int, ids: Sequence[bytes], texts: Sequence[bytes]) -> list[bytes]:
        lead = self._lead(kind)
        return self._prover.few_entries(
            [lead + id_ + text for id_, text in zip(ids, texts, strict=True)]
        )

    def _lead(self, kind: int) -> bytes:
        """What all MACs of a kind cover first: a whole block."""
        return (self._window.incarnation + bytes((kind,))).ljust(BLOCK_SIZE, b"\0")


def entry_keys(kind: int, incarnation: bytes, ids: Iterable[bytes]) -> list[bytes]:
    """The keys of records' entries: hash tag, kind, format, incarnation, id."""
    prefix = _prefix(kind, incarnation)
    return [TAGS[id_[-1] & 63] + prefix + id_ for id_ in ids]


def _prefix(kind: int, incarnation: bytes) -> bytes:
    return bytes((kind,)) + FORMAT + incarnation


def _laid(values: Sequence[bytes]) -> Laid:
    """Values side by side; what is no number of blocks, or too few, by one that no MAC fits."""
    sizes = sizes_of(values)
    whole = (sizes % BLOCK_SIZE == 0) & (sizes >= EMPTY_SIZE)
    if whole.all():
        return Laid.of(values, sizes)
    values = [
        value if is_whole else NOTHING
        for value, is_whole in zip(values, whole.tolist(), strict=True)
    ]
    return Laid.of(values, np.where(whole, sizes, EMPTY_SIZE))
