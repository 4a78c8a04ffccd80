"""Accounts of entries, opened once a version: what was kept serves only the version it is of."""

from collections.abc import Sequence
from typing import Any

from opencif.v1 import account_pb2 as pb
from opencif.v1 import ach_pb2
from repository.reading import Consistency
from repository.record import Entry
from server.ach_accounts import AccountResolver, Submitted, Terms
from server.resolution import Judge, Policy
from server.sealed import SealedRecords
from tests.unit.keyrings import ring
from tests.unit.resolution_cases import NOW, TABLE, account, entry
from tokenizer.identity import Identity
from tokenizer.sealing import Sealer

RING = ring()
SEALER, IDENTITY = Sealer(RING), Identity(RING)
NO_CUSTOMERS: Any = None
SEALED = SealedRecords(SEALER, NO_CUSTOMERS)
ENTRY = entry()
[ID] = IDENTITY.account_ids([ENTRY.routing_number], [ENTRY.account_number])


class Reader:
    """Stands for the cache and, once asked again, the primary."""

    def __init__(self) -> None:
        self.cached = self.stored = Entry(0, 1, b"", b"")
        self.asked_again = 0

    def write(self, version: int, **fields: object) -> Entry:
        """A version that everybody has."""
        plaintext = account(**fields).SerializeToString()
        sealed = SEALER.seal_operational(2, ID, (version, 0, 0), plaintext)
        self.cached = self.stored = Entry(version, 1, sealed, b"")
        return self.stored

    async def get_many(self, kind: int, ids: Sequence[bytes], *_: object, **__: object):
        return [self.cached if id_ == ID else Entry(0, 1, b"", b"") for id_ in ids]

    async def reread(self, kind: int, ids: Sequence[bytes], **_: object):
        self.asked_again += 1
        self.cached = self.stored
        return await self.get_many(kind, ids)


def resolver_of(reader: Any) -> AccountResolver:
    return AccountResolver(reader, IDENTITY, SEALED)


async def disposition(resolver: AccountResolver) -> int:
    judge = Judge(Policy(), NOW)
    submitted = Submitted(ENTRY, TABLE.route(ENTRY.routing_number, judge.day))
    [resolved] = await resolver.resolve([submitted], judge, Terms(Consistency.MINIMIZE_LATENCY))
    return resolved.decision.disposition


async def test_an_older_body_under_a_newer_versions_proof_does_not_serve() -> None:
    """The proof of a cached entry covers its version; only the seal says whose body it is."""
    reader = Reader()
    resolver = resolver_of(reader)
    former = reader.write(1)
    assert await disposition(resolver) == ach_pb2.DISPOSITION_POST
    current = reader.write(2, state=pb.ACCOUNT_STATE_CLOSED)
    reader.cached = former._replace(version=current.version)
    assert await disposition(resolver) == ach_pb2.DISPOSITION_RETURN
    assert reader.asked_again == 1
