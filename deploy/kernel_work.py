"""The four kernels whose instructions are counted, on made-up records under fixed keys.

Each calls what the server calls with what the server is given. Run under valgrind, it forks for
each count of turns, so that all of them stand on one start; kernels.py judges what they come to.
"""

import gc
import json
import os
import platform
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import cryptography
import google.protobuf
import numpy as np
from cryptography.hazmat.backends.openssl import backend
from numpy._core._multiarray_umath import (  # type: ignore[import-not-found]  # compiled
    __cpu_features__ as cpu_features,
)

from loadtests.sample_numbers import BRANDS, MAIN, account_number, card_number
from opencif.nacha import BatchHeader, FileHeader, Writer, make_entry
from opencif.nacha import Entry as NachaEntry
from opencif.nacha.blocks import Block, BlockReader
from opencif.v1 import account_pb2
from opencif.v1.account_pb2 import Account, AccountParty
from opencif.v1.lookup_pb2 import AccountKey, AccountNumber, LookupAccountsRequest
from repository.changes import ChangePoll
from repository.proof import Proof
from repository.reading import Consistency, Reader
from repository.record import Kind
from repository.values import Cached, Found
from repository.window import Window
from server.ach_file import PIECE_BYTES
from server.frames import Frames
from server.lookup_keys import AccountKeys
from server.opened import OpenedRecords
from server.routing_table import RoutingTable
from server.rpc import Call, Caller
from server.sealed import SealedRecords
from tokenizer.boxes import Boxes
from tokenizer.formats import Tokens
from tokenizer.identity import Identity, id_to_text
from tokenizer.keyring import Keyring, KeyRow, KeyState, Purpose
from tokenizer.sealing import Sealer

if TYPE_CHECKING:
    from repository.database import Database
    from server.customer_keys import CustomerSealers

__all__ = ["ITEMS", "KERNELS", "TURNS", "Kernel", "fingerprint", "kernels", "main"]

ITEMS: Final = 1_000
"""Things done in a turn."""
TURNS: Final = (2, 8)
"""The counts of turns whose difference is counted: what a start costs is in both."""
_VERSION: Final = 1
_HORIZON: Final = 1_000
_INCARNATION: Final = b"8 bytes."
_MADE: Final = datetime(2026, 1, 5, tzinfo=UTC)
_CALL: Final = Call(Caller("kernels", frozenset()), "", float("inf"))

Kernel = Callable[[], int]
"""Does one turn, and tells how many of ITEMS came out as they must."""


class _FromCache:
    """A reader whose cache has answered: what is left to do is to prove the values."""

    def __init__(self, proof: Proof, values: Sequence[bytes]) -> None:
        self._proof = proof
        self._values = values

    def may_be_seen(self, _: object) -> bool:
        return True

    async def find(self, kind: int, ids: list[bytes], *_: object, **__: object) -> Found:
        return self._proof.proven(kind, ids, self._values).found


def _ids(keyring: Keyring) -> Kernel:
    """The bytes of a request to the ids of its account numbers."""
    identity, tokens = Identity(keyring), Tokens(keyring)
    keys = AccountKeys(identity, tokens, RoutingTable().scheme)
    request = LookupAccountsRequest(
        keys=[
            AccountKey(number=AccountNumber(routing_number=MAIN, account_number=number))
            for number in _account_numbers()
        ]
    )
    data = request.SerializeToString()

    def turn() -> int:
        wanted, _ = keys.read(data)
        return len(wanted.single or ())

    return turn


def _records(keyring: Keyring) -> Kernel:
    """Values as they come from the cache: proven, opened, framed, joined to one answer."""
    ids = Identity(keyring).account_ids([MAIN] * ITEMS, _account_numbers())
    records = [_account(id_, number) for id_, number in zip(ids, _account_numbers(), strict=True)]
    sealer, window = Sealer(keyring), Window(incarnation=_INCARNATION)
    window.begin([], 0, _HORIZON)
    sealed = sealer.seal_operational_many(
        Kind.ACCOUNT, ids, [(_VERSION, 0, 0)] * ITEMS, records
    )  # fmt: skip
    proof, nobody = Proof(Boxes(keyring), window), cast("Database", None)
    opened = sealer.opened_operational_many(Kind.ACCOUNT, ids, [_VERSION] * ITEMS, sealed)
    entries = [Cached(_VERSION, _HORIZON, segment or b"", b"") for segment in opened]
    values = proof.values(Kind.ACCOUNT, list(zip(ids, entries, strict=True)))
    frames = Frames(
        cast("Reader", _FromCache(proof, values)),
        SealedRecords(sealer, cast("CustomerSealers", None)),
        OpenedRecords(ChangePoll(nobody, window), 0),
    )
    whole = sum(map(len, records))

    def turn() -> int:
        answer = frames.joined(Kind.ACCOUNT, ids, Consistency.MINIMIZE_LATENCY, _CALL)
        assert not isinstance(answer, bytes), "the worker's own cache is off"
        joined = _outcome(cast("Coroutine[Any, Any, bytes]", answer))
        return ITEMS if len(joined) > whole and records[-1] in joined else 0

    return turn


