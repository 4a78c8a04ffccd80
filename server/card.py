"""CardService: cards and their network tokens.

Each RPC loads under lock, applies a rule of card_rules or card_token_rules, and answers.
"""

from opencif.v1 import card_pb2 as pb
from opencif.v1.card_pb2 import Card
from repository.link import Relation
from repository.reading import Consistency
from repository.record import Kind
from server import card_rules, card_token_rules, names
from server.card_numbers import CardNumbers
from server.card_records import CardRecords
from server.errors import InvalidArgument
from server.mutation import Answer, Mutations
from server.reading import Reads
from server.rpc import Call

__all__ = ["CardServicer"]

_Report = (
    pb.ReportLostRequest
    | pb.ReportStolenRequest
    | pb.ReportCompromisedRequest
    | pb.ReportDamagedRequest
)


class CardServicer:
    """The handlers of CardService."""

    def __init__(self, mutations: Mutations, reads: Reads, numbers: CardNumbers) -> None:
        self._mutations = mutations
        self._reads = reads
        self._records = CardRecords(numbers)

    async def IssueCard(self, request: pb.IssueCardRequest, call: Call) -> pb.IssueCardResponse:
        """A new card, ISSUED or ORDERED, or a new incarnation of a closed one."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.issue(work, request)
        )
        return pb.IssueCardResponse(card=answer.message, consistency_token=answer.consistency_token)

    async def GetCard(self, request: pb.GetCardRequest, call: Call) -> pb.GetCardResponse:
        """One card, now, at a version or as of a time."""
        card, stale_since = await self._reads.get(Card, request, call)
        return pb.GetCardResponse(card=card, stale_since=stale_since)

    async def BatchGetCards(
        self, request: pb.BatchGetCardsRequest, call: Call
    ) -> pb.BatchGetCardsResponse:
        """Cards in the request's order, all or nothing."""
        found = await self._reads.batch_get(
            Card, request.names, call, view=request.view, consistency=request.consistency
        )
        return pb.BatchGetCardsResponse(cards=found.messages, stale_since=found.stale_since)

    async def ListCards(self, request: pb.ListCardsRequest, call: Call) -> pb.ListCardsResponse:
        """A page of a customer's or an account's cards, or of all."""
        if request.customer and request.account:
            raise InvalidArgument("MALFORMED", "account")
        if request.customer:
            key = names.parse(Kind.CUSTOMER, request.customer, "customer")
            page = await self._reads.page_linked(Card, request, call, Relation.CUSTOMER_CARD, key)
        elif request.account:
            key = names.parse(Kind.ACCOUNT, request.account, "account")
            page = await self._reads.page_linked(Card, request, call, Relation.ACCOUNT_CARD, key)
        else:
            page = await self._reads.page(Card, request, call)
        return pb.ListCardsResponse(cards=page.messages, next_page_token=page.next_page_token)

    async def ListCardRevisions(
        self, request: pb.ListCardRevisionsRequest, call: Call
    ) -> pb.ListCardRevisionsResponse:
        """A page of what the card was, newest first."""
        page = await self._reads.revisions(Card, request.name, request, call)
        return pb.ListCardRevisionsResponse(
            revisions=[
                pb.CardRevision(revision=revision, card=card) for revision, card in page.revisions
            ],
            next_page_token=page.next_page_token,
        )

    async def ActivateCard(
        self, request: pb.ActivateCardRequest, call: Call
    ) -> pb.ActivateCardResponse:
        """ORDERED or ISSUED to ACTIVE."""
        answer = await self._mutations.edit(
            Card,
            request,
            call,
            lambda it, work: card_rules.activate(it, request.state_reason, work.now),
        )
        return pb.ActivateCardResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def BlockCard(self, request: pb.BlockCardRequest, call: Call) -> pb.BlockCardResponse:
        """ACTIVE to BLOCKED, and its active tokens SUSPENDED."""
        answer = await self._mutations.edit(
            Card, request, call, lambda it, _: card_rules.block(it, request.state_reason)
        )
        return pb.BlockCardResponse(card=answer.message, consistency_token=answer.consistency_token)

    async def UnblockCard(
        self, request: pb.UnblockCardRequest, call: Call
    ) -> pb.UnblockCardResponse:
        """BLOCKED to ACTIVE, and the tokens that BlockCard suspended too."""
        answer = await self._mutations.edit(
            Card, request, call, lambda it, _: card_rules.unblock(it, request.state_reason)
        )
        return pb.UnblockCardResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def ReportLost(self, request: pb.ReportLostRequest, call: Call) -> pb.ReportLostResponse:
        """ISSUED, ACTIVE or BLOCKED to LOST."""
        answer = await self._report(request, call, card_rules.LOST)
        return pb.ReportLostResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def ReportStolen(
        self, request: pb.ReportStolenRequest, call: Call
    ) -> pb.ReportStolenResponse:
        """ISSUED, ACTIVE or BLOCKED to STOLEN."""
        answer = await self._report(request, call, card_rules.STOLEN)
        return pb.ReportStolenResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def ReportCompromised(
        self, request: pb.ReportCompromisedRequest, call: Call
    ) -> pb.ReportCompromisedResponse:
        """ISSUED, ACTIVE or BLOCKED to COMPROMISED."""
        answer = await self._report(request, call, card_rules.COMPROMISED)
        return pb.ReportCompromisedResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def ReportDamaged(
        self, request: pb.ReportDamagedRequest, call: Call
    ) -> pb.ReportDamagedResponse:
        """ISSUED, ACTIVE or BLOCKED to DAMAGED."""
        answer = await self._report(request, call, card_rules.DAMAGED)
        return pb.ReportDamagedResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def ExpireCard(self, request: pb.ExpireCardRequest, call: Call) -> pb.ExpireCardResponse:
        """ACTIVE or BLOCKED to EXPIRED, once its month is over."""
        answer = await self._mutations.edit(
            Card,
            request,
            call,
            lambda it, work: card_rules.expire(it, request.state_reason, work.today),
        )
        return pb.ExpireCardResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def ReplaceCard(
        self, request: pb.ReplaceCardRequest, call: Call
    ) -> pb.ReplaceCardResponse:
        """The new card, ISSUED; the old one is REPLACED and names it."""
        id_ = names.parse(Kind.CARD, request.name)
        found = await self._reads.get_many(
            Card, [id_], call, freshness=Consistency.FULLY_CONSISTENT
        )
        seen = list(found.values())
        answer = await self._mutations.run(
            request, call, lambda work: self._records.replace(work, request, seen)
        )
        return pb.ReplaceCardResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def CloseCard(self, request: pb.CloseCardRequest, call: Call) -> pb.CloseCardResponse:
        """To CLOSED, and its tokens DEACTIVATED."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.close(work, request)
        )
        return pb.CloseCardResponse(card=answer.message, consistency_token=answer.consistency_token)

    async def ProvisionCardToken(
        self, request: pb.ProvisionCardTokenRequest, call: Call
    ) -> pb.ProvisionCardTokenResponse:
        """One network token more."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.provision(work, request)
        )
        return pb.ProvisionCardTokenResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def ActivateCardToken(
        self, request: pb.ActivateCardTokenRequest, call: Call
    ) -> pb.ActivateCardTokenResponse:
        """INACTIVE to ACTIVE."""
        answer = await self._mutations.edit(
            Card, request, call, lambda it, _: card_token_rules.activate(it, request.token_id)
        )
        return pb.ActivateCardTokenResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def SuspendCardToken(
        self, request: pb.SuspendCardTokenRequest, call: Call
    ) -> pb.SuspendCardTokenResponse:
        """ACTIVE to SUSPENDED."""
        answer = await self._mutations.edit(
            Card,
            request,
            call,
            lambda it, _: card_token_rules.suspend(it, request.token_id, request.suspended_by),
        )
        return pb.SuspendCardTokenResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def ResumeCardToken(
        self, request: pb.ResumeCardTokenRequest, call: Call
    ) -> pb.ResumeCardTokenResponse:
        """SUSPENDED to ACTIVE, unless the card is BLOCKED."""
        answer = await self._mutations.edit(
            Card, request, call, lambda it, _: card_token_rules.resume(it, request.token_id)
        )
        return pb.ResumeCardTokenResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def DeactivateCardToken(
        self, request: pb.DeactivateCardTokenRequest, call: Call
    ) -> pb.DeactivateCardTokenResponse:
        """Any state to DEACTIVATED, for good."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.deactivate_token(work, request)
        )
        return pb.DeactivateCardTokenResponse(
            card=answer.message, consistency_token=answer.consistency_token
        )

    async def _report(self, request: _Report, call: Call, state: int) -> Answer[Card]:
        """Bring a card to the state that was reported."""
        return await self._mutations.edit(
            Card, request, call, lambda it, _: card_rules.report(it, state, request.state_reason)
        )
