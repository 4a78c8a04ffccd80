"""The coherence protocol of the caches (ADR 4 and 11) as a model: its specification.

One record, the transactions that may write it, and one worker that serves it, under names of the
code. Whatever lies in Valkey or is under way to it is an adversary's choice: any entry that was
ever made may be found there, or none. So eviction, flush, replay, slow fills, a writer that died
before its fill and a failover to an older replica are all in `entries`, and compare-and-set, which
only saves misses, is not needed. Every replica, too, is whichever prefix of the WAL suits it.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

from tests.model.history import (
    BEGUN,
    FIRST,
    Wal,
    changes,
    committed,
    finished,
    horizon_of,
    opened,
    version_of,
    xids_of,
)

__all__ = ["HELD_BY", "RULES", "START", "Bounds", "Rules", "State", "broken", "steps"]

Rules: TypeAlias = frozenset[str]
Content: TypeAlias = tuple[int, int]  # a life of the database and a version in it: later is newer

HELD_BY: Final[dict[str, str]] = {
    # Proof, Window.proves: version >= changed.get(id)
    "version": "contract/test_interleavings.py::"
    "test_slow_fill_after_a_newer_write_with_eviction_between",
    # Proof, Window.proves: horizon >= oldest_xid
    "horizon": "contract/test_interleavings.py::"
    "test_slow_fill_that_lands_after_the_window_has_moved_on",
    # Proof: only what is proven is stamped anew
    "restamp proven": "unit/test_proof.py::test_a_batch_equals_one_by_one_and_both_the_rule",
    # ChangePoll.read_back: all of transactions that have ended, and of no others
    "ended": "contract/test_changes.py::test_what_may_be_under_way_is_not_history",
    # Reader.committed, Window.note: a commit of the worker's own is known at once
    "note": "contract/test_opened.py::test_a_change_of_its_own_is_shown_before_any_poll",
    # OpenedRecords: proven when put in, removed by the poll, dropped when it has a gap
    "own proven": "contract/test_opened.py::test_a_read_that_a_polled_change_overtakes_is_not_kept",
    "own removed": "contract/test_opened.py::test_a_change_elsewhere_is_shown_once_it_is_polled",
    "own dropped": "contract/test_opened.py::"
    "test_a_gap_in_the_poll_leaves_nothing_that_was_known_before",
    # Reads: since when an answer may be stale is as of before its read
    "stale_since before": "unit/test_lookup.py::test_a_poll_that_comes_back_proves_no_earlier_read",
    # Reader._join: entries of a read that left before the caller asked are proven again
    "flight proven": "contract/test_reading.py::"
    "test_who_joined_a_read_older_than_the_poll_reads_again",
    # Reader.may_be_seen: who is stricter reads alone
    "fully joins nobody": "contract/test_reading.py::"
    "test_fully_consistent_reads_the_primary_and_joins_nobody",
    # ChangePoll.poll: an answer counts only where the heart has beaten
    "heartbeat": "contract/test_incarnation.py::test_an_answer_vouches_only_while_the_heart_beats",
    # Database: a primary is asked for what is newest only while the poll counts
    "vouched": "contract/test_primary_gone.py::"
    "test_a_frozen_primary_is_not_asked_until_it_moves_again",
    # Database.fetch: rows say which life they are of
    "life": "contract/test_replicas.py::test_rows_of_another_life_are_not_taken",
    # Reader._read, Cache._write: what was read in one life is put under no other's key
    "fill of its life": "contract/test_incarnation.py::"
    "test_a_read_that_the_new_life_overtook_is_read_again",
    # HAS_COMMIT: a replica is asked for a position that has replayed its COMMIT, not its begin
    "replica has commit": "contract/test_reading.py::test_a_replica_answers_once_it_has_the_commit",
    # Writer.begin: a position says in which life
    "position of its life": "contract/test_incarnation.py::"
    "test_a_write_says_which_life_it_was_made_in",
    # Reader._reached, Window.has_left: of other lives' positions only those of former ones
    "token of a life left": "contract/test_incarnation.py::"
    "test_a_position_of_a_life_that_has_ended_needs_no_primary",
}
"""What the protocol rests on, each with the test that holds the code to it."""

RULES: Final[Rules] = frozenset(HELD_BY)


class Bounds(NamedTuple):
    """How far to search."""

    xids: int
    lives: int = 1
    flights: bool = False
    restamps: int = 1


class Entry(NamedTuple):
    """A cached entry: of which life its row was read, and what proves it."""

    life: int
    version: int
    horizon: int


class Flight(NamedTuple):
    """A read under way: what it found, and what was so when it was asked for."""

    entry: Entry
    is_fresh: bool
    aged: Content


class Token(NamedTuple):
    """Position of the last write, and what it wrote."""

    life: int
    xid: int
    content: Content


class Worker(NamedTuple):
    """Window, poll, own cache and one read under way; `floor` is what it owes its callers."""

    life: int = 0
    oldest_xid: int = 1
    horizon: int = 1
    order: tuple[tuple[int, int], ...] = ()  # (version, xid) as learned: `changed` and `_order`
    seen: frozenset[int] = frozenset()
    own: Content | None = None
    flight: Flight | None = None
    floor: Content = (0, FIRST)  # what the primary had when the last poll counted, or was noted
    is_fresh: bool = True  # a poll has counted within the last second
    is_vouched: bool = True  # or within a time in which no other primary can have come

    @property
    def changed(self) -> int:
        """The highest version known to have changed within the window; 0 for none."""
        return max((version for version, _ in self.order), default=0)

    def proves(self, entry: Entry, rules: Rules) -> bool:
        """Window.proves."""
        return ("horizon" not in rules or entry.horizon >= self.oldest_xid) and (
            "version" not in rules or entry.version >= self.changed
        )

    def has_seen(self, token: Token, rules: Rules) -> bool:
        """Reader._reached."""
        if token.life == self.life:
            return token.xid < self.horizon or token.xid in self.seen
        return FIRST_LIFE <= token.life < self.life or "token of a life left" not in rules


class State(NamedTuple):
    """Everything. The last of `wals` is the present primary's; one before it may answer still."""

    wals: tuple[Wal, ...] = ((),)
    forked_at: int = 0
    named_at: int | None = 0  # where the present life got its name; None: it has none yet
    restamped: frozenset[tuple[int, Entry]] = frozenset()  # with the life whose key they are under
    worker: Worker = Worker()
    token: Token | None = None
    aged: Content = (0, FIRST)  # what the primary had a second ago

    @property
    def now(self) -> Content:
        """What the primary has."""
        return len(self.wals) - 1, version_of(self.wals[-1])

    def is_older(self, content: Content, than: Content) -> bool:
        """Whether it lacks something; up to where they part two lives have the same."""
        (life, version), (other_life, other) = content, than
        if life < other_life:  # shared and older, or undone
            return version < other or version > version_of(self.wals[-1][: self.forked_at])
        return life == other_life and version < other


