"""Text that is odd and not wrong is stored and comes back byte for byte."""

import json
from pathlib import Path

import pytest

from opencif.client import Client
from opencif.v1 import account_pb2, customer_pb2
from opencif.v1.record_pb2 import VIEW_FULL
from tests.rpc.bank import INVALID, account, refused

NAUGHTY = Path(__file__).resolve().parents[3] / "shared" / "data" / "naughty" / "blns_even.json"
NAMES_MAX = 16  # Organization.trading_names
NAME_BYTES_MAX = 350

OWN = [
    "Robert'); DROP TABLE record;--",
    "' OR '1'='1",
    "${jndi:ldap://example.com/a} {{7*7}} <%= 7*7 %> #{7*7} %s %n %(name)s {0.__class__}",
    "<script>alert(1)</script>&amp;&#0;",
    "../../etc/passwd\\..\\windows",
    "\u202egnirts desrever\u202c and \u2066isolated\u2069",
    "\ufeffbyte order mark",
    "line\r\nfeed\ttab\x0b\x0c\x1b[31mred\x7f",
    "👩🏽‍🚀👨‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "𠮷野家 𝒜𝓁𝒾𝒸ℯ 🜚",  # noqa: RUF001  what looks like another letter is its own
    "e\u0301 is not é",  # NFD stays NFD
    "ﬁ Ⅷ ℡ ²",  # compatibility forms stay themselves
    "İstanbul ıŞIK ǅ ß ẞ",  # noqa: RUF001  case folding has its exceptions
    "  spaces stay  ",
    "\u200b\u200d\u2060",
    "Z̸̡̢̛̗̘̙̜̝̞̟̠̣̤̥̦̩̪̫̬̭̮̯̰̱̲̳̹̺̻̼͇͈͉͍͎",
    "NULL",
    "\\x00\\N\\.",
    "+1 212 555 0123, invoice 1234567890123",  # digits that are no card number
    "A" * NAME_BYTES_MAX,
    "é" * (NAME_BYTES_MAX // 2),
]
NAUGHTY_NAMES = json.loads(NAUGHTY.read_text()) if NAUGHTY.exists() else []
NAMES = [name for name in (*OWN, *NAUGHTY_NAMES) if len(name.encode()) <= NAME_BYTES_MAX]


async def create(client: Client, *names: str, legal_name: str = "Odd Inc") -> str:
    organization = {"legal_name": legal_name, "trading_names": names}
    answer = await client.customers.CreateCustomer(
        customer_pb2.CreateCustomerRequest(customer={"kind": 2, "organization": organization})
    )
    return answer.customer.name


@pytest.mark.parametrize("start", range(0, len(NAMES), NAMES_MAX))
async def test_names_come_back_as_they_were_given(client: Client, addresses: list[str], start: int):
    given = NAMES[start : start + NAMES_MAX]
    name = await create(client, *given)
    request = customer_pb2.GetCustomerRequest(name=name, view=VIEW_FULL)
    for address in addresses:
        async with Client(address, timeout_s=60.0) as one:
            one.consistency_token = client.consistency_token
            answer = await one.customers.GetCustomer(request)
            assert list(answer.customer.organization.trading_names) == given


@pytest.mark.parametrize("name", OWN, ids=range(len(OWN)))
async def test_an_odd_name_is_a_name_everywhere(client: Client, name: str):
    owner = await create(client, legal_name=name)
    made = await account(client, owner)
    assert made.parties[0].customer == owner
    renamed = await client.customers.UpdateCustomer(
        customer_pb2.UpdateCustomerRequest(
            customer={"name": owner, "organization": {"legal_name": name[::-1]}},
            update_mask={"paths": ["organization.legal_name"]},
        )
    )
    assert renamed.customer.version == 2
    history = await client.customers.ListCustomerRevisions(
        customer_pb2.ListCustomerRevisionsRequest(name=owner, view=VIEW_FULL)
    )
    assert history.revisions[-1].customer.organization.legal_name == name


@pytest.mark.parametrize("name", ["A" * (NAME_BYTES_MAX + 1), "é" * (NAME_BYTES_MAX // 2) + "é"])
async def test_a_name_over_its_limit_in_bytes_is_refused(client: Client, name: str):
    await refused(
        create(client, name), INVALID, "TOO_LONG", "customer.organization.trading_names[0]"
    )


async def test_a_reference_that_looks_like_a_command_is_a_reference(client: Client):
    made = await account(client, external_refs=[{"system": "CORE", "id": OWN[0]}])
    answer = await client.accounts.GetAccount(account_pb2.GetAccountRequest(name=made.name))
    assert answer.account.external_refs[0].id == OWN[0]