def _ff1(keyring: Keyring) -> Kernel:
    """Card numbers to tokens."""
    tokens = Tokens(keyring)
    pans = [card_number(BRANDS[0], slot) for slot in range(ITEMS)]

    def turn() -> int:
        return len(tokens.pan_tokens(pans))

    return turn


def _nacha(_: Keyring) -> Kernel:
    """The bytes of a file of one batch of entries, read and checked as the server does."""
    writer = Writer(FileHeader.build(immediate_destination=f" {MAIN}", creation_date="260105"))
    batch = BatchHeader.build(
        service_class=220, sec_code="PPD", company_id="1990000013", odfi=MAIN[:8], batch_number=1
    )
    parts = [writer.batch(batch)]
    for slot, number in enumerate(_account_numbers(), 1):
        entry = make_entry(
            batch, slot, transaction_code=22, routing_number=MAIN, account_number=number,
            amount=slot, individual_name="SOMEBODY",
        )  # fmt: skip
        parts.append(writer.entry(entry))
    data = b"".join([*parts, writer.close()])
    pieces = [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]

    def turn() -> int:
        reader = BlockReader()
        events = [event for piece in pieces for event in reader.feed(piece)] + reader.close()
        blocks = sum(len(event) for event in events if isinstance(event, Block))
        return blocks + sum(isinstance(event, NachaEntry) for event in events)

    return turn


_MAKERS: Final[Mapping[str, Callable[[Keyring], Kernel]]] = {
    "ids of account numbers": _ids,
    "prove, open and splice": _records,
    "FF1, card numbers": _ff1,
    "NACHA entries": _nacha,
}
KERNELS: Final = tuple(_MAKERS)
"""What is counted."""


def kernels() -> dict[str, Kernel]:
    """All of them, each ready for its first turn."""
    rows = [KeyRow(purpose, 1, KeyState.ACTIVE, b"", _MADE) for purpose in Purpose]
    keys = {(row.purpose, 1): row.purpose.encode().ljust(32, b".") for row in rows}
    keyring = Keyring(keys, rows)
    return {name: make(keyring) for name, make in _MAKERS.items()}


def fingerprint() -> dict[str, str]:
    """What decides which instructions run. Valgrind presents a processor of its own, found here."""
    return {
        "machine": platform.machine(),
        "processor as seen": " ".join(sorted(name for name, has in cpu_features.items() if has)),
        "python": sys.version,
        "libc": " ".join(platform.libc_ver()),
        "numpy": np.__version__,
        "cryptography": f"{cryptography.__version__}, {backend.openssl_version_text()}",
        "protobuf": google.protobuf.__version__,
    }


def _account_numbers() -> list[str]:
    return [account_number(slot) for slot in range(ITEMS)]


def _account(id_: bytes, number: str) -> bytes:
    """What an account's operational segment holds."""
    return Account(
        name=f"accounts/{id_to_text(id_)}",
        uid="018f3c2a-7b6d-7c3e-9f10-0123456789ab",
        version=_VERSION,
        number_mask=f"...{number[-4:]}",
        routing_number=MAIN,
        state=account_pb2.ACCOUNT_STATE_OPEN,
        open_date="2019-03-04",
        currency="USD",
        parties=[AccountParty(customer=f"customers/{id_to_text(id_)}", valid_from="2019-03-04")],
    ).SerializeToString()


def _outcome(work: Coroutine[Any, Any, bytes]) -> bytes:
    """What a coroutine returns that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as ended:
        returned: bytes = ended.value
        return returned
    raise AssertionError("it waits")


def main() -> None:
    """Fork for each kernel and count of turns; valgrind notes what each child has executed.

    A line of JSON tells the fingerprint, then the process ids by kernel, in the order of TURNS.
    """
    gc.disable()  # when it runs is an accident of what was made before
    forked: dict[str, list[int]] = {}
    for name, turn in kernels().items():
        for _ in range(TURNS[0]):
            assert turn() == ITEMS, name
        forked[name] = [_fork(turn, turns) for turns in TURNS]
    print(json.dumps({"fingerprint": fingerprint(), "processes": forked}), flush=True)
    os._exit(0)


def _fork(turn: Kernel, turns: int) -> int:
    """The process id of a child that has done so many turns and ended."""
    child = os.fork()
    if not child:
        for _ in range(turns):
            turn()
        os._exit(0)
    os.waitpid(child, 0)
    return child


if __name__ == "__main__":
    main()
