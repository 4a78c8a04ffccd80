"""A chunk of a file's entries to its results: plain ones by columns, all others by the table.

Reads what they need together; must not know how a file is read or an answer written.
"""

from typing import NamedTuple

from opencif.nacha import Entry
from repository.ach_run import AchRunStore
from repository.reading import Consistency
from server.ach_accounts import AccountResolver, Submitted, Terms
from server.ach_batch import OpenBatch
from server.ach_chunk import Answered, Chunk, walked
from server.ach_columns import ColumnResolver, Plain
from server.ach_corrections import Corrections
from server.ach_stages import Stage, Stages
from server.name_words import NameWords
from server.resolution import Judge
from server.routing import RoutingNumbers
from server.routing_table import Route
from server.rpc import Call
from tokenizer.formats import Tokens

__all__ = ["ChunkResolver", "Tools"]


class Tools(NamedTuple):
    """What clearing works with; the same for every call."""

    resolver: AccountResolver
    columns: ColumnResolver
    corrections: Corrections
    words: NameWords
    tokens: Tokens
    routing: RoutingNumbers
    runs: AchRunStore


class ChunkResolver:
    """Resolves the chunks of one file under one judge and one state of the routing table."""

    __slots__ = ("_call", "_routing", "_stages", "_tools", "judge")

    def __init__(self, tools: Tools, judge: Judge, call: Call, stages: Stages) -> None:
        self.judge = judge
        self._tools = tools
        self._call = call
        self._stages = stages
        self._routing = tools.routing.table

    def submitted(self, entry: Entry, batch: OpenBatch) -> tuple[Submitted, str]:
        """What the table reads of an entry, and the name in it."""
        route = self._route(entry.raw[3:12].decode("ascii"))
        return Submitted(batch.facts(entry, route), route), batch.name(entry)

    async def resolve(self, chunk: Chunk) -> Answered:
        """What a chunk's entries earn. Raises TimedOut, Unavailable, TooStale, SealBroken."""
        tools, stages = self._tools, self._stages
        terms = Terms(Consistency.MINIMIZE_LATENCY, self._call.deadline)
        plain: Plain | None = None
        if chunk.blocks:
            plain = await tools.columns.resolve(
                chunk.columns(), self._route, self.judge, terms, stages
            )
        with stages.during(Stage.DECIDING):
            if plain is not None:
                self._put_walked(chunk, plain)
            if self.judge.compares_names:
                digests = tools.words.digests(chunk.names)
                for (facts, _), words in zip(chunk.submitted, digests, strict=True):
                    facts.name_digests = words
        resolved = await tools.resolver.resolve(chunk.submitted, self.judge, terms, stages)
        corrected = await tools.corrections.of(chunk.submitted, resolved, self._call)
        tokens = tools.tokens.pan_tokens(list(chunk.pans.values())) if chunk.pans else []
        cards = dict(zip(chunk.pans, tokens, strict=True))
        return Answered(chunk, plain, resolved, corrected, cards)

    def _route(self, routing: str) -> Route:
        return self._routing.route(routing, self.judge.day)

    def _put_walked(self, chunk: Chunk, plain: Plain) -> None:
        """Put what is not plain among the chunk's records."""
        for (start, block, batch), i in walked(chunk, plain):
            entry = block.entry(batch.layout, i)
            chunk.put(start + i, entry, *self.submitted(entry, batch))
