"""Messages to sealed segments and back, each under the key its segment calls for.

Owns the versions by which segments vouch for each other; must not know rows or what a field means.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol

from google.protobuf.message import Message

from repository.record import Kind, Record, Rows
from repository.values import Cached
from server.customer_keys import CustomerSealers
from server.shape import M, hide_inputs, shape_of
from tokenizer.blobs import Blobs
from tokenizer.customer import CustomerSealer
from tokenizer.sealing import (
    OPENED_TEXT,
    SealBroken,
    Sealer,
    Segment,
    Versions,
    check_versions,
    operational_versions,
)

__all__ = ["Opened", "SealedParts", "SealedRecords", "SealedRow"]

ALL_SEGMENTS = frozenset(Segment)


class SealedRow(Protocol):
    """What rows, cache entries and revisions have in common."""

    @property
    def version(self) -> int:
        """The record's version."""

    @property
    def operational(self) -> bytes | None:
        """Sealed."""

    @property
    def private(self) -> bytes | None:
        """Sealed."""


class SealedParts(NamedTuple):
    """A record ready to be written. None keeps a segment as it is stored, b"" is none."""

    operational: bytes
    private: bytes | None
    number: bytes | None
    paths: list[str]


@dataclass(slots=True)
class Opened(Generic[M]):
    """A record opened to be changed: its message, and what its segments said before."""

    message: M
    versions: Versions
    plaintexts: dict[Segment, bytes] = field(repr=False)

    def __repr__(self) -> str:
        return f"Opened({type(self.message).__name__} hidden)"


