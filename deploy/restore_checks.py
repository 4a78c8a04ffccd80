"""What must be true of a service whose database was restored to the moment T."""

from collections.abc import AsyncIterator, Mapping, Sequence

from deploy.restore_past import LOST_REQUEST, PATIENT_S, ROUTING, Past, moved, opened
from opencif.client import Client
from opencif.errors import FailedPrecondition
from opencif.v1 import account_pb2, customer_pb2, lookup_pb2
from opencif.v1.lookup_pb2 import LOOKUP_OUTCOME_FOUND
from opencif.v1.record_pb2 import Consistency, View
from opencif.v1.tokenization_pb2 import Token, TokenType

__all__ = ["Checks"]

FULLY = Consistency(fully_consistent=True)


class Checks:
    """Asks every worker, and keeps in `wrong` what should not be, in words."""

    def __init__(self, past: Past) -> None:
        self.wrong: list[str] = []
        self._past = past
        self._where = ""

    async def run(self, addresses: Sequence[str]) -> None:
        """Check all workers as they find the world, then change it and check them again.

        The cache is asked before anything that asks the primary could mend what is in it.
        """
        for self._where in addresses:
            async with _client(self._where) as client:
                self._hold(await _found(client, list(self._past.bounds()), None))
        for self._where in addresses:
            async with _client(self._where) as client:
                await self._check_versions(client)
                await self._check_seals(client)
                await self._check_pages(client)
        await self._check_new_writes(addresses)

    async def _check_versions(self, client: Client) -> None:
        """From the cache, with a token of the lost future, from the primary: all the same."""
        names = list(self._past.bounds())
        lost_token = Consistency(at_least_as_fresh=self._past.lost_token)
        found = [await _found(client, names, how) for how in (None, lost_token, FULLY)]
        self._expect(found[0] == found[2], "a cached read differs from the primary")
        self._expect(found[1] == found[2], "a read with a lost token differs from the primary")
        self._hold(found[2])

    def _hold(self, found: Mapping[str, tuple[int, str]]) -> None:
        """Before T all, after T nothing."""
        bounds = self._past.bounds()
        for name, (version, branch) in found.items():
            least, most = bounds[name]
            self._expect(version >= least, f"{name}: lost, {version} for {least}")
            self._expect(version <= most, f"{name}: from the lost future, {version} for {most}")
            self._expect(branch == (f"B{version}" if version else ""), f"{name}: branch {branch}")

    async def _check_seals(self, client: Client) -> None:
        """Names and numbers of before T are read, under keys that no restore touched."""
        for name, given in self._past.customers.items():
            request = customer_pb2.GetCustomerRequest(name=name, view=View.VIEW_FULL)
            customer = (await client.customers.GetCustomer(request)).customer
            self._expect(customer.person.given_name == given, f"{name}: another's name")
        least = {name: bounds.least for name, bounds in self._past.bounds().items()}
        kept = [name for name in self._past.numbers if least[name]]
        keys = [lookup_pb2.AccountKey(name=name) for name in kept]
        accounts = [one.account for one in (await client.lookup_accounts(keys)).results]
        tokens = [
            Token(
                type=TokenType.TOKEN_TYPE_ACCOUNT,
                key_version=account.tokens[0].key_version,
                value=account.tokens[0].value,
                routing_number=ROUTING,
            )
            for account in accounts
        ]
        plain = await client.detokenize(tokens, purpose="DRILL")
        numbers = [result.value for result in plain.results]
        self._expect(numbers == [self._past.numbers[name] for name in kept], "other numbers")

    async def _check_pages(self, client: Client) -> None:
        """A list that was begun before goes on where it was, over what there is now."""
        names = [name async for name in _listed(client, "")]
        behind = names[names.index(self._past.page_end) + 1 :]
        resumed = [name async for name in _listed(client, self._past.page_token)]
        self._expect(resumed == behind, "a list begun before T goes on elsewhere")
        resumed = [name async for name in _listed(client, self._past.lost_page_token)]
        at_end = bool(resumed) and names[-len(resumed) :] == resumed
        self._expect(at_end, "a list begun after T goes on elsewhere")
        history = account_pb2.ListAccountRevisionsRequest(
            name=self._past.probe, page_size=1, page_token=self._past.lost_history_token
        )
        try:
            await client.accounts.ListAccountRevisions(history)
        except FailedPrecondition as refused:
            self._expect(refused.reason == "HISTORY_REWOUND", f"refused as {refused.reason}")
        else:
            self._expect(False, "a history begun after T goes on")

    async def _check_new_writes(self, addresses: Sequence[str]) -> None:
        """What is written now has versions and xids that the lost future had: it must be seen.

        A request of the lost future is no repetition: nothing is left of what it did.
        """
        past = self._past
        bounds = past.bounds()
        written: dict[str, tuple[int, str]] = {}
        self._where = "writing"
        async with Client(addresses[0], timeout_s=PATIENT_S) as client:
            probe = await moved(client, past.probe, "NEW", LOST_REQUEST)
            written[past.probe] = (probe.version, "NEW")
            self._expect(probe.version <= bounds[past.probe].most + 1, "the lost write's version")
            deleted = await moved(client, past.deleted, "NEW")
            written[past.deleted] = (deleted.version, "NEW")
            again = await opened(client, past.numbers[past.lost])
            self._expect(again.name == past.lost, "another name for the same number")
            written[again.name] = (1, "B1")
            token = client.consistency_token
        for self._where in addresses:
            async with _client(self._where) as client:
                for consistency in (Consistency(at_least_as_fresh=token), None, FULLY):
                    found = await _found(client, list(written), consistency)
                    self._expect(found == written, f"a new write is hidden: {found}")

    def _expect(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            self.wrong.append(f"{self._where}: {otherwise}")


def _client(address: str) -> Client:
    """A client of one worker, which sends no token of its own."""
    return Client(address, timeout_s=PATIENT_S, carry_consistency=False)


async def _found(
    client: Client, names: Sequence[str], consistency: Consistency | None
) -> dict[str, tuple[int, str]]:
    """By name, version and branch; (0, "") of what is not there."""
    keys = [lookup_pb2.AccountKey(name=name) for name in names]
    answer = await client.lookup_accounts(keys, consistency=consistency)
    return {
        name: (one.account.version, one.account.branch)
        if one.outcome == LOOKUP_OUTCOME_FOUND
        else (0, "")
        for name, one in zip(names, answer.results, strict=True)
    }


async def _listed(client: Client, page_token: str) -> AsyncIterator[str]:
    """The names of all accounts, from a page on."""
    request = account_pb2.ListAccountsRequest(page_size=1000, page_token=page_token)
    async for page in client.pages(client.accounts.ListAccounts, request):
        for account in page.accounts:
            yield account.name
