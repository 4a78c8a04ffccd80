"""A chunk's results as responses, and what they add to the return file and the NOC file.

Decides nothing; results leave in the file's order.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from opencif.nacha import Entry, FileHeader
from opencif.nacha.blocks import Block
from opencif.v1.ach_pb2 import AchBatchResult
from server.ach_answers import AnswerFiles
from server.ach_chunk import Answered, Chunk, Part
from server.ach_columns import Plain
from server.ach_messages import Place, batch_part, posting, resolution
from server.ach_tally import Tally

__all__ = ["ResultWriter"]


class ResultWriter:
    """Writes results: every one, or all but those of entries that post with nothing to say."""

    __slots__ = ("_answers", "_writes_all", "tally")

    def __init__(self, *, writes_all: bool) -> None:
        self._writes_all = writes_all
        self.tally = Tally()
        self._answers: AnswerFiles | None = None

    def begin_files(self, original: FileHeader, created: datetime) -> None:
        """Write the return file and the NOC file too."""
        self._answers = AnswerFiles(original, created)

    @property
    def file_bytes(self) -> tuple[int, int]:
        """The lengths of the return file and of the NOC file so far."""
        answers = self._answers
        return (0, 0) if answers is None else (answers.return_bytes, answers.noc_bytes)

    def close(self) -> list[bytes]:
        """Responses with the ends of the files."""
        return [] if self._answers is None else self._answers.close()

    def responses(self, chunk: Chunk, answered: Answered) -> list[bytes]:
        """A chunk's results, part by part, and what has come together of the files."""
        responses: list[bytes] = []
        for part in chunk.parts:
            results = self._results(chunk, part, answered)
            batch = part.batch
            if results or self._writes_all or (batch.is_unfinished and part.is_last):
                batch.is_unfinished = not part.is_last
                head = AchBatchResult(
                    batch_number=batch.number,
                    sec_code=batch.sec_code,
                    company_id=batch.company_id,
                    more=batch.is_unfinished,
                )
                responses.append(batch_part(head, results))
        if self._answers is not None:
            responses += self._answers.taken()
        return responses

    def _results(self, chunk: Chunk, part: Part, answered: Answered) -> list[bytes]:
        results: dict[int, bytes] = {}
        told = 0
        for i in answered.of(part):
            resolved = answered.resolved[i]
            entry, position = chunk.entries[i], chunk.positions[i]
            if resolved.decision.findings:
                told += 1
                self.tally.add(resolved.decision)
                if self._answers is not None:
                    self._answers.add(entry, resolved.decision, answered.corrected.get(i))
            elif not self._writes_all:
                continue
            place = _place(chunk.first_seq + position, entry, answered.cards.get(i, ""))
            results[position] = resolution(place, resolved, part.batch.settlement_date)
        self.tally.plain += part.end - part.start - told
        if self._writes_all and answered.plain is not None:
            results |= _postings(chunk, part, answered.plain, set(results))
            return [results[position] for position in sorted(results)]
        return list(results.values())


def _place(entry_seq: int, entry: Entry, card_token: str) -> Place:
    return Place(entry_seq, entry.raw[79:94].decode("ascii"), entry.line, card_token)


class _Spread(NamedTuple):
    """A block, the position of its first entry in the chunk, and among those of blocks."""

    position: int
    at: int
    block: Block


def _spread(chunk: Chunk) -> Iterator[_Spread]:
    at = 0
    for start, block, _ in chunk.blocks:
        yield _Spread(start, at, block)
        at += len(block)


def _postings(chunk: Chunk, part: Part, plain: Plain, others: set[int]) -> dict[int, bytes]:
    """By position the results of a part's entries in blocks, but for those that are others."""
    results: dict[int, bytes] = {}
    for position, at, block in _spread(chunk):
        if not part.start <= position < part.end:
            continue
        for i in range(len(block)):
            if position + i in others:
                continue
            trace = block.rows[i, 79:94].tobytes().decode("ascii")
            place = Place(chunk.first_seq + position + i, trace, block.line + i)
            match, id_ = int(plain.matches[at + i]), plain.ids[at + i].tobytes()
            results[position + i] = posting(place, match, id_, plain.accounts[at + i])
    return results
