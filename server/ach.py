"""AchResolutionService: entries in one call, and files of any size as streams of bytes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from opencif.v1 import ach_pb2
from opencif.v1.ach_pb2 import (
    AchEntry,
    ResolveAchEntriesRequest,
    ResolveAchEntriesResponse,
    ResolveAchFileOptions,
    ResolveAchFileRequest,
)
from repository.ach_run import RunKey
from server.ach_accounts import Resolved, Submitted, Terms
from server.ach_file import FileRun, Wanted
from server.ach_messages import Place, resolution
from server.ach_resolving import Tools
from server.errors import InvalidArgument
from server.reading import Reads
from server.resolution import Decision, EntryFacts, Judge, Policy
from server.routing_table import RoutingTable
from server.rpc import Call
from server.splice import embedded
from server.validation import validate
from tokenizer.identity import uuid7

__all__ = ["AchResolutionServicer"]

_DATA_MAX_BYTES: Final = 1 << 20
_RESOLUTIONS: Final = ResolveAchEntriesResponse.RESOLUTIONS_FIELD_NUMBER
_STALE_SINCE: Final = ResolveAchEntriesResponse.STALE_SINCE_FIELD_NUMBER
_ANSWERS: Final = frozenset({"COR", "ADV"})


class AchResolutionServicer:
    """Implements opencif.v1.AchResolutionService."""

    def __init__(self, tools: Tools, reads: Reads) -> None:
        self._tools = tools
        self._reads = reads

    async def ResolveAchEntries(self, request: ResolveAchEntriesRequest, call: Call) -> bytes:
        """One result per entry; one that does not have its contract's form is for REVIEW."""
        judge = Judge(Policy.of(request.policy), _as_of(request))
        refused = {i: reason for i, e in enumerate(request.entries) if (reason := _fault(e))}
        entries = [e for i, e in enumerate(request.entries) if i not in refused]
        terms = Terms(self._reads.freshness(request.consistency), call.deadline)
        since = self._reads.stale_since(request.consistency)
        answers = iter(await self._resolved(entries, judge, terms, call))
        parts = [
            embedded(_RESOLUTIONS, _refusal(e, refused[i]) if i in refused else next(answers))
            for i, e in enumerate(request.entries)
        ]
        if since is not None:
            parts.append(embedded(_STALE_SINCE, since.SerializeToString()))
        return b"".join(parts)

    async def ResolveAchFile(
        self, requests: AsyncIterator[ResolveAchFileRequest], call: Call
    ) -> AsyncIterator[bytes]:
        """Results, findings and files as they are made; the summary last."""
        first = await anext(requests, None)
        if first is None:
            raise InvalidArgument("REQUIRED", "data")
        options = first.options
        key = RunKey(call.caller.identity, UUID(options.request_id or str(uuid7())))
        run = FileRun(self._tools, _wanted(options), key, call)
        async for response in run.responses(_pieces(first, requests)):
            yield response

    async def _resolved(
        self, entries: list[AchEntry], judge: Judge, terms: Terms, call: Call
    ) -> list[bytes]:
        tools = self._tools
        submitted = [_submitted(entry, tools.routing.table, judge.day) for entry in entries]
        if judge.compares_names:
            digests = tools.words.digests([entry.individual_name for entry in entries])
            for (facts, _), words in zip(submitted, digests, strict=True):
                facts.name_digests = words
        resolved = await tools.resolver.resolve(submitted, judge, terms)
        corrected = await tools.corrections.of(submitted, resolved, call)
        return [
            resolution(
                Place(entry.entry_seq, entry.trace_number),
                one,
                entry.settlement_date or judge.day,
                corrected[i].encode(one.decision.noc_code) if i in corrected else "",
            )
            for i, (entry, one) in enumerate(zip(entries, resolved, strict=True))
        ]


async def _pieces(
    first: ResolveAchFileRequest, requests: AsyncIterator[ResolveAchFileRequest]
) -> AsyncIterator[bytes]:
    """The file's bytes. Raises InvalidArgument for options anywhere but in the first request."""
    if first.WhichOneof("part") != "options":
        yield _data(first)
    async for request in requests:
        yield _data(request)


def _data(request: ResolveAchFileRequest) -> bytes:
    part = request.WhichOneof("part")
    if part != "data":
        raise InvalidArgument("REQUIRED" if part is None else "MALFORMED", part or "part")
    if len(request.data) > _DATA_MAX_BYTES:
        raise InvalidArgument("TOO_LONG", "data")
    return request.data


def _wanted(options: ResolveAchFileOptions) -> Wanted:
    return Wanted(
        Policy.of(options.policy),
        _as_of(options),
        all_results=options.detail != ach_pb2.RESULT_DETAIL_EXCEPTIONS,
        files=not options.without_files,
        stages=options.with_stages,
    )


def _as_of(request: ResolveAchEntriesRequest | ResolveAchFileOptions) -> datetime:
    """The time to judge at: now unless the request says. Validation has seen that it is one."""
    if not request.HasField("as_of"):
        return datetime.now(UTC)
    return request.as_of.ToDatetime(UTC)


def _fault(entry: AchEntry) -> str:
    """Why an entry is not of its contract's form, as a reason of the contract; else nothing."""
    try:
        validate(entry)
    except InvalidArgument as fault:
        return fault.reason
    return ""


def _refusal(entry: AchEntry, reason: str) -> bytes:
    decision = Decision(disposition=ach_pb2.DISPOSITION_REVIEW, findings=(reason,))
    return resolution(Place(entry.entry_seq, ""), Resolved(decision, None), "")


def _submitted(entry: AchEntry, table: RoutingTable, day: str) -> Submitted:
    routing = entry.rdfi_routing.strip()
    route = table.route(routing, day)
    facts = EntryFacts(
        routing,
        route.scheme.entry_number(entry.dfi_account_number),
        entry.transaction_code,
        entry.amount_minor,
        entry.sec_code,
        entry.individual_id.strip(),
        entry.company_id.strip(),
        entry.trace_number,
        entry.federal_benefit,
        entry.sec_code in _ANSWERS,
    )
    return Submitted(facts, route)
