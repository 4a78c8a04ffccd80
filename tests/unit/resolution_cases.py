"""Accounts, entries and routing numbers for the tests of the decision table."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from opencif.v1 import account_pb2 as pb
from opencif.v1 import routing_pb2
from opencif.v1.account_pb2 import Account
from server.account_facts import AccountFacts
from server.resolution import Decision, EntryFacts, Found, Judge, Policy
from server.routing_table import RoutingTable

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = "2026-11-23"
OURS, OTHER, RETIRED, LIMITED, SOLD = (
    "076401251", "011000015", "026009593", "061000146", "021000021",
)  # fmt: skip
ABSENT, OUTSIDE = "121000248", "091000022"
TABLE = RoutingTable(
    [
        routing_pb2.RoutingNumber(routing_number=OURS, ours=True, participates=True),
        routing_pb2.RoutingNumber(routing_number=OTHER, participates=True),
        routing_pb2.RoutingNumber(
            routing_number=RETIRED,
            record_type=2,
            new_routing_number=OURS,
            change_date="2026-06-01",
            participates=True,
        ),
        routing_pb2.RoutingNumber(
            routing_number=LIMITED, ours=True, participates=True, limited=True
        ),
        routing_pb2.RoutingNumber(
            routing_number=SOLD, ours=True, participates=True, sold_to_routing_number=OTHER
        ),
        routing_pb2.RoutingNumber(routing_number=OUTSIDE, ours=True, participates=False),
    ]
)
JANE, DOE, JOHN, ROE = 1, 2, 3, 4


def party(role: int = pb.PARTY_ROLE_PRIMARY_OWNER, **fields: Any) -> pb.AccountParty:
    values = {"state": pb.PARTY_STATE_ACTIVE, "name_digests": [JANE, DOE]} | fields
    return pb.AccountParty(role=role, **values)  # type: ignore[arg-type]  # ints are enum values


def account(**fields: Any) -> Account:
    values = {
        "state": pb.ACCOUNT_STATE_OPEN,
        "account_type": pb.ACCOUNT_TYPE_CHECKING,
        "holder_class": pb.HOLDER_CLASS_CONSUMER,
        "routing_number": OURS,
        "parties": [party()],
    }
    return Account(**(values | fields))  # type: ignore[arg-type]  # ints are enum values


def facts_of(found: Account) -> AccountFacts:
    return AccountFacts(found.SerializeToString())


def entry(**fields: Any) -> EntryFacts:
    plain = EntryFacts(OURS, "123456789", 22, 100, "PPD", name_digests=(frozenset({JANE, DOE}),))
    return replace(plain, **fields)


def decide(
    entered: EntryFacts,
    found: Account | None = None,
    moved_from: Account | None = None,
    policy: Policy | None = None,
    as_of: datetime = NOW,
) -> Decision:
    judge = Judge(policy or Policy(), as_of)
    facts = Found(
        facts_of(found) if found is not None else None,
        facts_of(moved_from) if moved_from is not None else None,
    )
    return judge.decide(entered, TABLE.route(entered.routing_number, judge.day), facts)


def restricted(kind: int, /, *, scope: dict[str, Any] | None = None, **fields: Any) -> Account:
    restriction = pb.AccountRestriction(
        type=kind,  # type: ignore[arg-type]  # ints are enum values
        state=pb.RESTRICTION_STATE_ACTIVE,
        scope=pb.RestrictionScope(**(scope or {})),
    )
    return account(restrictions=[restriction], **fields)
