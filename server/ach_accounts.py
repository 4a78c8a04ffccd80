"""From entries to decisions: ids, proven records, opened once a version, judged; batch by batch.

The hot path of clearing, written for speed. Owns no rule: resolution.py decides.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from repository.reading import Consistency, Freshness, Reader
from repository.record import Entry, Kind
from server import names
from server.account_facts import AccountFacts
from server.ach_stages import Stage, Stages
from server.recent import Recent
from server.resolution import UNDECIDED, Decision, EntryFacts, Found, Judge, moved_to
from server.routing_table import Route
from server.sealed import SealedRecords
from tokenizer.identity import Identity
from tokenizer.sealing import SealBroken, operational_versions

__all__ = ["AccountResolver", "Opened", "Resolved", "Submitted", "Terms"]

_FACTS_MAX: Final = 16_384  # a bit under a kilobyte each
_TAG_BYTES: Final = 16  # of a seal: authenticates every byte of it, so two seals never share one


class Submitted(NamedTuple):
    """An entry and what its routing number means."""

    entry: EntryFacts
    route: Route


class Resolved(NamedTuple):
    """A decision and the account it was made on, if there is one."""

    decision: Decision
    account: AccountFacts | None


class Terms(NamedTuple):
    """How fresh what is read must be, and by when (monotonic seconds)."""

    freshness: Freshness
    deadline: float | None = None


class Opened(NamedTuple):
    """What was read under each id, and the account it holds, if there is one."""

    entries: Sequence[Entry]
    accounts: list[AccountFacts | None]


class AccountResolver:
    """Decides whole chunks of entries: one read of the cache for all their accounts.

    What a chunk reads was proven current by the reader; a record opened before is not opened
    again while its sealed bytes are the same.
    """

    def __init__(self, reader: Reader, identity: Identity, sealed: SealedRecords) -> None:
        self._reader = reader
        self.identity = identity
        self._sealed = sealed
        self._opened: Recent[bytes, tuple[int, bytes, AccountFacts]] = Recent(_FACTS_MAX)

    def check_age(self) -> None:
        """Raise TooStale where what was proven current may be so no longer."""
        self._reader.may_be_seen(Consistency.MINIMIZE_LATENCY)

    async def resolve(
        self,
        submitted: Sequence[Submitted],
        judge: Judge,
        terms: Terms,
        stages: Stages | None = None,
    ) -> list[Resolved]:
        """One result per entry, in order. Raises TimedOut, Unavailable, SealBroken."""
        stages = stages or Stages()
        accounts = await self._accounts(submitted, terms)
        with stages.during(Stage.DECIDING):
            results = self._plain(submitted, accounts, judge)
            odd = [i for i, (decision, _) in enumerate(results) if decision is UNDECIDED]
        if odd:
            heirs = await self._heirs([accounts[i] for i in odd], judge.day, terms)
            with stages.during(Stage.DECIDING):
                for i, heir in zip(odd, heirs, strict=True):
                    entry, route = submitted[i]
                    found = Found(accounts[i]) if heir is None else Found(heir, accounts[i])
                    results[i] = Resolved(judge.walk(entry, route, found), found.account)
        return results

    def _plain(
        self, submitted: Sequence[Submitted], accounts: list[AccountFacts | None], judge: Judge
    ) -> list[Resolved]:
        """The decisions on plain entries; UNDECIDED on all others."""
        plain = judge.plain
        return [
            Resolved((account and plain(entry, route, Found(account))) or UNDECIDED, account)
            for (entry, route), account in zip(submitted, accounts, strict=True)
        ]

    async def _accounts(
        self, submitted: Sequence[Submitted], terms: Terms
    ) -> list[AccountFacts | None]:
        """The account of each entry that is ours: under the routing number's heir, then its own."""
        accounts: list[AccountFacts | None] = [None] * len(submitted)
        ours = [
            i
            for i, (entry, route) in enumerate(submitted)
            if route.is_ours and entry.account_number
        ]
        routings = [submitted[i].route.routing_number for i in ours]
        numbers = [submitted[i].entry.account_number for i in ours]
        for i, account in zip(ours, await self._find(routings, numbers, terms), strict=True):
            accounts[i] = account
        retired = [i for i in ours if accounts[i] is None and submitted[i].route.is_retired]
        if retired:
            routings = [submitted[i].entry.routing_number for i in retired]
            numbers = [submitted[i].entry.account_number for i in retired]
            for i, account in zip(retired, await self._find(routings, numbers, terms), strict=True):
                accounts[i] = account
        return accounts

    async def _find(
        self, routings: list[str], numbers: list[str], terms: Terms
    ) -> list[AccountFacts | None]:
        """Accounts by their natural keys, under each generation of the ids' key that serves."""
        found: list[AccountFacts | None] = [None] * len(numbers)
        if not numbers:
            return found
        left = list(range(len(numbers)))
        for generation in self.identity.generations:
            ids = self.identity.account_ids(
                [routings[i] for i in left], [numbers[i] for i in left], generation
            )
            for i, account in zip(left, await self._read(ids, terms), strict=True):
                found[i] = account
            left = [i for i in left if found[i] is None]
            if not left:
                break
        return found

    async def _heirs(
        self, accounts: list[AccountFacts | None], day: str, terms: Terms
    ) -> list[AccountFacts | None]:
        """For each renumbered account the one its entries go to on that day.

        None where that one's number has been given to somebody else since.
        """
        moved = [moved_to(account, day) if account is not None else "" for account in accounts]
        wanted = list({name for name in moved if name})
        ids = [names.parse(Kind.ACCOUNT, name) for name in wanted]
        heirs = dict(zip(wanted, await self._read(ids, terms), strict=True))
        return [
            heir
            if account is not None
            and (heir := heirs.get(name)) is not None
            and heir.message.uid == account.message.replacement.account_uid
            else None
            for account, name in zip(accounts, moved, strict=True)
        ]

    async def read(self, ids: list[bytes], terms: Terms, stages: Stages) -> Opened:
        """The accounts under these ids, for who keeps them.

        Raises TimedOut, Unavailable, SealBroken.
        """
        freshness, deadline = terms
        entries = await self._reader.get_many(Kind.ACCOUNT, ids, freshness, deadline=deadline)
        try:
            with stages.during(Stage.OPENING):
                return Opened(entries, self._all_opened(ids, entries))
        except SealBroken:
            entries = await self._reader.reread(Kind.ACCOUNT, ids, deadline=deadline)
            return Opened(entries, self._all_opened(ids, entries))

    async def _read(self, ids: list[bytes], terms: Terms) -> list[AccountFacts | None]:
        """The accounts under these ids; one that does not open is asked of the primary once."""
        if not ids:
            return []
        freshness, deadline = terms
        entries = await self._reader.get_many(Kind.ACCOUNT, ids, freshness, deadline=deadline)
        try:
            return self._facts(ids, entries)
        except SealBroken:
            entries = await self._reader.reread(Kind.ACCOUNT, ids, deadline=deadline)
            return self._facts(ids, entries)

    def _facts(self, ids: list[bytes], entries: Sequence[Entry]) -> list[AccountFacts | None]:
        facts: list[AccountFacts | None] = []
        unopened: list[int] = []
        known = self._opened.get
        for i, (id_, entry) in enumerate(zip(ids, entries, strict=True)):
            sealed = entry.operational
            if not sealed:
                facts.append(None)
            elif (
                (kept := known(id_)) is not None
                and kept[0] == entry.version  # only the opened seal says of which version it is
                and sealed.endswith(kept[1])
            ):
                facts.append(kept[2])
            else:
                facts.append(None)
                unopened.append(i)
        opened = self._open(ids, entries, unopened)
        for i, account in zip(unopened, opened, strict=True):
            seal = entries[i].operational[-_TAG_BYTES:]
            self._opened.put(ids[i], (entries[i].version, seal, account))
            facts[i] = account
        return facts

    def _all_opened(self, ids: list[bytes], entries: Sequence[Entry]) -> list[AccountFacts | None]:
        """The same, keeping nothing."""
        facts: list[AccountFacts | None] = [None] * len(ids)
        sealed = [i for i, entry in enumerate(entries) if entry.operational]
        for i, account in zip(sealed, self._open(ids, entries, sealed), strict=True):
            facts[i] = account
        return facts

    def _open(
        self, ids: list[bytes], entries: Sequence[Entry], chosen: list[int]
    ) -> list[AccountFacts]:
        """The accounts of the entries chosen, each of the version that the entry says."""
        rows = [entries[i] for i in chosen]
        texts = self._sealed.current(Kind.ACCOUNT, [ids[i] for i in chosen], rows)
        return [
            AccountFacts(text, operational_versions(row.operational).number_version)
            for row, text in zip(rows, texts, strict=True)
        ]