START: Final = State()
FIRST_LIFE: Final = 0
NOBODYS: Final = -1
"""The life that a position names which no worker's window is of."""


@cache
def made(
    wals: tuple[Wal, ...], forked_at: int, named_at: int | None, life: int, keeps_apart: bool
) -> frozenset[Entry]:
    """Every entry that may have been put under a life's key: by reads of it, and by its writers.

    Rows of a life without a name are taken for rows of the one before.
    """
    reads: list[tuple[int, int, int]] = []  # life, from, to
    if life < len(wals) - 1 or named_at is not None:
        reads.append((life, (named_at or 0) if life else 0, len(wals[life])))
    if life < len(wals) - 1:
        reads.append((1, forked_at, len(wals[1]) if named_at is None else named_at))
    elif life and not keeps_apart:
        reads.append((0, 0, len(wals[0])))
    found = set()
    for of, first, last in reads:
        wal = wals[of]
        for end in range(first, last + 1):
            found.add(Entry(of, version_of(wal[:end]), horizon_of(wal[:end])))
        if of == life:
            for at in range(first, last):
                if (version := wal[at][1]) > 0:  # put by its writer, with the horizon it wrote at
                    found.add(Entry(of, version, horizon_of(wal[:at])))
    return frozenset(found)


def entries(state: State, rules: Rules) -> frozenset[Entry]:
    """What the worker may find under its life's key."""
    life = state.worker.life
    keeps_apart = {"life", "fill of its life"} <= rules
    put = made(state.wals, state.forked_at, state.named_at, life, keeps_apart)
    return put | {entry for under, entry in state.restamped if under == life}


def primaries(state: State, rules: Rules) -> Iterator[Content]:
    """What the servers that take themselves for the primary would answer this worker."""
    life, present = state.worker.life, len(state.wals) - 1
    lived = present if state.named_at is not None else present - 1
    if "life" not in rules or lived == life:
        yield state.now
    if present and ("life" not in rules or life == 0):
        yield 0, version_of(state.wals[0])


