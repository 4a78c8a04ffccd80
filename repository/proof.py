"""What a cached entry looks like and what proves it current (DESIGN section 8). No I/O.

Knows no cryptography: MACs come from the prover handed in. Batches are proven as columns; a few
entries one by one, since arrays cost more than those do.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hmac import compare_digest
from itertools import compress, repeat
from operator import itemgetter
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from repository.record import Entry
from repository.shards import TAG_SIZE, TAGS
from repository.window import Window

__all__ = ["BODY", "HEAD", "Proof", "Proven", "Prover", "shape"]

Rows: TypeAlias = npt.NDArray[np.uint8]
Columns: TypeAlias = npt.NDArray[np.void]
Flags: TypeAlias = npt.NDArray[np.bool_]

# The MACs, joined, of joined messages of so many bytes each, under the purpose key `cache`.
Prover: TypeAlias = Callable[[bytes, int], bytes]

# version, horizon, shape: with incarnation and id before it, what the MAC behind it covers.
HEAD: Final = Struct(">QQQ")
INCARNATION_SIZE: Final = 8
ID_SIZE: Final = 16
MAC_SIZE: Final = 16
HEAD_SIZE: Final = HEAD.size
BODY: Final = HEAD_SIZE + MAC_SIZE
MESSAGE_SIZE: Final = INCARNATION_SIZE + ID_SIZE + HEAD_SIZE  # three AES blocks
BROKEN: Final = frozenset({"mac", "garbled"})  # causes after which an entry is removed
FEW: Final = 24  # entries, up to which one by one is cheaper

_KIND_BITS: Final = 8
_LENGTH_BITS: Final = 28
_LENGTH_MASK: Final = (1 << _LENGTH_BITS) - 1
_PRIVATE_SHIFT: Final = _KIND_BITS + _LENGTH_BITS
_COLUMNS: Final = np.dtype(
    [("version", ">u8"), ("horizon", ">u8"), ("shape", ">u8"), ("mac", "V16")]
)
_TAG_ROWS: Final = np.frombuffer(b"".join(TAGS), np.uint8).reshape(-1, TAG_SIZE)
_head_of: Final = itemgetter(slice(0, BODY))
_body_of: Final = itemgetter(slice(BODY, None))


def shape(kind: int, operational: int, private: int) -> int:
    """The kind and the lengths in bytes of an entry's segments as one number of 64 bits."""
    assert operational | private <= _LENGTH_MASK, "a segment is below 256 MiB"
    return private << _PRIVATE_SHIFT | operational << _KIND_BITS | kind


class Proven(NamedTuple):
    """What the values of some keys came to. `broken` are ids whose values are of no use."""

    entries: dict[bytes, Entry]
    misses: dict[str, int]
    broken: list[bytes]
    restamped: list[tuple[bytes, Entry]]


