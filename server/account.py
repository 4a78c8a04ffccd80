"""AccountService: accounts, their parties and restrictions.

Each RPC loads under lock, applies a rule of account_rules or restriction_rules, and answers.
"""

from opencif.v1 import account_pb2 as pb
from opencif.v1.account_pb2 import Account
from repository.link import Relation
from repository.reading import Consistency
from repository.record import Kind
from server import account_rules, names, restriction_rules
from server.account_numbers import AccountNumbers
from server.account_records import AccountRecords
from server.errors import InvalidArgument
from server.mutation import Mutations
from server.party import Parties
from server.reading import Reads
from server.rpc import Call
from server.work import Work

__all__ = ["AccountServicer"]


class AccountServicer:
    """The handlers of AccountService."""

    def __init__(
        self, mutations: Mutations, reads: Reads, numbers: AccountNumbers, parties: Parties
    ) -> None:
        self._mutations = mutations
        self._reads = reads
        self._records = AccountRecords(numbers, parties)

    async def CreateAccount(
        self, request: pb.CreateAccountRequest, call: Call
    ) -> pb.CreateAccountResponse:
        """A new account in PENDING, or a new incarnation of a closed or deleted one."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.create(work, request)
        )
        return pb.CreateAccountResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def GetAccount(self, request: pb.GetAccountRequest, call: Call) -> pb.GetAccountResponse:
        """One account, now, at a version or as of a time."""
        account, stale_since = await self._reads.get(Account, request, call)
        return pb.GetAccountResponse(account=account, stale_since=stale_since)

    async def BatchGetAccounts(
        self, request: pb.BatchGetAccountsRequest, call: Call
    ) -> pb.BatchGetAccountsResponse:
        """Accounts in the request's order, all or nothing."""
        found = await self._reads.batch_get(
            Account, request.names, call, view=request.view, consistency=request.consistency
        )
        return pb.BatchGetAccountsResponse(accounts=found.messages, stale_since=found.stale_since)

    async def UpdateAccount(
        self, request: pb.UpdateAccountRequest, call: Call
    ) -> pb.UpdateAccountResponse:
        """The fields that the mask names, replaced."""

        async def change(work: Work) -> Account:
            account = await work.read(Account, request.account.name, request.etag, "account.name")
            account_rules.update(account, request.account, request.update_mask)
            return work.put(account)

        answer = await self._mutations.run(request, call, change)
        return pb.UpdateAccountResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def DeleteAccount(
        self, request: pb.DeleteAccountRequest, call: Call
    ) -> pb.DeleteAccountResponse:
        """Gone for readers: its version goes on, its links go."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.delete(work, request)
        )
        return pb.DeleteAccountResponse(consistency_token=answer.consistency_token)

    async def ListAccounts(
        self, request: pb.ListAccountsRequest, call: Call
    ) -> pb.ListAccountsResponse:
        """A page of a customer's or a branch's accounts, or of all."""
        if request.customer and request.branch:
            raise InvalidArgument("MALFORMED", "branch")
        if request.customer:
            key = names.parse(Kind.CUSTOMER, request.customer, "customer")
            page = await self._reads.page_linked(
                Account, request, call, Relation.CUSTOMER_ACCOUNT, key
            )
        else:
            page = await self._reads.page(Account, request, call, request.branch)
        return pb.ListAccountsResponse(accounts=page.messages, next_page_token=page.next_page_token)

    async def ListAccountRevisions(
        self, request: pb.ListAccountRevisionsRequest, call: Call
    ) -> pb.ListAccountRevisionsResponse:
        """A page of what the account was, newest first."""
        page = await self._reads.revisions(Account, request.name, request, call)
        return pb.ListAccountRevisionsResponse(
            revisions=[
                pb.AccountRevision(revision=revision, account=account)
                for revision, account in page.revisions
            ],
            next_page_token=page.next_page_token,
        )

    async def OpenAccount(
        self, request: pb.OpenAccountRequest, call: Call
    ) -> pb.OpenAccountResponse:
        """PENDING to OPEN."""
        answer = await self._mutations.edit(
            Account, request, call, lambda it, work: account_rules.open_account(it, work.today)
        )
        return pb.OpenAccountResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def CloseAccount(
        self, request: pb.CloseAccountRequest, call: Call
    ) -> pb.CloseAccountResponse:
        """To CLOSED, unless live cards draw on it, or to CLOSING with begin_only."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.close(work, request)
        )
        return pb.CloseAccountResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def ReopenAccount(
        self, request: pb.ReopenAccountRequest, call: Call
    ) -> pb.ReopenAccountResponse:
        """CLOSED to OPEN, for owners who are customers still."""
        id_ = names.parse(Kind.ACCOUNT, request.name)
        found = await self._reads.get_many(
            Account, [id_], call, freshness=Consistency.FULLY_CONSISTENT
        )
        customers = [party.customer for party in found[id_].parties] if id_ in found else []
        answer = await self._mutations.run(
            request, call, lambda work: self._records.reopen(work, request, customers)
        )
        return pb.ReopenAccountResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def MarkAccountDormant(
        self, request: pb.MarkAccountDormantRequest, call: Call
    ) -> pb.MarkAccountDormantResponse:
        """OPEN to DORMANT."""
        answer = await self._mutations.edit(
            Account, request, call, lambda it, work: account_rules.mark_dormant(it, work.today)
        )
        return pb.MarkAccountDormantResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def ReactivateAccount(
        self, request: pb.ReactivateAccountRequest, call: Call
    ) -> pb.ReactivateAccountResponse:
        """DORMANT to OPEN."""
        answer = await self._mutations.edit(
            Account, request, call, lambda it, work: account_rules.reactivate(it, work.today)
        )
        return pb.ReactivateAccountResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def EscheatAccount(
        self, request: pb.EscheatAccountRequest, call: Call
    ) -> pb.EscheatAccountResponse:
        """DORMANT to ESCHEATED, unless live cards draw on it."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.escheat(work, request)
        )
        return pb.EscheatAccountResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def ChargeOffAccount(
        self, request: pb.ChargeOffAccountRequest, call: Call
    ) -> pb.ChargeOffAccountResponse:
        """OPEN to CHARGED_OFF."""
        answer = await self._mutations.edit(
            Account, request, call, lambda it, _: account_rules.charge_off(it)
        )
        return pb.ChargeOffAccountResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def RenumberAccount(
        self, request: pb.RenumberAccountRequest, call: Call
    ) -> pb.RenumberAccountResponse:
        """The new account, OPEN; the old one is CLOSED and names it."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.renumber(work, request)
        )
        return pb.RenumberAccountResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def PlaceRestriction(
        self, request: pb.PlaceRestrictionRequest, call: Call
    ) -> pb.PlaceRestrictionResponse:
        """One restriction more."""
        placed_by = call.caller.identity
        answer = await self._mutations.edit(
            Account,
            request,
            call,
            lambda it, work: restriction_rules.place(it, request.restriction, placed_by, work.now),
        )
        return pb.PlaceRestrictionResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def ReleaseRestriction(
        self, request: pb.ReleaseRestrictionRequest, call: Call
    ) -> pb.ReleaseRestrictionResponse:
        """One restriction RELEASED, by somebody else than who placed it."""

        def release(account: Account, work: Work) -> None:
            restriction_rules.release(
                account,
                request.restriction_id,
                call.caller.identity,
                work.now,
                override=restriction_rules.OVERRIDE in call.caller.permissions,
            )

        answer = await self._mutations.edit(Account, request, call, release)
        return pb.ReleaseRestrictionResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def AddParty(self, request: pb.AddPartyRequest, call: Call) -> pb.AddPartyResponse:
        """One party more."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.add_party(work, request)
        )
        return pb.AddPartyResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )

    async def EndParty(self, request: pb.EndPartyRequest, call: Call) -> pb.EndPartyResponse:
        """One party ENDED, and its successor in place."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.end_party(work, request)
        )
        return pb.EndPartyResponse(
            account=answer.message, consistency_token=answer.consistency_token
        )
