"""Nothing that a caller sends in confidence is found in what the service keeps.

Values are planted through the API and in a file; then the data directory, the cache's dump, the
logs and the metrics are searched for each, as text, base64, hexadecimal and BCD.
"""

from collections.abc import Awaitable, Iterator

import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.nacha import BatchHeader, Entry, FileHeader, compose, make_entry
from opencif.nacha.addenda import TerminalAddenda
from opencif.v1 import account_pb2, ach_pb2, card_pb2, customer_pb2, lookup_pb2, routing_pb2
from opencif.v1 import tokenization_pb2 as tokens_pb2
from opencif.v1.import_pb2 import ImportRecord
from opencif.v1.record_pb2 import VIEW_FULL
from tests.leak_scan import scan, scan_tree
from tests.own_service import OwnService, own_service

ROUTING = "990000013"
PLANTED = {
    "given name": "Zebulonia",
    "family name": "Quixworthy",
    "full name": "Zebulonia Quixworthy",
    "former name": "Vexillarian",
    "birth place": "Llanfairpwll",
    "e-mail": "zebulonia@vexillary.example.com",
    "phone": "+12025550143",
    "ssn": "078-05-1120",
    "passport": "XZ88776655",
    "street": "Thistlebottom Crescent",
    "company": "Obfuscatory Widgets Limited",
    "ein": "079182736",
    "account number": "9184736251",
    "account number with letters": "QZ8374650192",
    "imported account number": "5566473829104",
    "unknown account number": "72619483501",
    "account number of a file": "83920174655",
    "card number": "4111119183746508",
    "network token's number": "5555559182736457",
    "card number of a file": "4111117263548190",
    "broken card number": "4111118273645544",
    "number in the wrong place": "4111116473829101",
    "name in a file": "FEATHERSTONEHAUGH",
    "imported name": "Wolfeschlegel",
}
NOTHING = "Featherington-Smythe"
"""Never sent anywhere, so that the search itself can be doubted."""


@pytest.fixture(scope="module")
def settled() -> Iterator[OwnService]:
    with own_service() as service:
        service.call(call_everything)
        service.write_plainly(NOTHING)
        service.settle()
        yield service


async def call_everything(client: Client) -> None:
    """Send every planted value by some way, fail with some, and read them again."""
    await route(client)
    customer = await customers(client)
    account = await accounts(client, customer)
    await cards(client, customer, account)
    await tokens(client)
    await imports(client)
    await resolve(client)
    await fail(client)


async def route(client: Client) -> None:
    addition = routing_pb2.RoutingNumber(
        routing_number=ROUTING, record_type=1, ours=True, participates=True
    )
    await client.routing.ImportRoutingNumbers(
        iter([routing_pb2.ImportRoutingNumbersRequest(addition=addition)])
    )


async def customers(client: Client) -> str:
    person = {
        "given_name": PLANTED["given name"],
        "family_name": PLANTED["family name"],
        "former_names": [PLANTED["former name"]],
        "birth_date": "1961-03-04",
        "birth_place": PLANTED["birth place"],
    }
    made = await client.customers.CreateCustomer(
        customer_pb2.CreateCustomerRequest(
            customer={
                "kind": "CUSTOMER_KIND_PERSON",
                "display_name": PLANTED["full name"],
                "person": person,
                "identifiers": [
                    identifier("SSN", PLANTED["ssn"]),
                    identifier("PASSPORT", PLANTED["passport"]),
                ],
                "contact_points": [
                    {"type": "CONTACT_POINT_TYPE_EMAIL", "value": PLANTED["e-mail"]},
                    {"type": "CONTACT_POINT_TYPE_MOBILE", "value": PLANTED["phone"]},
                ],
                "addresses": [
                    {
                        "type": "ADDRESS_TYPE_LEGAL",
                        "street_name": PLANTED["street"],
                        "town_name": "Sampleton",
                        "country": "US",
                    }
                ],
            }
        )
    )
    organization = {
        "kind": "CUSTOMER_KIND_ORGANIZATION",
        "organization": {"legal_name": PLANTED["company"]},
        "identifiers": [identifier("EIN", PLANTED["ein"])],
    }
    await client.customers.CreateCustomer(customer_pb2.CreateCustomerRequest(customer=organization))
    keys = [
        customer_pb2.CustomerKey(type="IDENTIFIER_TYPE_SSN", value=PLANTED["ssn"]),
        customer_pb2.CustomerKey(type="IDENTIFIER_TYPE_EMAIL", value=PLANTED["e-mail"]),
        customer_pb2.CustomerKey(type="IDENTIFIER_TYPE_PHONE", value=PLANTED["phone"]),
    ]
    found = await client.lookup_customers(keys, view=VIEW_FULL)
    assert all(result.customers for result in found.results)
    return made.customer.name