class Proof:
    """Keys and values of the entries of one worker's window and its incarnation."""

    def __init__(self, prover: Prover, window: Window) -> None:
        self._prover = prover
        self._window = window

    def keys(self, kind: int, ids: Sequence[bytes]) -> list[bytes]:
        """The keys of records' entries: hash tag, kind, incarnation, id."""
        prefix = bytes((kind,)) + self._window.incarnation
        return [TAGS[id_[-1] & 63] + prefix + id_ for id_ in ids]

    def bulk_keys(self, kind: int, ids: Sequence[bytes]) -> bytes:
        """The same as RESP bulk strings without a gap."""
        prefix = bytes((kind,)) + self._window.incarnation
        length = b"$%d\r\n" % (TAG_SIZE + len(prefix) + ID_SIZE)
        if len(ids) <= FEW:
            return b"".join([length + key + b"\r\n" for key in self.keys(kind, ids)])
        template = length + TAGS[0] + prefix + bytes(ID_SIZE) + b"\r\n"
        rows = np.empty((len(ids), len(template)), np.uint8)
        rows[:] = np.frombuffer(template, np.uint8)
        id_rows = _id_rows(ids)
        rows[:, len(length) : len(length) + TAG_SIZE] = _TAG_ROWS[id_rows[:, -1] & 63]
        rows[:, -ID_SIZE - 2 : -2] = id_rows
        return rows.tobytes()

    def tags(self, ids: Iterable[bytes]) -> Iterator[int]:
        """The numbers of the hash tags that the keys begin with."""
        return (id_[-1] & 63 for id_ in ids)

    def values(self, kind: int, entries: Sequence[tuple[bytes, Entry]]) -> list[bytes]:
        """The values to be kept under the entries' keys."""
        heads = [
            HEAD.pack(entry[0], entry[1], shape(kind, len(entry[2]), len(entry[3])))
            for _, entry in entries
        ]
        macs = self._macs([id_ for id_, _ in entries], heads)
        return [
            head + macs[at : at + MAC_SIZE] + entry[2] + entry[3]
            for head, at, (_, entry) in zip(
                heads, range(0, len(macs), MAC_SIZE), entries, strict=True
            )
        ]

    def bulk_values(self, kind: int, entries: Sequence[tuple[bytes, Entry]]) -> bytes:
        """The same as RESP bulk strings without a gap."""
        if len(entries) <= FEW:
            values = self.values(kind, entries)
            return b"".join([b"$%d\r\n%b\r\n" % (len(value), value) for value in values])
        ids, sealed = zip(*entries, strict=True)
        versions, horizons, operationals, privates = zip(*sealed, strict=True)
        sizes, private_sizes = _numbers(map(len, operationals)), _numbers(map(len, privates))
        assert max(sizes.max(), private_sizes.max()) <= _LENGTH_MASK, "a segment is below 256 MiB"
        shapes = private_sizes << _PRIVATE_SHIFT | sizes << _KIND_BITS | np.uint64(kind)
        columns = np.empty(len(ids), _COLUMNS)
        columns["version"], columns["horizon"] = _numbers(versions), _numbers(horizons)
        columns["shape"] = shapes
        columns["mac"] = self._many_macs(ids, columns).view("V16")
        heads = columns.tobytes()
        parts: list[bytes] = [b"\r\n"] * (5 * len(ids))
        parts[0::5] = [b"$%d\r\n" % size for size in (sizes + private_sizes + BODY).tolist()]
        parts[1::5] = [heads[at : at + BODY] for at in range(0, len(heads), BODY)]
        parts[2::5] = operationals
        parts[3::5] = privates
        return b"".join(parts)

    def proven(self, kind: int, ids: Sequence[bytes], values: Sequence[bytes | None]) -> Proven:
        """What of these values is current: MAC right, horizon >= W, version >= the last change's.

        All else is a miss, counted by cause: absent, mac, garbled, horizon, version.
        """
        misses: dict[str, int] = {}
        if None in values:
            is_there = [value is not None for value in values]
            misses["absent"] = len(values) - sum(is_there)
            ids = list(compress(ids, is_there))
        found = [value for value in values if value is not None] if misses else values
        if not found:
            return Proven({}, misses, [], [])
        prove = self._few_proven if len(found) <= FEW else self._many_proven
        return prove(kind, ids, found, misses)  # type: ignore[arg-type]  # none is None

    def _few_proven(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes], misses: dict[str, int]
    ) -> Proven:
        window, newest = self._window, self._window.newest(kind, ids)
        proven = Proven({}, misses, [], [])
        authentic = self._few_authentic(ids, values)
        for at, (id_, value) in enumerate(zip(ids, values, strict=True)):
            cause = "mac"
            if authentic is None or authentic[at]:
                version, horizon, form = HEAD.unpack_from(value)
                cut = BODY + (form >> _KIND_BITS & _LENGTH_MASK)
                if len(value) != cut + (form >> _PRIVATE_SHIFT) or form & 0xFF != kind:
                    cause = "garbled"
                elif horizon < window.oldest_xid:
                    cause = "horizon"
                elif version < newest.get(at, 0):
                    cause = "version"
                else:
                    entry = Entry(version, horizon, value[BODY:cut], value[cut:])
                    proven.entries[id_] = entry
                    looked_up = at in newest and horizon < window.recent_from
                    if looked_up or horizon < window.restamp_below:
                        proven.restamped.append((id_, entry._replace(horizon=window.horizon)))
                    continue
            misses[cause] = misses.get(cause, 0) + 1
            if cause in BROKEN:
                proven.broken.append(id_)
        return proven

    def _few_authentic(self, ids: Sequence[bytes], values: Sequence[bytes]) -> list[bool] | None:
        """Whose MAC is right; None in the ordinary case that all are."""
        macs = self._macs(ids, [value[:HEAD_SIZE].ljust(HEAD_SIZE) for value in values])
        claimed = [value[HEAD_SIZE:BODY] for value in values]
        if compare_digest(macs, b"".join(claimed)):
            return None
        return [
            compare_digest(macs[at : at + MAC_SIZE], claim)
            for at, claim in zip(range(0, len(macs), MAC_SIZE), claimed, strict=True)
        ]

    def _many_proven(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes], misses: dict[str, int]
    ) -> Proven:
        heads = b"".join(map(_head_of, values))
        if len(heads) != len(values) * BODY:  # one is cut off within its head: it has no MAC
            heads = b"".join([value[:BODY].ljust(BODY, b"\0") for value in values])
        columns = np.frombuffer(heads, _COLUMNS)
        broken: list[bytes] = []
        kept: Flags | None = None
        newest = self._newest(kind, ids, columns["horizon"])
        looked_up = [ids[at] for at in newest]
        for cause, holds in self._checks(kind, ids, values, columns, newest):
            if holds.all():
                continue
            lost = ~holds if kept is None else kept & ~holds
            kept = holds if kept is None else kept & holds
            if lost.any():
                misses[cause] = int(np.count_nonzero(lost))
                if cause in BROKEN:
                    broken += compress(ids, lost.tolist())
        if kept is not None:
            chosen = kept.tolist()
            ids, values = list(compress(ids, chosen)), list(compress(values, chosen))
            columns = columns[kept]
        entries = _entries(ids, values, columns)
        restamped = self._restamped(entries, columns["horizon"], looked_up)
        return Proven(entries, misses, broken, restamped)

    def _checks(
        self,
        kind: int,
        ids: Sequence[bytes],
        values: Sequence[bytes],
        columns: Columns,
        newest: dict[int, int],
    ) -> Iterator[tuple[str, Flags]]:
        """Which entries pass each check, in the order in which causes are told."""
        yield "mac", self._many_authentic(ids, columns)
        yield "garbled", _of_their_shape(kind, values, columns["shape"])
        yield "horizon", columns["horizon"] >= self._window.oldest_xid
        if newest:
            holds = np.ones(len(ids), np.bool_)
            at = list(newest)
            holds[at] = columns["version"][at] >= np.array(list(newest.values()), np.uint64)
            yield "version", holds

    def _newest(
        self, kind: int, ids: Sequence[bytes], horizons: npt.NDArray[np.uint64]
    ) -> dict[int, int]:
        """Position -> version of the last change, where the entries' horizons leave that open."""
        window = self._window
        newest = window.newest(kind, ids, window.recent_from)
        old = np.flatnonzero(horizons < window.recent_from).tolist()
        if old:
            known = window.newest(kind, [ids[at] for at in old])
            newest |= {old[at]: version for at, version in known.items()}
        return newest

    def _many_authentic(self, ids: Sequence[bytes], columns: Columns) -> Flags:
        """Whose MAC is right; how many of its bytes are is not told by the time this takes."""
        claimed = np.ascontiguousarray(columns["mac"]).view(np.uint64)
        differing = self._many_macs(ids, columns) ^ claimed
        authentic: Flags = (differing[::2] | differing[1::2]) == 0
        return authentic

    def _many_macs(self, ids: Sequence[bytes], columns: Columns) -> npt.NDArray[np.uint64]:
        """The MACs that belong to these heads, two numbers each."""
        messages = np.empty((len(ids), MESSAGE_SIZE), np.uint8)
        messages[:, :INCARNATION_SIZE] = np.frombuffer(self._window.incarnation, np.uint8)
        messages[:, INCARNATION_SIZE:-HEAD_SIZE] = _id_rows(ids)
        rows = columns.view(np.uint8).reshape(len(ids), BODY)
        messages[:, -HEAD_SIZE:] = rows[:, :HEAD_SIZE]
        return np.frombuffer(self._prover(messages.tobytes(), MESSAGE_SIZE), np.uint64)

    def _restamped(
        self,
        entries: dict[bytes, Entry],
        horizons: npt.NDArray[np.uint64],
        looked_up: Sequence[bytes],
    ) -> list[tuple[bytes, Entry]]:
        """What is past half the window, or had to be looked up, stamped anew.

        It contains all below the last horizon: the next time that need not be asked again.
        """
        window = self._window
        below, horizon = window.restamp_below, window.horizon
        again: dict[bytes, None] = {}
        if entries and horizons.min() < below:
            again = dict.fromkeys(id_ for id_, entry in entries.items() if entry.horizon < below)
        again |= dict.fromkeys(
            id_ for id_ in looked_up if id_ in entries and entries[id_].horizon < window.recent_from
        )
        return [(id_, entries[id_]._replace(horizon=horizon)) for id_ in again]

    def _macs(self, ids: Sequence[bytes], heads: Sequence[bytes]) -> bytes:
        life = self._window.incarnation
        messages = [life + id_ + head for id_, head in zip(ids, heads, strict=True)]
        return self._prover(b"".join(messages), MESSAGE_SIZE)


