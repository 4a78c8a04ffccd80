"""Files by columns and record by record: the same results, the same files, to the byte."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencif.nacha import BatchHeader, Entry, Reader, compose, make_entry
from opencif.nacha import blocks as nacha_blocks
from opencif.v1 import account_pb2 as pb
from opencif.v1 import ach_pb2, routing_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.ach_pb2 import ResolveAchFileResponse
from repository.ach_run import RunKey
from repository.record import Entry as Stored
from repository.record import Kind
from server import ach_file
from server.account_table import AccountTable
from server.ach_accounts import AccountResolver
from server.ach_columns import ColumnResolver
from server.ach_corrections import Corrections
from server.ach_file import FileRun, Wanted
from server.ach_resolving import Tools
from server.errors import InvalidArgument
from server.name_words import NameWords
from server.resolution import Policy
from server.routing_table import RoutingTable
from server.sealed import SealedRecords
from tests.unit.keyrings import ring
from tests.unit.nacha_samples import HEADER, batch_header
from tests.unit.resolution_cases import OTHER, OURS, RETIRED, account, party
from tests.unit.test_account_table import Poll
from tokenizer.identity import Identity
from tokenizer.keyring import Purpose
from tokenizer.sealing import Sealer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RING = ring(Purpose.IDENTITY)
SEALER, IDENTITY = Sealer(RING), Identity(RING)
NO_CUSTOMERS: Any = None
SEALED = SealedRecords(SEALER, NO_CUSTOMERS)
WORDS = NameWords(IDENTITY)
LUHN, WEIGHTED = "121042882", "231380104"


def _row(number: str, **scheme: Any) -> routing_pb2.RoutingNumber:
    return routing_pb2.RoutingNumber(
        routing_number=number, ours=True, participates=True, account_scheme=scheme
    )


TABLE = RoutingTable(
    [
        _row(OURS, min_length=4, digits_only=True),
        _row(LUHN, max_length=10, check_algorithm=routing_pb2.CHECK_ALGORITHM_LUHN),
        _row(
            WEIGHTED,
            strip_leading_zeros=True,
            check_algorithm=routing_pb2.CHECK_ALGORITHM_MOD_10_WEIGHTED_371,
        ),
        routing_pb2.RoutingNumber(routing_number=OTHER, participates=True),
        routing_pb2.RoutingNumber(
            routing_number=RETIRED, record_type=2, new_routing_number=OURS, participates=True
        ),
    ]
)
ROUTINGS = [OURS, LUHN, WEIGHTED, OTHER, RETIRED, "123456789"]
NUMBERS = [
    "1111", "79927398713", "7992739871", "0018", "18", "4242 42", "42-42", "A1111", "", "1" * 17,
    "123456789", " 1111", "26",
]  # fmt: skip
NAMES = ["ANN BELL", "BELL", "BELL, ANN", "ANN SMITH", "SOMEBODY ELSE", "", "..."]


def _named(*names: str) -> list[int]:
    return [digest for sets in WORDS.digests(names) for each in sets for digest in each]


ACCOUNTS: list[dict[str, Any]] = [
    {},
    {"state": pb.ACCOUNT_STATE_CLOSED},
    {"account_type": pb.ACCOUNT_TYPE_SAVINGS},
    {"account_type": pb.ACCOUNT_TYPE_LOAN},
    {"account_type": pb.ACCOUNT_TYPE_IRA},
    {"individual_ids": ["NEW", "OLD"]},
    {"ach_debit_ok": False},
    {"parties": [party(name_digests=_named("ANN BELL"), valid_from="2026-11-24")]},
    {"parties": [party(name_digests=_named("ANN BELL"), deceased_date="2026-01-01")]},
    {"parties": [party(name_digests=[])]},
    {
        "restrictions": [
            pb.AccountRestriction(
                type=pb.RESTRICTION_TYPE_LEGAL_FREEZE, state=pb.RESTRICTION_STATE_ACTIVE
            )
        ]
    },
]


class Store:
    """Stands for cache and database: accounts by number, under the newest generation or an old."""

    def __init__(self, accounts: dict[tuple[str, str], Account], generation: int) -> None:
        self.entries = {}
        for (routing, number), one in accounts.items():
            [id_] = IDENTITY.account_ids([routing], [number], generation)
            sealed = SEALER.seal_operational(Kind.ACCOUNT, id_, (1, 0, 0), one.SerializeToString())
            self.entries[id_] = Stored(1, 10, sealed, b"")
        self.reads = 0

    def may_be_seen(self, _: object) -> bool:
        return True

    async def get_many(self, kind: int, ids: Sequence[bytes], *_: object, **__: object):
        self.reads += 1
        return [self.entries.get(id_, Stored(0, 10, b"", b"")) for id_ in ids]


class Runs:
    async def begin(self, _: object, as_of: datetime, *__: object) -> datetime:
        return as_of

    async def finish(self, *_: object) -> Any:
        return SimpleNamespace(duplicate=False, duration_ms=1)


class Numbers:
    async def get_numbers(self, *_: object, **__: object) -> dict[bytes, bytes]:
        return {}


def tools_of(store: Store) -> Tools:
    resolver = AccountResolver(store, IDENTITY, SEALED)  # type: ignore[arg-type]  # stands for it
    made: Any = Tools
    return made(
        resolver,
        ColumnResolver(resolver, AccountTable(Poll(), 1 << 20)),  # type: ignore[arg-type]
        Corrections(Numbers(), SEALER, None),  # type: ignore[arg-type]  # nothing is asked of it
        WORDS,
        None,
        SimpleNamespace(table=TABLE),
        Runs(),
    )


async def parts(
    tools: Tools, data: bytes, policy: Policy, piece: int, *, all_results: bool
) -> list[ResolveAchFileResponse]:
    """The answer."""

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), piece):
            yield data[at : at + piece]

    wanted = Wanted(policy, NOW, all_results=all_results)
    call = SimpleNamespace(deadline=None)
    run = FileRun(tools, wanted, RunKey("me", UUID(int=1)), call)  # type: ignore[arg-type]
    found = []
    try:
        async for response in run.responses(pieces()):
            one = ResolveAchFileResponse.FromString(response)
            found.append(one)
    except InvalidArgument as fault:
        summary = ach_pb2.AchFileSummary(file_hash=f"{fault.reason} {fault.field}")
        found.append(ResolveAchFileResponse(summary=summary))
    return found


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Batches of entries without addenda, good and bad, to a few accounts again and again."""
    batches: list[tuple[BatchHeader, Iterator[Entry]]] = []
    for number in range(1, draw(st.integers(2, 4))):
        sec = draw(st.sampled_from(["PPD", "CCD", "ARC", "POP", "TRC", "TEL", "CIE"]))
        header = batch_header(sec, number, service_class=200)
        made = []
        for sequence in range(1, draw(st.integers(2, 14))):
            fields: dict[str, Any] = {
                "transaction_code": draw(st.sampled_from([22, 22, 22, 27, 27, 32, 23, 52, 25, 21])),
                "routing_number": draw(st.sampled_from([OURS, OURS, *ROUTINGS])),
                "account_number": draw(st.sampled_from(NUMBERS)),
                "amount": draw(st.sampled_from([0, 100, 9_999_999_999])),
            }
            if sec != "TRC":
                fields["individual_name"] = draw(st.sampled_from(NAMES))[:15]
            if sec in {"PPD", "CCD", "TEL", "CIE"}:
                fields["individual_id"] = draw(st.sampled_from(["", "OLD", "NEW"]))
            made.append(make_entry(header, sequence, **fields))
        batches.append((header, iter(made)))
    return b"".join(compose(HEADER, batches))