def identifier(kind: str, value: str) -> dict[str, str]:
    return {"type": f"IDENTIFIER_TYPE_{kind}", "value": value, "issuing_country": "US"}


async def accounts(client: Client, customer: str) -> str:
    names = []
    for label in ("account number", "account number with letters"):
        created = await client.accounts.CreateAccount(
            account_pb2.CreateAccountRequest(
                account={
                    "routing_number": ROUTING,
                    "account_number": PLANTED[label],
                    "account_type": "ACCOUNT_TYPE_CHECKING",
                    "holder_class": "HOLDER_CLASS_CONSUMER",
                    "currency": "USD",
                },
                parties=[{"customer": customer, "role": "PARTY_ROLE_PRIMARY_OWNER"}],
            )
        )
        names.append(created.account.name)
        await client.accounts.OpenAccount(account_pb2.OpenAccountRequest(name=names[-1]))
    numbers = (PLANTED[label] for label in PLANTED if "account number" in label)
    keys = [
        lookup_pb2.AccountKey(
            number=lookup_pb2.AccountNumber(routing_number=ROUTING, account_number=number)
        )
        for number in numbers
    ]
    for _ in range(2):  # from the database, then from the cache
        found = await client.lookup_accounts(keys, view=VIEW_FULL, with_owners=True)
    assert [result.account.name for result in found.results][:2] == names
    return names[0]


async def cards(client: Client, customer: str, account: str) -> None:
    issued = await client.cards.IssueCard(
        card_pb2.IssueCardRequest(
            card={
                "pan": PLANTED["card number"],
                "card_type": "CARD_TYPE_DEBIT",
                "expiry": "2031-12",
                "cardholder": customer,
                "accounts": [{"account": account, "role": "CARD_ACCOUNT_ROLE_PRIMARY"}],
            }
        )
    )
    name = issued.card.name
    await client.cards.ActivateCard(card_pb2.ActivateCardRequest(name=name))
    token = {"dpan": PLANTED["network token's number"], "tsp": "TOKEN_SERVICE_PROVIDER_MDES"}
    await client.cards.ProvisionCardToken(
        card_pb2.ProvisionCardTokenRequest(
            name=name, token=token | {"token_requestor_id": "50110030273"}, activate=True
        )
    )
    keys = [lookup_pb2.CardKey(pan=PLANTED["card number"]), lookup_pb2.CardKey(dpan=token["dpan"])]
    found = await client.lookup_cards(keys, with_accounts=True)
    assert [result.card.name for result in found.results] == [name, name]


async def tokens(client: Client) -> None:
    kinds = {"card number": "PAN", "ssn": "SSN", "ein": "EIN"}
    plains = [
        tokens_pb2.Plain(type=f"TOKEN_TYPE_{kind}", value=PLANTED[label].replace("-", ""))
        for label, kind in kinds.items()
    ]
    made = await client.tokenize(plains)
    back = await client.detokenize([result.token for result in made.results], purpose="DISPUTE")
    assert [result.value for result in back.results] == [plain.value for plain in plains]


async def imports(client: Client) -> None:
    name = "customers/01a0b1c2-0000-7000-8000-00000000abcd"
    customer = customer_pb2.Customer(
        name=name,
        kind="CUSTOMER_KIND_PERSON",
        state="CUSTOMER_STATE_PROSPECT",
        person={"given_name": "Ann", "family_name": PLANTED["imported name"]},
    )
    account = account_pb2.Account(
        routing_number=ROUTING,
        account_number=PLANTED["imported account number"],
        account_type="ACCOUNT_TYPE_CHECKING",
        holder_class="HOLDER_CLASS_CONSUMER",
        currency="USD",
        state="ACCOUNT_STATE_OPEN",
        parties=[{"customer": name, "role": "PARTY_ROLE_PRIMARY_OWNER"}],
    )
    records = [ImportRecord(customer=customer), ImportRecord(account=account)]
    answer = await client.import_records(records * 2)  # the second time they are refused
    assert (answer.customers, answer.accounts, answer.rejected_count) == (1, 1, 2)