def broken(state: State, rules: Rules) -> str:
    """What could be answered in this state that must not be; empty if nothing."""
    worker, token = state.worker, state.token
    may_be_seen = token is not None and worker.has_seen(token, rules)
    cached = [
        (entry.life, entry.version)
        for entry in entries(state, rules)
        if worker.proves(entry, rules)
    ]
    for content in cached if worker.own is None else [*cached, worker.own]:
        if state.is_older(content, worker.floor):
            return "a cached answer is older than the last poll that counted"
        if may_be_seen and token is not None and state.is_older(content, token.content):
            return "a cached answer is older than the caller's token"
    if worker.is_vouched or "vouched" not in rules:
        for content in primaries(state, rules):
            if state.is_older(content, state.now):
                return "FULLY_CONSISTENT is answered by a former primary"
            if token is None or token.life == worker.life:
                continue
            if state.is_older(content, token.content):
                return "a token of another life is answered by a former primary"
    if token is not None and token.life == worker.life and not may_be_seen:
        wal = state.wals[token.life]
        is_enough = {token.xid} if "replica has commit" in rules else set()
        for end in range(len(wal) + 1):
            replayed = wal[:end]
            if not is_enough <= committed(replayed) or token.xid > xids_of(replayed):
                continue
            if state.is_older((token.life, version_of(replayed)), token.content):
                return "a replica that is asked for the token does not have its write"
    return _broken_by_flight(state, rules)


def _broken_by_flight(state: State, rules: Rules) -> str:
    worker, flight = state.worker, state.worker.flight
    if flight is None:
        return ""
    content = flight.entry.life, flight.entry.version
    is_fresh = flight.is_fresh if "stale_since before" in rules else worker.is_fresh
    if is_fresh and state.is_older(content, flight.aged):
        return "an answer that is a second older says nothing of stale_since"
    is_joined = "flight proven" not in rules or worker.proves(flight.entry, rules)
    if is_joined and state.is_older(content, worker.floor):
        return "who joined a read got what is older than the poll"
    if "fully joins nobody" not in rules and state.is_older(content, state.now):
        return "FULLY_CONSISTENT joined a read that began before it"
    return ""


def steps(state: State, rules: Rules, bounds: Bounds) -> Iterator[tuple[str, State]]:
    """Everything that may happen next."""
    yield from _transactions(state, rules, bounds)
    yield from _polls(state, rules)
    yield from _caching(state, rules, bounds)
    if state.aged != state.now or state.worker.is_fresh:
        worker = state.worker._replace(is_fresh=False)
        yield "a second passes", state._replace(worker=worker, aged=state.now)
    if len(state.wals) < bounds.lives:
        for at in range(len(state.wals[0]) + 1):
            yield f"a server at {at} of the WAL becomes the primary", _promoted(state, at)


def _transactions(state: State, rules: Rules, bounds: Bounds) -> Iterator[tuple[str, State]]:
    wal, present = state.wals[-1], len(state.wals) - 1
    former = state.wals[:-1]
    xid = xids_of(wal) + 1
    if xid <= bounds.xids:
        yield f"{xid} begins", state._replace(wals=(*former, (*wal, (xid, BEGUN))))
    for xid in opened(wal):
        yield f"{xid} ends", state._replace(wals=(*former, (*wal, (xid, 0))))
        version = version_of(wal) + 1
        longer = (*wal, (xid, version))
        lived = present if state.named_at is not None else NOBODYS
        life = lived if "position of its life" in rules else 0
        token = Token(life, xid, (present, version))
        after = state._replace(wals=(*former, longer), token=token)
        yield f"{xid} commits version {version}", after
        if state.worker.life == present and state.named_at is not None:
            worker = _noted(state.worker, version, xid, rules)
            worker = worker._replace(floor=(present, version))
            yield f"{xid} commits version {version} here", after._replace(worker=worker)


def _noted(worker: Worker, version: int, xid: int, rules: Rules) -> Worker:
    """Reader.committed, Window.note."""
    if "note" not in rules:
        return worker
    worker = worker._replace(seen=worker.seen | {xid})
    return _learned(worker, [(version, xid)], rules)


def _learned(worker: Worker, changed: list[tuple[int, int]], rules: Rules) -> Worker:
    """Window._add, and on_change."""
    for version, xid in changed:
        if version > worker.changed:
            own = None if "own removed" in rules else worker.own
            worker = worker._replace(order=(*worker.order, (version, xid)), own=own)
    return worker


