"""What a cached entry looks like and what proves it current (DESIGN section 8). No I/O.

Knows no cryptography: MACs come from the prover handed in. Batches are proven as arrays, a few
entries one by one: the arrays cost more than they do.
"""

from collections.abc import Iterable, Iterator, Sequence
from hmac import compare_digest
from itertools import compress, repeat
from operator import itemgetter
from struct import Struct
from typing import Final, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from repository.record import Entry
from repository.shards import TAG_SIZE, TAGS
from repository.window import Window

__all__ = ["BODY", "HEAD", "Proof", "Proven", "Prover"]

Rows: TypeAlias = npt.NDArray[np.uint8]
Columns: TypeAlias = npt.NDArray[np.void]

# version, horizon, length of operational, length of private: what the MAC covers, after the key.
HEAD: Final = Struct(">QQII")
MAC_SIZE: Final = 16
ID_SIZE: Final = 16
HEAD_SIZE: Final = HEAD.size
BODY: Final = HEAD_SIZE + MAC_SIZE
BROKEN: Final = frozenset({"mac", "garbled"})  # causes after which an entry is removed
FEW: Final = 8  # entries, up to which one by one is cheaper

_COLUMNS: Final = np.dtype(
    [("version", ">u8"), ("horizon", ">u8"), ("operational", ">u4"), ("private", ">u4"),
     ("mac", "V16")]
)  # fmt: skip
_TAG_ROWS: Final = np.frombuffer(b"".join(TAGS), np.uint8).reshape(-1, TAG_SIZE)
_head_of: Final = itemgetter(slice(0, BODY))
_body_of: Final = itemgetter(slice(BODY, None))


class Prover(Protocol):
    """Authenticates messages of one length under the purpose key `cache`."""

    def mac(self, message: bytes) -> bytes:
        """The MAC, 16 bytes."""

    def macs(self, messages: Rows) -> Rows:
        """The MACs, [n, 16], of the rows of [n, length]."""


class Proven(NamedTuple):
    """What the values of some keys came to. `broken` are ids whose values are of no use."""

    entries: dict[bytes, Entry]
    misses: dict[str, int]
    broken: list[bytes]
    restamped: list[tuple[bytes, Entry]]