class SealedRecords:
    """Seals and opens records of every kind; what is a customer's own under that customer's key."""

    __slots__ = ("_customers", "_sealer")

    def __init__(self, sealer: Sealer, customers: CustomerSealers) -> None:
        self._sealer = sealer
        self._customers = customers

    async def open_many(
        self,
        of: type[M],
        ids: Sequence[bytes],
        rows: Sequence[SealedRow],
        *,
        private: bool,
        deadline: float | None = None,
    ) -> list[M]:
        """The messages of rows that have segments, in order, with private fields if asked for.

        Raises SealBroken when one does not open or its parts are not of one version.
        """
        kind = shape_of(of).kind
        opened = await self.plaintexts(kind, ids, rows, private=private, deadline=deadline)
        return [of.FromString(plaintext) for plaintext in opened]

    async def plaintexts(
        self,
        kind: int,
        ids: Sequence[bytes],
        rows: Sequence[SealedRow],
        *,
        private: bool,
        deadline: float | None = None,
    ) -> list[bytes]:
        """The same as serialized messages, as hot answers are spliced of: none is parsed."""
        plaintexts = self.current(kind, ids, rows)
        if private and kind == Kind.CUSTOMER:
            versions = [
                operational_versions(row.operational or b"").private_version for row in rows
            ]
            holders = [position for position, version in enumerate(versions) if version]
            sealers = await self._customers.get_many([ids[i] for i in holders], deadline)
            for i in holders:
                sealer, blob = sealers[ids[i]], rows[i].private or b""
                plaintexts[i] += sealer.open_private(versions[i], blob)
        return plaintexts

    def current(self, kind: int, ids: Sequence[bytes], rows: Sequence[SealedRow]) -> list[bytes]:
        """What rows' operational segments say, each of its row's version; what is cached is open.

        Raises SealBroken.
        """
        if Cached in set(map(type, rows)):
            return self._some_current(kind, ids, rows)
        blobs = [row.operational or b"" for row in rows]
        plaintexts = self._sealer.open_operational_many(kind, ids, blobs)
        check_versions(blobs, [row.version for row in rows])
        return plaintexts

    def texts(self, kind: int, rows: Rows) -> list[bytes]:
        """The same of rows side by side, none of which is without a segment."""
        blobs = Blobs(rows.operational, rows.places, rows.sizes)
        return self._sealer.open_operational_blobs(kind, rows.ids, rows.versions, blobs)

    def _some_current(
        self, kind: int, ids: Sequence[bytes], rows: Sequence[SealedRow]
    ) -> list[bytes]:
        """The same where some are open."""
        texts = [(row.operational or b"")[OPENED_TEXT] for row in rows]
        sealed = [at for at, row in enumerate(rows) if type(row) is not Cached]
        if not sealed:
            return texts
        opened = self.current(kind, [ids[at] for at in sealed], [rows[at] for at in sealed])
        for at, text in zip(sealed, opened, strict=True):
            texts[at] = text
        return texts

    def opened(
        self, kind: int, ids: Sequence[bytes], rows: Sequence[SealedRow]
    ) -> list[bytes | None]:
        """The operational segments of rows, opened as cached entries have them.

        Empty where there is no segment at all; None of one that `current` would not take. A private
        segment alone is what is left of a record: no deletion leaves one.
        """
        segments: list[bytes | None] = [b""] * len(rows)
        holders = [at for at, row in enumerate(rows) if row.operational or row.private]
        opened = self._sealer.opened_operational_many(
            kind,
            [ids[at] for at in holders],
            [rows[at].version for at in holders],
            [rows[at].operational or b"" for at in holders],
        )
        for at, segment in zip(holders, opened, strict=True):
            segments[at] = segment
        return segments

    async def fetch_keys(self, records: Iterable[Record], deadline: float | None = None) -> None:
        """Have the keys at hand that opening these takes: one statement, however many there are."""
        ids = [each.id for each in records if each.kind == Kind.CUSTOMER and each.private]
        await self._customers.get_many(ids, deadline)

    async def open(self, of: type[M], record: Record, deadline: float | None = None) -> Opened[M]:
        """A locked row opened to be changed: operational and private, not the numbers."""
        kind = shape_of(of).kind
        found = self._sealer.open_operational(kind, record.id, record.operational or b"")
        versions = Versions(found.version, found.private_version, found.number_version)
        if versions.version != record.version:
            raise SealBroken
        plaintexts = {Segment.OPERATIONAL: found.plaintext, Segment.PRIVATE: b""}
        if versions.private_version:
            sealer = (await self._customers.get_many([record.id], deadline))[record.id]
            plaintexts[Segment.PRIVATE] = sealer.open_private(
                versions.private_version, record.private or b""
            )
        return Opened(of.FromString(b"".join(plaintexts.values())), versions, plaintexts)

    async def open_numbers(
        self, opened: Opened[M], record: Record, deadline: float | None = None
    ) -> None:
        """Merge the number segment into an opened record, once."""
        if Segment.NUMBER in opened.plaintexts:
            return
        version, plaintext = opened.versions.number_version, b""
        if version and record.kind == Kind.CUSTOMER:
            sealer = (await self._customers.get_many([record.id], deadline))[record.id]
            plaintext = sealer.open_number(version, record.number or b"")
        elif version:
            plaintext = self._sealer.open_number(
                record.kind, record.id, version, record.number or b""
            )
        opened.plaintexts[Segment.NUMBER] = plaintext
        opened.message.MergeFromString(plaintext)

    async def seal_new(
        self,
        of: type[M],
        ids: Sequence[bytes],
        messages: Sequence[M],
        deadline: float | None = None,
    ) -> list[SealedParts]:
        """New records sealed, each as of its version, in order; customers get their keys."""
        shape = shape_of(of)
        for message in messages:
            hide_inputs(message)
        split = [shape.split(message, {}) for message in messages]
        versions = [_version(message) for message in messages]
        if shape.kind == Kind.CUSTOMER:
            sealers = await self._customers.create_many(ids, deadline)
            sealed = [
                _under(sealers[id_], version, parts)
                for id_, version, parts in zip(ids, versions, split, strict=True)
            ]
        else:
            sealed = self._seal_numbers(shape.kind, ids, versions, split)
        operational = self._sealer.seal_operational_many(
            shape.kind,
            ids,
            [
                _versions_of_new(version, parts)
                for version, parts in zip(versions, split, strict=True)
            ],
            [parts[Segment.OPERATIONAL] for parts in split],
        )
        return [
            SealedParts(blob, parts.get(Segment.PRIVATE), parts.get(Segment.NUMBER), [])
            for blob, parts in zip(operational, sealed, strict=True)
        ]

    async def seal(
        self, id_: bytes, message: M, former: Opened[M] | None, deadline: float | None = None
    ) -> SealedParts:
        """A record's message sealed as of its version.

        A segment of `former` that was not opened, or says the same as before, keeps its bytes and
        its version; without `former` the record is new, and a customer gets a key.
        """
        shape = shape_of(type(message))
        if former is None:
            (parts,) = await self.seal_new(type(message), [id_], [message], deadline)
            nothing = dict.fromkeys(Segment, b"")
            return parts._replace(paths=shape.changed_paths(nothing, shape.split(message, {})))
        hide_inputs(message)
        before = former.plaintexts
        after = shape.split(message, shape.strays(before))
        assert all(not after[s] for s in ALL_SEGMENTS - before.keys()), "numbers were not opened"
        changes: dict[Segment, bytes] = {
            segment: after[segment]
            for segment in before
            if segment is not Segment.OPERATIONAL and after[segment] != before[segment]
        }
        version = _version(message)
        if shape.kind != Kind.CUSTOMER:
            sealed = self._seal_numbers(shape.kind, [id_], [version], [changes])[0]
        elif changes:
            sealer = (await self._customers.get_many([id_], deadline))[id_]
            sealed = _under(sealer, version, changes)
        else:
            sealed = {}
        operational = self._sealer.seal_operational(
            shape.kind,
            id_,
            _versions(version, former.versions, changes),
            after[Segment.OPERATIONAL],
        )
        return SealedParts(
            operational,
            sealed.get(Segment.PRIVATE),
            sealed.get(Segment.NUMBER),
            shape.changed_paths(before, after),
        )

    def _seal_numbers(
        self,
        kind: int,
        ids: Sequence[bytes],
        versions: Sequence[int],
        changes: Sequence[Mapping[Segment, bytes]],
    ) -> list[dict[Segment, bytes]]:
        """The number segments among each record's changes, sealed; an empty one is removed."""
        assert not any(each.get(Segment.PRIVATE) for each in changes), "customers' alone"
        holders = [i for i, each in enumerate(changes) if each.get(Segment.NUMBER)]
        blobs = self._sealer.seal_number_many(
            kind,
            [ids[i] for i in holders],
            [versions[i] for i in holders],
            [changes[i][Segment.NUMBER] for i in holders],
        )
        sealed: list[dict[Segment, bytes]] = [
            {Segment.NUMBER: b""} if Segment.NUMBER in each else {} for each in changes
        ]
        for i, blob in zip(holders, blobs, strict=True):
            sealed[i][Segment.NUMBER] = blob
        return sealed


