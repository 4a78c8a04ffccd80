"""What the rows of imports refer to: held in the database while they are written.

Customers are opened once, as long as memory and versions allow: accounts need their names' digests.
What is known of one counts only at the version that is held, and outlives no import: a database
that went back to an earlier state has the same versions again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from opencif.v1.account_pb2 import Account, AccountParty
from opencif.v1.customer_pb2 import Customer
from repository.loading import Held, hold, read
from repository.record import Kind
from repository.work import Work
from server import account_rules, names
from server.errors import FailedPrecondition
from server.party import Parties
from server.recent import Recent
from server.sealed import SealedRecords

__all__ = ["KnownCustomer", "Referenced", "References", "Wants"]

CUSTOMERS_KEPT: Final = 50_000

Wants = Mapping[int, Collection[str]]  # kind -> names of the records that rows refer to


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """What accounts need of a customer: `copied` is what their parties copy."""

    version: int
    id: bytes
    is_fit_for_party: bool
    copied: AccountParty = field(repr=False)


class Referenced:
    """The records that a batch refers to and that exist, by name."""

    __slots__ = ("_held", "customers")

    def __init__(
        self, held: Mapping[int, Mapping[str, Held]], customers: Mapping[str, KnownCustomer]
    ) -> None:
        self._held = held
        self.customers = customers

    def state(self, kind: int, name: str, field: str) -> int:
        """The state of the record called `name`.

        Raises FailedPrecondition REFERENCE_NOT_FOUND naming `field` where there is none.
        """
        held = self._held[kind].get(name)
        if held is None:
            raise FailedPrecondition("REFERENCE_NOT_FOUND", field)
        return held.state


class References:
    """Finds what rows refer to, for all imports that a worker has under way."""

    __slots__ = ("_customers", "_kept_max", "_parties", "_sealed", "_today")

    def __init__(
        self, sealed: SealedRecords, parties: Parties, kept_max: int = CUSTOMERS_KEPT
    ) -> None:
        self._sealed = sealed
        self._parties = parties
        self._kept_max = kept_max
        self._today = date.min
        self._customers: Recent[str, KnownCustomer] = Recent(kept_max)

    def begin(self, today: date) -> None:
        """Work for a batch of this day: who was a minor on another may be of age."""
        if today != self._today:
            self._today = today
            self.forget()

    def forget(self) -> None:
        """Know nobody."""
        self._customers = Recent(self._kept_max)

    def learn(self, customers: Sequence[Customer]) -> None:
        """Keep what accounts will need of customers just loaded."""
        for customer, known in self._known(customers):
            self._customers.put(customer, known)

    async def hold(
        self, work: Work, wants: Wants, deadline: float | None, *, opens_customers: bool
    ) -> Referenced:
        """What exists of the records wanted; it stays as it is until the transaction ends.

        One statement for each kind, and one to open customers that are not known as they are now.
        """
        held: dict[int, dict[str, Held]] = {}
        for kind in sorted(wants):
            ids = {names.parse(kind, name): name for name in wants[kind]}
            found = await hold(work, kind, list(ids))
            held[kind] = {ids[id_]: one for id_, one in found.items()}
        if not opens_customers:
            return Referenced(held, {})
        return Referenced(held, await self._opened(work, held.get(Kind.CUSTOMER, {}), deadline))

    async def accounts(
        self, work: Work, ids: Collection[bytes], deadline: float | None
    ) -> dict[bytes, Account]:
        """Id -> account, of those of `ids` that exist."""
        rows = await read(work, Kind.ACCOUNT, ids)
        opened = await self._sealed.open_many(
            Account, list(rows), list(rows.values()), private=False, deadline=deadline
        )
        return dict(zip(rows, opened, strict=True))

    async def _opened(
        self, work: Work, held: Mapping[str, Held], deadline: float | None
    ) -> dict[str, KnownCustomer]:
        found: dict[str, KnownCustomer] = {}
        missing: list[bytes] = []
        for name, one in held.items():
            known = self._customers.get(name)
            if known is not None and known.version == one.version:
                found[name] = known
            else:
                missing.append(names.parse(Kind.CUSTOMER, name))
        rows = await read(work, Kind.CUSTOMER, missing)
        opened = await self._sealed.open_many(
            Customer, list(rows), list(rows.values()), private=True, deadline=deadline
        )
        for name, known in self._known(opened):
            self._customers.put(name, known)
            found[name] = known
        return found

    def _known(self, customers: Sequence[Customer]) -> Iterable[tuple[str, KnownCustomer]]:
        for customer, digests in zip(customers, self._parties.digests_of(customers), strict=True):
            yield (
                customer.name,
                KnownCustomer(
                    customer.version,
                    names.parse(Kind.CUSTOMER, customer.name),
                    account_rules.is_fit_for_party(customer),
                    account_rules.copied_of(customer, digests, self._today),
                ),
            )
