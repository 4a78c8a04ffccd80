"""A row whose sealed bytes have decayed never gets into the cache: it is broken at every read.

The control shows why: many entries of the cache are opened without their tags.
"""

import pytest

from opencif.v1.lookup_pb2 import LOOKUP_OUTCOME_FOUND
from repository.database import Database as Connected
from repository.keys import KeyStore
from server.customer_keys import CustomerSealers
from server.opening import FEW
from server.sealed import SealedRecords
from tests.conftest import Database
from tests.contract.stand import Stand, all_open, raw
from tests.contract.test_lookup import Bank, account, numbers, owner
from tests.unit.keyrings import ring
from tokenizer.customer import CustomerKeys
from tokenizer.sealing import SealBroken, Sealer

MANY = FEW + 8
READS = 3
DECAY = """
UPDATE record SET operational = set_byte(operational, 60, get_byte(operational, 60) # 1)
WHERE (kind, id) = (SELECT kind, id FROM record WHERE kind = 2 ORDER BY id LIMIT 1)"""


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
    sealed = SealedRecords(Sealer(keyring), CustomerSealers(CustomerKeys(keyring), KeyStore(keys)))
    banks = [Bank(stand, keys, keyring) for stand in pair]
    for stand in pair:
        assert stand.cache is not None
        stand.cache._opens = sealed.opens if checks else all_open
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