def _under(
    sealer: CustomerSealer, version: int, changes: Mapping[Segment, bytes]
) -> dict[Segment, bytes]:
    """A customer's changed segments under the customer's own key; an empty one is removed."""
    seals = {Segment.PRIVATE: sealer.seal_private, Segment.NUMBER: sealer.seal_number}
    return {
        segment: seals[segment](version, plaintext) if plaintext else b""
        for segment, plaintext in _apart(changes).items()
    }


def _apart(parts: Mapping[Segment, bytes]) -> dict[Segment, bytes]:
    """The segments that are sealed apart from the operational one."""
    return {s: parts[s] for s in (Segment.PRIVATE, Segment.NUMBER) if s in parts}


def _version(message: Message) -> int:
    version: int = message.version  # type: ignore[attr-defined]  # every record has one
    return version


def _versions_of_new(version: int, parts: Mapping[Segment, bytes]) -> Versions:
    """The versions the operational segment of a new record is to carry."""
    return Versions(
        version,
        version if parts[Segment.PRIVATE] else 0,
        version if parts[Segment.NUMBER] else 0,
    )


def _versions(version: int, kept: Versions, changes: Mapping[Segment, bytes]) -> Versions:
    """The versions the operational segment is to carry."""

    def of(segment: Segment, former: int) -> int:
        if segment not in changes:
            return former
        return version if changes[segment] else 0

    return Versions(
        version,
        of(Segment.PRIVATE, kept.private_version),
        of(Segment.NUMBER, kept.number_version),
    )
