"""What callers of a seed were told, and what follows from it: the ledger that answers are held to.

Pure: asks no server. A breach is a line of text, collected in `broken`.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import Message

from repository.record import DELETED

__all__ = ["LATE", "UNSURE", "Asked", "Known", "Oracle"]

UNSURE: Final = frozenset({"COMMIT_UNKNOWN", "CANCELLED"})
"""What leaves open whether a change was made: all else says that it was not."""
LATE: Final = frozenset({"DEADLINE", "DATABASE_UNAVAILABLE", "TOO_STALE", "OPERATION_IN_PROGRESS"})
"""What says that the same may be asked again, and that nothing was done."""
_NEVER: Final = frozenset({"UNKNOWN", "INTERNAL", "DATA_LOSS", "UNIMPLEMENTED"})


@dataclass(slots=True)
class Asked:
    """A change that was asked for, with all that it was answered."""

    method: str
    request: Any
    session: int
    workers: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    answer: Any = None
    name: str = ""
    version: int = 0

    @property
    def is_done(self) -> bool:
        """Whether it was acknowledged."""
        return self.answer is not None

    @property
    def is_open(self) -> bool:
        """Whether nobody can say if it was made: its last answer does not, or one before it."""
        if self.is_done or not self.reasons:
            return not self.is_done
        unsure = [reason in UNSURE for reason in self.reasons]
        return unsure[-1] or (any(unsure) and self.reasons[-1] in LATE)


@dataclass(slots=True)
class Known:
    """A record as somebody was last told of it."""

    name: str
    kind: str
    state: int
    version: int
    may_vanish: bool = False
    """Whether somebody asked for its deletion, so that it may be there no more."""


class Oracle:
    """Everything that was acknowledged, and who must see it."""

    def __init__(self, workers: int) -> None:
        self.broken: list[str] = []
        self.asked: dict[str, Asked] = {}
        self.known: dict[str, Known] = {}
        self.refusals: Counter[str] = Counter()
        self.numbers: dict[str, str] = {}
        self.acknowledged: dict[str, int] = {}
        self.seen_by: list[dict[str, int]] = [{} for _ in range(workers)]
        self._truth: dict[tuple[str, int, bool], bytes] = {}

    def breach(self, what: str) -> None:
        """Note that a promise was broken."""
        self.broken.append(what)

    def refused(self, method: str, code: str, reason: str) -> None:
        """Take a refusal: all have a type, and none says that the fault is ours."""
        self.refusals[reason] += 1
        if code in _NEVER or not reason:
            self.breach(f"{method} was refused with {code} {reason}")

    def acknowledge(self, one: Asked, answer: Any, record: Any) -> None:
        """Take the answer of a change; of a deletion there is no record."""
        if one.is_done:
            if record is not None and _bytes(record) != _bytes(_record_of(one.answer)):
                self.breach(f"{one.method} was answered in another way when it was repeated")
            return
        one.answer = answer
        if record is None:
            one.name, one.version = one.request.name, self._deleted(one)
        else:
            one.name, one.version = record.name, record.version
            self.met(record, is_full=True)
            self.tell(record)
        self._raise(self.acknowledged, one.name, one.version)
        # Who committed knows at once; who only repeats the answer of another learns it by polling.
        if len(one.workers) == 1:
            self._raise(self.seen_by[one.workers[0]], one.name, one.version)

    def _deleted(self, one: Asked) -> int:
        """The version of a deletion, whose request named the version before."""
        version = int(one.request.etag) + 1
        known = self.known[one.name or one.request.name]
        known.state, known.version = DELETED, max(known.version, version)
        return version

    def tell(self, record: Any) -> None:
        """Remember a record's state, if that is news."""
        known = self.known.get(record.name)
        if known is None:
            kind = record.DESCRIPTOR.name
            self.known[record.name] = Known(record.name, kind, record.state, record.version)
        elif record.version > known.version:
            known.state, known.version = record.state, record.version

    def met(self, record: Any, *, is_full: bool) -> None:
        """A record was shown: it says the same whenever it is shown at this version."""
        is_full = is_full or record.DESCRIPTOR.name != "Customer"
        key = (record.name, record.version, is_full)
        said = self._truth.setdefault(key, _bytes(record))
        if said != _bytes(record):
            self.breach(f"{record.DESCRIPTOR.name} version {record.version} says two things")

    def polled(self, worker: int, acknowledged: dict[str, int]) -> None:
        """A worker's poll ended that began when so much was acknowledged."""
        for name, version in acknowledged.items():
            self._raise(self.seen_by[worker], name, version)

    def judge(self, method: str, name: str, record: Any, floor: int) -> None:
        """Hold a reading to what its caller was owed: a version no older than `floor`."""
        known = self.known.get(name)
        if record is not None:
            if record.version < floor:
                self.breach(f"{method} showed version {record.version} where {floor} was owed")
            if record.name != name:
                self.breach(f"{method} showed another record than it was asked for")
        elif floor and known is not None and not known.may_vanish:
            self.breach(f"{method} did not find what is there")

    @staticmethod
    def _raise(floors: dict[str, int], name: str, version: int) -> None:
        floors[name] = max(floors.get(name, 0), version)


def _record_of(answer: Message) -> Any:
    for each, value in answer.ListFields():
        if each.message_type is not None and each.name in RECORD_FIELDS:
            return value
    return None


def _bytes(record: Message) -> bytes:
    return record.SerializeToString(deterministic=True)


RECORD_FIELDS: Final = frozenset({"customer", "account", "card", "relationship"})
"""What an answer's record is called."""