@st.composite
def accounts(draw: st.DrawFn) -> dict[tuple[str, str], Account]:
    found = {}
    for routing in (OURS, LUHN, WEIGHTED):
        for number in ("1111", "7992739871", "18", "26", "424242"):
            fields = draw(st.sampled_from([{}, *ACCOUNTS]))
            told = {"parties": [party(name_digests=_named("ANN BELL"))]} | fields
            made = account(routing_number=routing, version=1, name=f"accounts/{number}", **told)
            found[routing, number] = made
    return found


@given(
    files(),
    accounts(),
    st.sampled_from(range(5)),
    st.sampled_from([64, 500, 10_000]),
    st.sampled_from([1, 2]),
)
@settings(max_examples=120, deadline=None)
async def test_columns_resolve_as_records_do(
    data: bytes,
    stored: dict[tuple[str, str], Account],
    name_policy: int,
    piece: int,
    generation: int,
) -> None:
    policy = Policy(name_policy or ach_pb2.NAME_POLICY_ADVISE, close_match_noc=name_policy == 0)
    tools = tools_of(Store(stored, generation))
    for all_results in (False, True, True):  # the last finds all accounts in the table
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nacha_blocks, "RUN_MIN", 2)
            found = await parts(tools, data, policy, piece, all_results=all_results)
            patch.setattr(ach_file, "BlockReader", Reader)
            expected = await parts(tools, data, policy, piece, all_results=all_results)
        for one in (*found, *expected):
            for resolution in one.batch.resolutions:
                resolution.account = ""  # from the id here, from the record there
        assert found == expected