def _advanced(worker: Worker, wal: Wal, rules: Rules) -> Worker:
    """ChangePoll._advance, Window.advance."""
    visible, horizon = changes(wal), horizon_of(wal)
    worker = _learned(worker, [one for one in visible if one[1] >= worker.horizon], rules)
    seen = frozenset(xid for _, xid in visible if xid >= horizon)
    return worker._replace(seen=seen, horizon=horizon)


def _begun(worker: Worker, wal: Wal, life: int) -> Worker:
    """ChangePoll._begin with a window as short as may be; what is kept is dropped."""
    horizon = horizon_of(wal)
    recent = [one for one in changes(wal) if one[1] >= horizon]
    fresh = Worker(life=life, oldest_xid=horizon, horizon=horizon)
    return _learned(fresh, recent, RULES)._replace(seen=frozenset(xid for _, xid in recent))


def _polls(state: State, rules: Rules) -> Iterator[tuple[str, State]]:
    worker, present, wal = state.worker, len(state.wals) - 1, state.wals[-1]
    counts: dict[str, Any] = {"floor": state.now, "is_fresh": True, "is_vouched": True}
    if state.named_at is None:
        yield "the life is named", state._replace(named_at=len(wal))
    elif worker.life < present:
        begun = _begun(worker, wal, present)._replace(**counts)
        yield "the poll enters the life", state._replace(worker=begun)
    else:
        polled = _advanced(worker, wal, rules)._replace(**counts)
        yield "poll", state._replace(worker=polled)
        own = None if "own dropped" in rules else worker.own
        gap = _begun(worker, wal, present)._replace(**counts, own=own, flight=worker.flight)
        yield "a poll with a gap", state._replace(worker=gap)
        has_ended = worker.oldest_xid <= worker.horizon or "ended" not in rules
        if has_ended and worker.oldest_xid > 1:
            yield "read back", state._replace(worker=_extended(worker, wal))
    if worker.life < present:
        polled = _advanced(worker, state.wals[0], rules)
        if "heartbeat" not in rules:
            polled = polled._replace(**counts)
        yield "poll of the former primary", state._replace(worker=polled)
    if worker.order:
        (_, xid), *rest = worker.order
        oldest = max(worker.oldest_xid, xid + 1)
        trimmed = worker._replace(order=tuple(rest), oldest_xid=oldest)
        yield "the window is trimmed", state._replace(worker=trimmed)


def _extended(worker: Worker, wal: Wal) -> Worker:
    """ChangePoll.read_back, Window.extend: all of one transaction more."""
    oldest = worker.oldest_xid - 1
    older = [row for row in changes(wal) if row[1] == oldest and row[0] > worker.changed]
    return worker._replace(oldest_xid=oldest, order=(*older, *worker.order))


def _caching(state: State, rules: Rules, bounds: Bounds) -> Iterator[tuple[str, State]]:
    worker = state.worker
    for entry in entries(state, rules):
        content, is_proven = (entry.life, entry.version), worker.proves(entry, rules)
        if (is_proven or "own proven" not in rules) and worker.own != content:
            kept = worker._replace(own=content)
            yield f"{content} is kept", state._replace(worker=kept)
        again = worker.life, entry._replace(horizon=worker.horizon)
        is_old = entry.horizon < worker.horizon and again not in state.restamped
        stamps = is_old and (is_proven or "restamp proven" not in rules)
        if stamps and len(state.restamped) < bounds.restamps:
            restamped = state.restamped | {again}
            yield f"{entry} is stamped anew", state._replace(restamped=restamped)
        if is_proven and bounds.flights and worker.flight is None:
            flight = Flight(entry, worker.is_fresh, state.aged)
            boarded = worker._replace(flight=flight)
            yield f"a read finds {entry}", state._replace(worker=boarded)
    if worker.flight is not None:
        yield "the read lands", state._replace(worker=worker._replace(flight=None))


def _promoted(state: State, at: int) -> State:
    """Another server goes on from a prefix; nobody vouched for it for as long as that takes."""
    wal = finished(state.wals[0][:at])
    worker = state.worker._replace(is_fresh=False, is_vouched=False)
    promoted = state._replace(wals=(state.wals[0], wal), forked_at=len(wal), named_at=None)
    return promoted._replace(worker=worker, aged=promoted.now)
