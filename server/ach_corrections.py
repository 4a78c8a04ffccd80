"""What a notification of change says: corrected numbers, codes and names, read a chunk at a time.

The only place of clearing that opens a number segment or reads a customer's name.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from opencif.nacha import CorrectedData, FieldError
from opencif.v1 import ach_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.customer_pb2 import Customer
from repository.record import Kind, RecordStore
from server import names
from server.account_facts import AccountFacts
from server.account_rules import OWNERS
from server.ach_accounts import Resolved, Submitted
from server.reading import Reads
from server.resolution import EntryFacts
from server.rpc import Call
from tokenizer.sealing import Sealer

__all__ = ["Corrections"]

_RENUMBERED: Final = frozenset({"C01", "C03", "C06", "C07"})
_NAME_MAX: Final = 22


class Corrections:
    """Finds corrections: one statement for a chunk's numbers, one read for its names."""

    def __init__(self, records: RecordStore, sealer: Sealer, reads: Reads) -> None:
        self._records = records
        self._sealer = sealer
        self._reads = reads

    async def of(
        self, submitted: Sequence[Submitted], resolved: list[Resolved], call: Call
    ) -> dict[int, CorrectedData]:
        """Position -> corrections, of the results that are POST_WITH_NOC.

        One that has nothing to say (a number or name that is no longer there, or does not fit)
        becomes a POST in `resolved`; its findings stay. Raises TimedOut, Unavailable, SealBroken.
        """
        nocs = [i for i, (decision, _) in enumerate(resolved) if decision.noc_code]
        if not nocs:
            return {}
        numbers = await self._numbers([resolved[i] for i in nocs], call)
        customers = await self._names([(submitted[i].entry, resolved[i]) for i in nocs], call)
        found: dict[int, CorrectedData] = {}
        for i, number, name in zip(nocs, numbers, customers, strict=True):
            decision, account = resolved[i]
            corrected = _corrected(resolved[i], number, name)
            try:
                corrected.encode(decision.noc_code)
            except FieldError:
                post = replace(decision, disposition=ach_pb2.DISPOSITION_POST, noc_code="")
                resolved[i] = Resolved(post, account)
            else:
                found[i] = corrected
        return found

    async def _numbers(self, nocs: list[Resolved], call: Call) -> list[str]:
        """The account number of each result that must say one, else nothing."""
        wanted = {
            names.parse(Kind.ACCOUNT, account.message.name): account
            for decision, account in nocs
            if decision.noc_code in _RENUMBERED and account is not None
        }
        sealed = await self._sealed_numbers(wanted, call) if wanted else {}
        return [
            sealed.get(account.message.name, "") if account is not None else ""
            for _, account in nocs
        ]

    async def _sealed_numbers(
        self, wanted: dict[bytes, AccountFacts], call: Call
    ) -> dict[str, str]:
        blobs = await self._records.get_numbers(Kind.ACCOUNT, list(wanted), deadline=call.deadline)
        ids = list(blobs)
        versions = [wanted[id_].number_version for id_ in ids]
        opened = self._sealer.open_number_many(Kind.ACCOUNT, ids, versions, list(blobs.values()))
        return {
            wanted[id_].message.name: Account.FromString(plaintext).account_number
            for id_, plaintext in zip(ids, opened, strict=True)
        }

    async def _names(self, nocs: list[tuple[EntryFacts, Resolved]], call: Call) -> list[str]:
        """The closest owner's name for each C04, else nothing."""
        owners = [
            _closest_owner(entry, account)
            if decision.noc_code == "C04" and account is not None
            else ""
            for entry, (decision, account) in nocs
        ]
        wanted = {owner: names.parse(Kind.CUSTOMER, owner) for owner in owners if owner}
        if not wanted:
            return owners
        found = await self._reads.get_many(Customer, list(wanted.values()), call, private=True)
        return [
            _receiver_name(found[wanted[owner]]) if owner and wanted[owner] in found else ""
            for owner in owners
        ]


def _corrected(resolved: Resolved, account_number: str, name: str) -> CorrectedData:
    decision, account = resolved
    known = account.message.individual_ids if account is not None else []
    return CorrectedData(
        account_number=account_number,
        routing_number=decision.expected_routing,
        transaction_code=f"{decision.corrected_code:02d}",
        name=name,
        individual_id=known[0] if known else "",
    )


def _closest_owner(entry: EntryFacts, account: AccountFacts) -> str:
    """The owner who shares most words with the name in the entry."""
    said = frozenset().union(*entry.name_digests)
    owners = [party for party in account.message.parties if party.role in OWNERS]
    closest = max(owners, key=lambda party: len(said.intersection(party.name_digests)))
    return closest.customer


def _receiver_name(customer: Customer) -> str:
    """The name as an entry carries it: ASCII capitals, given name first, 22 characters."""
    person = customer.person
    name = f"{person.given_name} {person.family_name}".strip() or customer.organization.legal_name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return plain.upper()[:_NAME_MAX].strip()