def _of_their_shape(kind: int, values: Sequence[bytes], shapes: npt.NDArray[np.uint64]) -> Flags:
    """Which values are of the kind and as long as their heads say."""
    lengths = _numbers(map(len, values)) - BODY
    of_kind = np.uint64(kind)
    fitting: Flags = shapes == (lengths << _KIND_BITS | of_kind)  # where nothing is private
    if not fitting.all():
        said = (shapes >> _KIND_BITS & _LENGTH_MASK) + (shapes >> _PRIVATE_SHIFT)
        fitting = (said == lengths) & ((shapes & 0xFF) == of_kind)
    return fitting


def _entries(ids: Sequence[bytes], values: Sequence[bytes], columns: Columns) -> dict[bytes, Entry]:
    """Id -> entry. This runs for every entry served, all of it in C where nothing is private."""
    versions, horizons = columns["version"].tolist(), columns["horizon"].tolist()
    operationals: Iterable[bytes]
    privates: Iterable[bytes]
    if int(columns["shape"].max(initial=0)) >> _PRIVATE_SHIFT:
        cuts = ((columns["shape"] >> _KIND_BITS & _LENGTH_MASK) + BODY).tolist()
        operationals = [value[BODY:cut] for value, cut in zip(values, cuts, strict=True)]
        privates = [value[cut:] for value, cut in zip(values, cuts, strict=True)]
    else:
        operationals, privates = map(_body_of, values), repeat(b"")
    fields = zip(versions, horizons, operationals, privates, strict=False)
    return dict(zip(ids, map(tuple.__new__, repeat(Entry), fields), strict=False))


def _numbers(numbers: Iterable[int]) -> npt.NDArray[np.uint64]:
    return np.fromiter(numbers, np.uint64)


def _id_rows(ids: Sequence[bytes]) -> Rows:
    return np.frombuffer(b"".join(ids), np.uint8).reshape(len(ids), ID_SIZE)