async def resolve(client: Client) -> None:
    options = ach_pb2.ResolveAchFileOptions(policy={"close_match_noc": True})
    parts = [part async for part in client.resolve_file([file()], options=options)]
    assert parts[-1].summary.entries == 4


def file() -> bytes:
    """Four entries: one to a known account, one to an unknown one, two with card numbers."""
    header = FileHeader.build(immediate_destination=f" {ROUTING}", immediate_origin=" 990099990")
    ppd = batch("PPD", 1)
    shared = batch("SHR", 2)
    return b"".join(
        compose(
            header,
            [
                (
                    ppd,
                    [
                        entry(ppd, 1, PLANTED["account number"]),
                        entry(ppd, 2, PLANTED["account number of a file"]),
                    ],
                ),
                (
                    shared,
                    [
                        shared_entry(shared, 3, PLANTED["card number of a file"]),
                        shared_entry(shared, 4, PLANTED["broken card number"]),
                    ],
                ),
            ],
        )
    )


def batch(sec_code: str, number: int) -> BatchHeader:
    return BatchHeader.build(
        service_class=225,
        company_name="SAMPLE",
        company_id="1990000001",
        sec_code=sec_code,
        entry_description="TEST",
        effective_date="261103",
        odfi="99009999",
        batch_number=number,
    )


def entry(header: BatchHeader, sequence: int, number: str) -> Entry:
    return make_entry(
        header,
        sequence,
        transaction_code=27,
        routing_number=ROUTING,
        account_number=number,
        amount=1_234,
        individual_name=f"{PLANTED['name in a file']} ANN",
    )


def shared_entry(header: BatchHeader, sequence: int, card_number: str) -> Entry:
    return make_entry(
        header,
        sequence,
        [TerminalAddenda.build(transaction_date="1101", location="HERE", city="SAMPLETON")],
        transaction_code=27,
        routing_number=ROUTING,
        account_number=PLANTED["account number"],
        amount=1_234,
        card_expiration="1231",
        card_number=card_number,
    )


async def fail(client: Client) -> None:
    """Values in places where they do not belong come back in no error."""
    number = PLANTED["number in the wrong place"]
    calls: list[Awaitable[object]] = [
        client.accounts.GetAccount(account_pb2.GetAccountRequest(name=f"accounts/{number}")),
        client.cards.GetCard(card_pb2.GetCardRequest(name=number)),
        client.customers.CreateCustomer(
            customer_pb2.CreateCustomerRequest(
                customer={"kind": "CUSTOMER_KIND_PERSON", "display_name": f"card {number}"}
            )
        ),
    ]
    for call in calls:
        with pytest.raises(OpencifError) as error:
            await call
        assert not list(scan(str(error.value).encode(), PLANTED, "an error"))


def test_no_planted_value_is_on_disk(settled: OwnService) -> None:
    assert not scan_tree(settled.home, PLANTED)


def test_no_planted_value_is_in_the_cache(settled: OwnService) -> None:
    assert len(settled.dump) > 1_000
    assert not list(scan(settled.dump, PLANTED, "Valkey's dump"))


def test_no_planted_value_is_in_the_metrics(settled: OwnService) -> None:
    assert b"opencif" in settled.metrics
    assert not list(scan(settled.metrics, PLANTED, "metrics"))


def test_the_search_would_find_a_value_in_plain(settled: OwnService) -> None:
    places = {leak.place for leak in scan_tree(settled.home, {"control": NOTHING})}
    assert any(place.startswith("postgres/base/") for place in places)
    assert any(place.startswith("postgres/pg_wal/") for place in places)


def test_the_logs_are_among_what_was_searched(settled: OwnService) -> None:
    assert {"postgres.log", "server.log", "valkey.log"} <= {log.name for log in settled.logs}
    assert any(log.stat().st_size for log in settled.logs)
