"""What is left when a seed's faults are over, held to what its callers were told.

Reads the stored rows by itself and the records through the workers; every breach goes to the
oracle.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from deploy.seed_changes import FAMILY_NAME, Change
from deploy.seed_oracle import LATE, UNSURE, Asked
from deploy.seed_sessions import GETS, Caller, record_of
from deploy.seed_worker import Refused
from loadtests.sample_numbers import MAIN
from opencif.v1 import account_pb2, card_pb2, lookup_pb2
from opencif.v1.record_pb2 import VIEW_FULL
from repository.record import DELETED

if TYPE_CHECKING:
    import psycopg

__all__ = ["verify"]

_SETTLING_MAX: Final = 30

_CHANGES: Final = """
SELECT kind, id, version, state, method, request_id::text,
       coalesce(operational, '') || coalesce(private, '') || coalesce(number, '')
FROM change ORDER BY kind, id, version"""
_RECORDS: Final = "SELECT kind, id, version, state FROM record"
_REQUESTS: Final = "SELECT count(*) FROM idempotency"

_OVER: Final = (card_pb2.CARD_STATE_CLOSED, card_pb2.CARD_STATE_REPLACED)
_NONE: Final = 0
_ANY: Final = frozenset(range(1, 20))
# What each method makes of a record: (states before, state after); 0 where there was no record.
# None stands for the state that it had.
_STATES: Final[Mapping[tuple[int, str], list[tuple[frozenset[int], int | None]]]] = {
    (1, "CreateCustomer"): [(frozenset({_NONE}), 1)],
    (1, "UpdateCustomer"): [(_ANY, None)],
    (1, "MarkDeceased"): [(_ANY - {9}, 9)],
    (2, "UpdateCustomer"): [(_ANY, None)],
    (2, "MarkDeceased"): [(_ANY, None)],
    (2, "CreateAccount"): [(frozenset({_NONE, 5, DELETED}), 1)],
    (2, "OpenAccount"): [(frozenset({1}), 2)],
    (2, "UpdateAccount"): [(frozenset({1, 2, 3, 4, 7}), None)],
    (2, "PlaceRestriction"): [(frozenset({1, 2, 3, 4, 7}), None)],
    (2, "CloseAccount"): [(frozenset({2, 3, 4, 7}), 5)],
    (2, "ReopenAccount"): [(frozenset({5}), 2)],
    (2, "RenumberAccount"): [
        (frozenset({_NONE, 5, DELETED}), 2),
        (frozenset({2, 3}), 5),
        (frozenset({5}), None),
    ],
    (2, "DeleteAccount"): [(frozenset({1, 5}), DELETED)],
    (3, "IssueCard"): [
        (frozenset({_NONE, card_pb2.CARD_STATE_CLOSED}), card_pb2.CARD_STATE_ISSUED)
    ],
    (3, "RenumberAccount"): [(_ANY, None)],
    (3, "ActivateCard"): [(frozenset({card_pb2.CARD_STATE_ISSUED}), card_pb2.CARD_STATE_ACTIVE)],
    (3, "BlockCard"): [(frozenset({card_pb2.CARD_STATE_ACTIVE}), card_pb2.CARD_STATE_BLOCKED)],
    (3, "UnblockCard"): [(frozenset({card_pb2.CARD_STATE_BLOCKED}), card_pb2.CARD_STATE_ACTIVE)],
    (3, "ReportLost"): [(_ANY, card_pb2.CARD_STATE_LOST)],
    (3, "ReplaceCard"): [
        (frozenset({_NONE}), card_pb2.CARD_STATE_ISSUED),
        (frozenset({card_pb2.CARD_STATE_LOST}), card_pb2.CARD_STATE_REPLACED),
    ],
    (3, "CloseCard"): [(_ANY, card_pb2.CARD_STATE_CLOSED)],
    (4, "CreateRelationship"): [(frozenset({_NONE}), 2), (frozenset({_NONE}), 1)],
    (4, "EndRelationship"): [(_ANY, 3)],
}


async def verify(caller: Caller, session: "psycopg.Connection[Any]") -> None:
    """Let what is open converge, and look for what was lost, done twice or never asked for."""
    await _settle(caller)
    for worker in range(len(caller.workers)):
        await caller.poll(worker)
    _check_rows(caller, session)
    records = await _check_readings(caller)
    await _check_lists(caller, records)


async def _settle(caller: Caller) -> None:
    """Repeat what nobody can say was made, until somebody can."""
    for one in list(caller.oracle.asked.values()):
        for attempt in range(_SETTLING_MAX):
            if one.is_done or not (one.is_open or (attempt and one.reasons[-1] in UNSURE | LATE)):
                break
            await caller.ask(one, attempt % len(caller.workers))
        else:
            caller.oracle.breach(f"{one.method} does not converge: {one.reasons[-1]}")


def _check_rows(caller: Caller, session: "psycopg.Connection[Any]") -> None:
    oracle = caller.oracle
    rows = session.execute(_CHANGES).fetchall()
    newest: dict[tuple[int, bytes], tuple[int, int]] = {}
    made: Counter[tuple[int, bytes, str]] = Counter()
    by_request: dict[str, set[int]] = defaultdict(set)
    for kind, id_, version, state, by, request_id, sealed in rows:
        method = by.partition("/")[2]
        before = newest.get((kind, id_), (0, _NONE))
        if version != before[0] + 1:
            oracle.breach(f"version {version} of a record comes after {before[0]}")
        if not _may_be(kind, method, before[1], state):
            oracle.breach(f"{method} made state {state} of {before[1]} (kind {kind})")
        newest[kind, id_] = (version, state)
        made[kind, id_, request_id] += 1
        by_request[request_id].add(version)
        if FAMILY_NAME.encode() in sealed or any(n.encode() in sealed for n in oracle.numbers):
            oracle.breach("plaintext is stored")
    stored = {(row[0], row[1]): (row[2], row[3]) for row in session.execute(_RECORDS)}
    if stored != newest:
        oracle.breach("a record is not what its last change made it")
    if any(count > 1 for count in made.values()):
        oracle.breach("a request was carried out twice")
    _check_requests(caller, by_request)
    (kept,) = session.execute(_REQUESTS).fetchone() or (0,)
    if kept != len(by_request):
        oracle.breach(f"{kept} requests are remembered, and {len(by_request)} were carried out")


def _may_be(kind: int, method: str, before: int, after: int) -> bool:
    return any(
        before in states and after == (before if result is None else result)
        for states, result in _STATES.get((kind, method), [])
    )


def _check_requests(caller: Caller, made: Mapping[str, set[int]]) -> None:
    oracle = caller.oracle
    for request_id, one in oracle.asked.items():
        if one.is_done and one.version not in made.get(request_id, ()):
            oracle.breach(f"LOST: {one.method} was acknowledged and is not there")
        if not one.is_done and request_id in made:
            oracle.breach(f"{one.method} was refused ({one.reasons[-1]}) and is there")
    if made.keys() - oracle.asked.keys():
        oracle.breach("a change is there that nobody asked for")


async def _check_readings(caller: Caller) -> dict[str, Any]:
    """Name -> record as the primary has it; whatever else shows it shows the same."""
    oracle = caller.oracle
    found: dict[str, Any] = {}
    for one in list(oracle.known.values()):
        method, request, field = GETS[one.kind]
        floor = oracle.acknowledged.get(one.name, 0)
        asked = request(name=one.name, consistency={"fully_consistent": True})
        try:
            answer = await caller.call(0, Change(method, asked))
        except Refused as refused:
            if refused.reason != "NOT_FOUND":
                oracle.breach(f"{method} without a fault: {refused.reason}")
            oracle.judge(method, one.name, None, floor)
            continue
        found[one.name] = getattr(answer, field)
        oracle.met(found[one.name], is_full=False)
        oracle.judge(method, one.name, found[one.name], floor)
    for asked_for in oracle.asked.values():
        if asked_for.is_done and record_of(asked_for.answer) is not None:
            await _check_version(caller, asked_for)
    await _check_batches(caller, found)
    return found


async def _check_version(caller: Caller, one: Asked) -> None:
    """History shows what was answered then."""
    record = record_of(one.answer)
    method, request, field = GETS[record.DESCRIPTOR.name]
    view = {} if field == "relationship" else {"view": VIEW_FULL}
    asked = request(name=one.name, version=one.version, **view)
    try:
        answer = await caller.call(0, Change(method, asked))
    except Refused as refused:
        caller.oracle.breach(f"{method} at version {one.version}: {refused.reason}")
    else:
        caller.oracle.met(getattr(answer, field), is_full=True)


async def _check_batches(caller: Caller, found: Mapping[str, Any]) -> None:
    """A batch on any worker, from the cache or not, is what single calls answer."""
    names = [one.name for one in caller.oracle.known.values() if one.kind == "Account"]
    if not names:
        return
    for worker in range(len(caller.workers)):
        for way in ("minimize_latency", "fully_consistent", "minimize_latency"):
            request = lookup_pb2.LookupAccountsRequest(
                keys=[{"name": name} for name in names], consistency={way: True}
            )
            answer = await caller.call(worker, Change("LookupService/LookupAccounts", request))
            for name, result in zip(names, answer.results, strict=True):
                shown = result.account if result.HasField("account") else None
                if shown != found.get(name):
                    caller.oracle.breach(f"a batch ({way}) differs from a single call")
    numbers = list(caller.oracle.numbers)
    request = lookup_pb2.LookupAccountsRequest(
        keys=[{"number": {"routing_number": MAIN, "account_number": n}} for n in numbers]
    )
    if numbers:
        answer = await caller.call(0, Change("LookupService/LookupAccounts", request))
        by_number = {r.account.name for r in answer.results if r.HasField("account")}
        if by_number != {name for name in names if name in found}:
            caller.oracle.breach("accounts found by number are not those found by name")


async def _check_lists(caller: Caller, records: Mapping[str, Any]) -> None:
    """The indexes say what the records say."""
    accounts = [r for r in records.values() if r.DESCRIPTOR.name == "Account"]
    cards = [r for r in records.values() if r.DESCRIPTOR.name == "Card"]
    for name, record in records.items():
        if record.DESCRIPTOR.name == "Customer":
            wanted = {a.name for a in accounts if any(p.customer == name for p in a.parties)}
            asked = account_pb2.ListAccountsRequest(customer=name, page_size=1000)
            answer = await caller.call(0, Change("AccountService/ListAccounts", asked))
            if {a.name for a in answer.accounts} != wanted:
                caller.oracle.breach("a customer's list of accounts is not what accounts say")
        elif record.DESCRIPTOR.name == "Account":
            drawing = [c for c in cards if any(d.account == name for d in c.accounts)]
            live = {c.name for c in drawing if c.state not in _OVER}
            card_list = card_pb2.ListCardsRequest(account=name, page_size=1000)
            answer = await caller.call(0, Change("CardService/ListCards", card_list))
            listed = {c.name for c in answer.cards}
            # A card that is over may name an account whose number is somebody else's by now.
            if not live <= listed <= {c.name for c in drawing}:
                caller.oracle.breach("an account's list of cards is not what cards say")