class Proof:
    """Keys and values of one incarnation's entries, held against one worker's window."""

    def __init__(self, prover: Prover, incarnation: bytes, window: Window) -> None:
        self._prover = prover
        self._incarnation = incarnation
        self._window = window
        self._key_size = 1 + len(incarnation) + ID_SIZE  # without the tag

    def keys(self, kind: int, ids: Sequence[bytes]) -> list[bytes]:
        """The keys of records' entries: hash tag, kind, incarnation, id."""
        prefix = self._prefix(kind)
        return [TAGS[id_[-1] & 63] + prefix + id_ for id_ in ids]

    def bulk_keys(self, kind: int, ids: Sequence[bytes]) -> bytes:
        """The same as RESP bulk strings without a gap."""
        length = b"$%d\r\n" % (TAG_SIZE + self._key_size)
        if len(ids) <= FEW:
            return b"".join([length + key + b"\r\n" for key in self.keys(kind, ids)])
        template = length + TAGS[0] + self._prefix(kind) + bytes(ID_SIZE) + b"\r\n"
        rows = np.empty((len(ids), len(template)), np.uint8)
        rows[:] = np.frombuffer(template, np.uint8)
        id_rows = _rows(ids, ID_SIZE)
        rows[:, len(length) : len(length) + TAG_SIZE] = _TAG_ROWS[id_rows[:, -1] & 63]
        rows[:, -ID_SIZE - 2 : -2] = id_rows
        return rows.tobytes()

    def values(self, kind: int, entries: Sequence[tuple[bytes, Entry]]) -> list[bytes]:
        """The values to be kept under the entries' keys."""
        prefix = self._prefix(kind)
        heads = [
            HEAD.pack(entry.version, entry.horizon, len(entry.operational), len(entry.private))
            for _, entry in entries
        ]
        messages = [prefix + id_ + head for (id_, _), head in zip(entries, heads, strict=True)]
        return [
            head + mac + entry.operational + entry.private
            for (_, entry), head, mac in zip(entries, heads, self._macs(messages), strict=True)
        ]

    def proven(self, kind: int, ids: Sequence[bytes], values: Sequence[bytes | None]) -> Proven:
        """What of these values is current: MAC right, horizon >= W, version >= the last change's.

        All else is a miss, counted by cause: absent, mac, garbled, horizon, version.
        """
        if len(ids) <= FEW:
            return self._few_proven(kind, ids, values)
        try:
            return self._many_proven(kind, ids, values, {})  # type: ignore[arg-type]  # no None
        except TypeError:
            found = [value is not None for value in values]
            ids = list(compress(ids, found))
            misses = {"absent": len(values) - len(ids)}
            return self._many_proven(kind, ids, [v for v in values if v is not None], misses)

    def _few_proven(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes | None]
    ) -> Proven:
        prefix = self._prefix(kind)
        window, newest = self._window, self._window.newest(kind, ids)
        proven = Proven({}, {}, [], [])
        for at, (id_, value) in enumerate(zip(ids, values, strict=True)):
            cause = ""
            if value is None:
                cause = "absent"
            elif not self._is_authentic(prefix + id_, value):
                cause = "mac"
            else:
                version, horizon, operational, private = HEAD.unpack_from(value)
                cut = BODY + operational
                if len(value) != cut + private:
                    cause = "garbled"
                elif horizon < window.oldest_xid:
                    cause = "horizon"
                elif version < newest.get(at, 0):
                    cause = "version"
                else:
                    entry = Entry(version, horizon, value[BODY:cut], value[cut:])
                    proven.entries[id_] = entry
                    if horizon < window.restamp_below:
                        proven.restamped.append((id_, entry._replace(horizon=window.horizon)))
            if cause:
                proven.misses[cause] = proven.misses.get(cause, 0) + 1
                if cause in BROKEN:
                    proven.broken.append(id_)
        return proven

    def _is_authentic(self, key: bytes, value: bytes) -> bool:
        return compare_digest(self._prover.mac(key + value[:HEAD_SIZE]), value[HEAD_SIZE:BODY])

    def _many_proven(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes], misses: dict[str, int]
    ) -> Proven:
        """The same by columns. Raises TypeError when a value is None."""
        heads = b"".join(map(_head_of, values))
        if len(heads) != len(values) * BODY:  # what is cut off within its head has no MAC
            heads = b"".join([value[:BODY].ljust(BODY, b"\0") for value in values])
        columns = np.frombuffer(heads, _COLUMNS)
        broken: list[bytes] = []
        kept = None
        for cause, holds in self._checks(kind, ids, values, columns):
            if holds.all():
                continue
            kept = np.ones(len(ids), np.bool_) if kept is None else kept
            lost = kept & ~holds
            kept &= holds
            if lost.any():
                misses[cause] = int(np.count_nonzero(lost))
                if cause in BROKEN:
                    broken += compress(ids, lost.tolist())
        if kept is not None:
            chosen = kept.tolist()
            ids, values = list(compress(ids, chosen)), list(compress(values, chosen))
            columns = columns[kept]
        entries = _entries(ids, values, columns)
        return Proven(entries, misses, broken, self._restamped(entries, columns["horizon"]))

    def _checks(
        self, kind: int, ids: Sequence[bytes], values: Sequence[bytes], columns: Columns
    ) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
        """Which entries pass each check, in the order in which causes are told."""
        yield "mac", self._authentic(kind, ids, columns)
        sizes = columns["operational"].astype(np.int64) + columns["private"]
        yield "garbled", np.fromiter(map(len, values), np.int64, len(values)) == sizes + BODY
        yield "horizon", columns["horizon"] >= self._window.oldest_xid
        if newest := self._window.newest(kind, ids):
            holds = np.ones(len(ids), np.bool_)
            at = list(newest)
            holds[at] = columns["version"][at] >= np.array(list(newest.values()), np.uint64)
            yield "version", holds

    def _authentic(
        self, kind: int, ids: Sequence[bytes], columns: Columns
    ) -> npt.NDArray[np.bool_]:
        """Whose MAC is right; how many bytes of a MAC are is not told by the time this takes."""
        messages = np.empty((len(ids), self._key_size + HEAD_SIZE), np.uint8)
        messages[:, : -ID_SIZE - HEAD_SIZE] = np.frombuffer(self._prefix(kind), np.uint8)
        messages[:, -ID_SIZE - HEAD_SIZE : -HEAD_SIZE] = _rows(ids, ID_SIZE)
        rows = columns.view(np.uint8).reshape(len(ids), BODY)
        messages[:, -HEAD_SIZE:] = rows[:, :HEAD_SIZE]
        claimed = np.ascontiguousarray(rows[:, HEAD_SIZE:]).view(np.uint64)
        differing = self._prover.macs(messages).view(np.uint64) ^ claimed
        authentic: npt.NDArray[np.bool_] = (differing[:, 0] | differing[:, 1]) == 0
        return authentic

    def _restamped(
        self, entries: dict[bytes, Entry], horizons: npt.NDArray[np.uint64]
    ) -> list[tuple[bytes, Entry]]:
        """What is past half the window, stamped anew: it contains all below the last horizon."""
        below, horizon = self._window.restamp_below, self._window.horizon
        if not entries or horizons.min() >= below:
            return []
        return [
            (id_, entry._replace(horizon=horizon))
            for id_, entry in entries.items()
            if entry.horizon < below
        ]

    def _macs(self, messages: list[bytes]) -> list[bytes]:
        if len(messages) <= FEW:
            return [self._prover.mac(message) for message in messages]
        joined = self._prover.macs(_rows(messages, self._key_size + HEAD_SIZE)).tobytes()
        return [joined[at : at + MAC_SIZE] for at in range(0, len(joined), MAC_SIZE)]

    def _prefix(self, kind: int) -> bytes:
        return bytes((kind,)) + self._incarnation


def _entries(ids: Sequence[bytes], values: Sequence[bytes], columns: Columns) -> dict[bytes, Entry]:
    """Id -> entry. This runs for every entry served, all of it in C where nothing is private."""
    versions, horizons = columns["version"].tolist(), columns["horizon"].tolist()
    operationals: Iterable[bytes]
    privates: Iterable[bytes]
    if columns["private"].any():
        cuts = (columns["operational"].astype(np.int64) + BODY).tolist()
        operationals = [value[BODY:cut] for value, cut in zip(values, cuts, strict=True)]
        privates = [value[cut:] for value, cut in zip(values, cuts, strict=True)]
    else:
        operationals, privates = map(_body_of, values), repeat(b"")
    fields = zip(versions, horizons, operationals, privates, strict=False)
    return dict(zip(ids, map(tuple.__new__, repeat(Entry), fields), strict=False))


def _rows(texts: Sequence[bytes], size: int) -> Rows:
    return np.frombuffer(b"".join(texts), np.uint8).reshape(len(texts), size)
