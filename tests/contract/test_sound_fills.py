"""A row whose sealed bytes have decayed never gets into the cache: it is broken at every read.

The control shows why: what the cache has is open, and no tag of the record's own is looked at.
"""

from collections.abc import Sequence
from functools import partial

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from opencif.v1.lookup_pb2 import LOOKUP_OUTCOME_FOUND
from repository.database import Database as Connected
from repository.proof import FEW
from repository.record import Entry
from tests.conftest import Database
from tests.contract.stand import Stand, raw
from tests.contract.test_lookup import Bank, account, numbers, owner
from tests.unit.keyrings import ring
from tokenizer.keyring import Keyring, Purpose
from tokenizer.sealing import NONCE_BYTES, OPENED_TEXT, TAG_BYTES, SealBroken

MANY = FEW + 8
READS = 3
DECAY = """
UPDATE record SET operational = set_byte(operational, 60, get_byte(operational, 60) # 1)
WHERE (kind, id) = (SELECT kind, id FROM record WHERE kind = 2 ORDER BY id LIMIT 1)"""


def without_tags(
    keyring: Keyring, _: int, ids: Sequence[bytes], entries: Sequence[Entry]
) -> list[bytes | None]:
    """Opens whatever is there, as GCM does before it has looked at the tag."""
    opened: list[bytes | None] = []
    for id_, entry in zip(ids, entries, strict=True):
        blob = entry.operational
        header, sealed = blob[: OPENED_TEXT.start], blob[OPENED_TEXT]
        key = keyring.subkey(Purpose.OPERATIONAL, blob[0], b"seal/%d" % id_[-1])
        counter = sealed[:NONCE_BYTES] + b"\0\0\0\2"
        decryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
        opened.append(header + decryptor.update(sealed[NONCE_BYTES:-TAG_BYTES]))
    return opened


async def served(bank: Bank, wanted: list[str]) -> list[int]:
    """How many accounts each of some reads showed, 0 where a seal was broken."""
    shown = []
    for _ in range(READS):
        try:
            answer = await bank.accounts(*wanted)
        except SealBroken:
            shown.append(0)
        else:
            shown.append([each.outcome for each in answer.results].count(LOOKUP_OUTCOME_FOUND))
        await bank.stand.settle()
    return shown


@pytest.mark.parametrize("checks", [True, False])
async def test_a_decayed_row_is_never_served(
    pair: tuple[Stand, Stand], database: Database, *, checks: bool
) -> None:
    keyring, wanted, keys = ring(), numbers(MANY), Connected(await database("keys"))
    await keys.connect()
    banks = [Bank(stand, keys, keyring) for stand in pair]
    for stand in pair if not checks else ():
        assert stand.cache is not None
        stand.cache._opens = partial(without_tags, keyring)
    writer, reader = banks
    await writer.load(owner(), *map(account, wanted))
    await writer.stand.database.fetch(DECAY, primary=True)
    client = raw(writer.stand)
    await client.flushall()
    await client.aclose()
    for bank in banks:
        await bank.stand.poll.poll()
    if checks:
        assert await served(reader, wanted) + await served(writer, wanted) == [0] * 2 * READS
    else:
        assert (await served(reader, wanted))[-1] == MANY
    await keys.close()
