"""The `opencif` command, from its arguments to the requests it makes, its output and exit codes."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
import pytest
from typer.testing import CliRunner

from opencif.cli import app
from opencif.commands.session import Exit
from opencif.commands.verbs import ACCOUNTS, CARDS, CUSTOMERS, RELATIONSHIPS
from opencif.v1 import (
    account_pb2,
    card_pb2,
    customer_pb2,
    lookup_pb2,
    options_pb2,
    relationship_pb2,
    routing_pb2,
    tokenization_pb2,
)
from tests.unit.scripted_server import Refusal, Script, run, scripted

CARD = "cards/aaaaaaaaaaaaaaaaaaaaaaaaaa"
ACCOUNT = "accounts/aaaaaaaaaaaaaaaaaaaaaaaaaa"
CUSTOMER = "customers/01890a5d-ac96-774b-bcce-b302099a8057"
PAN = "4111111111111111"


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        yield running


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        if getattr(command, "commands", None):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def all_commands() -> list[tuple[str, ...]]:
    import typer.main  # noqa: PLC0415  used here only

    return sorted(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    said = result.output.split()
    example = said[said.index("Example:") + 1 :]
    assert example[0] == "opencif"
    assert words[0] in example
    assert words[-1] in example


def test_every_change_of_the_contract_has_a_command() -> None:
    from opencif.commands import lifecycle  # noqa: PLC0415  its tables are looked into here only

    told = {(service, method) for service, method, _ in lifecycle._CREATE.values()}
    for service, verbs in lifecycle._NOUNS.values():
        told |= {(service, method) for method, _ in verbs.values()}
    rule: Any = options_pb2.method_rule
    mutations = {
        (service, method.name)
        for service in (ACCOUNTS, CARDS, CUSTOMERS, RELATIONSHIPS)
        for method in service.descriptor.methods
        if method.GetOptions().Extensions[rule].mutation
    }
    assert told == mutations


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_examples_give_options_that_there_are(words: tuple[str, ...]) -> None:
    usage, _, examples = CliRunner().invoke(app, [*words, "--help"]).output.partition("Example:")
    own = examples.replace("opencif --json", "").replace("opencif --address", "")
    given = {word for word in own.split() if word.startswith("--")}
    assert given <= set(usage.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "accounts", "--limit", "x"), "--limit: "),
        (("create", "customer", "--kind", "PERSN"), "--kind: is one of PERSON"),
        (("create", "customer", "--kind", "PERSON", "--person", "given=Ada"), "--person: given: "),
        (("load", "/nowhere/rows.csv", "--kind", "account"), "/nowhere/rows.csv: No such file"),
    ],
)
def test_what_is_wrong_is_named_as_it_was_typed(
    script: Script, words: tuple[str, ...], said: str
) -> None:
    result = run(script, *words)
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith(said)


def test_exit_codes_are_documented() -> None:
    text = CliRunner().invoke(app, ["--help"]).output
    assert all(str(int(code)) in text[text.index("Exit codes") :] for code in Exit)


def test_get_prints_the_record_masked_or_as_json(script: Script) -> None:
    account = account_pb2.Account(
        name=ACCOUNT,
        state=account_pb2.ACCOUNT_STATE_OPEN,
        account_number="123456789",
        parties=[account_pb2.AccountParty(customer=CUSTOMER)],
    )
    script.answers["GetAccount"] = lambda _: account_pb2.GetAccountResponse(account=account)
    result = run(script, "get", ACCOUNT, "--view", "full", "--version", "3")
    assert result.exit_code == 0
    assert "OPEN" in result.output
    assert "*****6789" in result.output
    assert "123456789" not in result.output
    assert script.seen[0].version == 3
    result = run(script, "--json", "get", ACCOUNT)
    assert json.loads(result.output)["parties"] == [{"customer": CUSTOMER}]


@pytest.mark.parametrize(
    ("code", "reason", "exit_code"),
    [
        (grpc.StatusCode.NOT_FOUND, "NOT_FOUND", Exit.NEGATIVE),
        (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED", Exit.REFUSED),
        (grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION", Exit.REFUSED),
        (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION", Exit.REFUSED),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE", Exit.UNAVAILABLE),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", Exit.UNAVAILABLE),
    ],
)
def test_what_the_server_says_becomes_an_exit_code(
    script: Script, code: grpc.StatusCode, reason: str, exit_code: Exit
) -> None:
    def refused(_: Any) -> Any:
        raise Refusal(code, reason)

    script.answers["GetCard"] = refused
    result = run(script, "get", CARD)
    assert result.exit_code == exit_code
    assert reason in result.stderr


def test_nobody_there_is_unavailable() -> None:
    with scripted() as script:
        pass
    assert run(script, "status").exit_code == Exit.UNAVAILABLE
    assert run(script, "--timeout", "0.3", "get", CARD).exit_code == Exit.UNAVAILABLE


@pytest.mark.parametrize(
    "words",
    [
        ("get", "people/1"),
        ("get", CARD, "--version", "x"),
        ("lookup", "account"),
        ("lookup", "card", "--token", "1", "--name", CARD),
        ("card", "block", CARD, "--state-reason", "BORED"),
        ("card", "block"),
        ("create", "customer"),
        ("account", "update", ACCOUNT),
        ("account", "restrict", ACCOUNT, "--type", "LEGAL_FREEZE", "--scope", "company_ids"),
        ("account", "restrict", ACCOUNT, "--type", "LEGAL_FREEZE", "--expire-time", "tomorrow"),
        ("load",),
        ("load", "x.csv"),
        ("load", "no-such-file.csv", "--kind", "account"),
        ("resolve", "no-such-file.ach"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_before_any_call(script: Script, words: tuple[str, ...]) -> None:
    result = run(script, *words)
    assert result.exit_code == Exit.USAGE
    assert result.stderr
    assert not script.seen


def test_a_wrong_address_is_wrong_usage() -> None:
    assert CliRunner().invoke(app, ["--address", "nowhere", "status"]).exit_code == Exit.USAGE


def test_a_change_is_made_from_options(script: Script) -> None:
    script.answers["PlaceRestriction"] = lambda request: account_pb2.PlaceRestrictionResponse(
        account=account_pb2.Account(name=request.name), consistency_token="t"
    )
    options = ["--type", "stop_payment", "--scope", "company_ids=A;B,amount_max_minor=100"]
    result = run(
        script, "account", "restrict", ACCOUNT, *options, "--expire-time", "2030-01-01T00:00:00Z"
    )
    assert result.exit_code == 0, result.stderr
    request = script.seen[0]
    assert request.name == ACCOUNT
    assert request.request_id
    assert request.restriction.type == account_pb2.RESTRICTION_TYPE_STOP_PAYMENT
    assert list(request.restriction.scope.company_ids) == ["A", "B"]
    assert request.restriction.scope.amount_max_minor == 100
    assert request.restriction.expire_time.seconds == 1_893_456_000


def test_a_record_is_created_from_json_and_options(script: Script, tmp_path: Path) -> None:
    script.answers["CreateCustomer"] = lambda request: customer_pb2.CreateCustomerResponse(
        customer=request.customer
    )
    given = {"kind": "CUSTOMER_KIND_PERSON", "person": {"given_name": "Ada", "family_name": "L"}}
    result = run(
        script,
        "--json",
        *("create", "customer", "--json-file", "-", "--branch", "MAIN", "--onboard"),
        *("--addresses", "type=LEGAL,town_name=Utica,country=US"),
        stdin=json.dumps(given),
    )
    assert result.exit_code == 0, result.stderr
    customer = script.seen[0].customer
    assert (customer.person.given_name, customer.branch) == ("Ada", "MAIN")
    assert customer.addresses[0].town_name == "Utica"
    assert script.seen[0].onboard
    assert json.loads(result.output)["customer"]["branch"] == "MAIN"


def test_an_update_names_what_was_given(script: Script) -> None:
    script.answers["UpdateAccount"] = lambda request: account_pb2.UpdateAccountResponse(
        account=request.account
    )
    result = run(
        script,
        "account",
        "update",
        ACCOUNT,
        "--branch",
        "MAIN",
        "--no-transactional",
        "--etag",
        "4",
    )
    assert result.exit_code == 0, result.stderr
    request = script.seen[0]
    assert request.account.name == ACCOUNT
    assert list(request.update_mask.paths) == ["branch", "transactional"]
    assert request.account.HasField("transactional")
    assert request.etag == "4"


def test_a_card_number_is_read_unseen_or_warned_of(script: Script) -> None:
    script.answers["LookupCards"] = lambda _: lookup_pb2.LookupCardsResponse(
        results=[
            lookup_pb2.CardResult(
                outcome=lookup_pb2.LOOKUP_OUTCOME_FOUND,
                card=card_pb2.Card(name=CARD, last4="1111"),
                network_response="00",
            )
        ]
    )
    result = run(script, "lookup", "card", "--pan", "-", stdin=f"{PAN}\n")
    assert result.exit_code == 0
    assert script.seen[0].keys[0].pan == PAN
    assert not result.stderr
    result = run(script, "lookup", "card", "--pan", PAN)
    assert "history" in result.stderr
    assert PAN not in result.output


def test_what_is_not_found_is_negative(script: Script) -> None:
    script.answers["LookupAccounts"] = lambda _: lookup_pb2.LookupAccountsResponse(
        results=[lookup_pb2.AccountResult(outcome=lookup_pb2.LOOKUP_OUTCOME_NOT_FOUND)]
    )
    result = run(script, "lookup", "account", "--number", "021000021", "123", "--view", "FULL")
    assert result.exit_code == Exit.NEGATIVE
    key = script.seen[0].keys[0].number
    assert (key.routing_number, key.account_number) == ("021000021", "123")
    script.answers["LookupCustomers"] = lambda _: customer_pb2.LookupCustomersResponse(
        results=[customer_pb2.CustomerResult()]
    )
    result = run(script, "lookup", "customer", "--identifier", "SSN", "-", stdin="078051120\n")
    assert result.exit_code == Exit.NEGATIVE
    assert script.seen[1].keys[0].type == customer_pb2.IDENTIFIER_TYPE_SSN
    assert script.seen[1].keys[0].value == "078051120"


def test_a_list_is_read_to_its_limit(script: Script) -> None:
    def page(request: Any) -> card_pb2.ListCardsResponse:
        first = int(request.page_token or 0)
        cards = [card_pb2.Card(name=f"cards/{first + index}") for index in range(2)]
        return card_pb2.ListCardsResponse(cards=cards, next_page_token=str(first + 2))

    script.answers["ListCards"] = page
    result = run(script, "--json", "list", "cards", "--customer", CUSTOMER, "--limit", "3")
    assert [json.loads(line)["name"] for line in result.output.splitlines()] == [
        "cards/0",
        "cards/1",
        "cards/2",
    ]
    assert [seen.customer for seen in script.seen] == [CUSTOMER] * 2


def test_a_hierarchy_is_shown(script: Script) -> None:
    node = relationship_pb2.HierarchyNode(customer=CUSTOMER, depth=1, effective_bp=2_500)
    script.answers["GetHierarchy"] = lambda _: relationship_pb2.GetHierarchyResponse(
        nodes=[node], truncated=True
    )
    result = run(script, "hierarchy", "--customer", CUSTOMER, "--direction", "up", "--depth", "1")
    assert result.exit_code == 0, result.stderr
    assert "2500" in result.stdout
    assert "--depth" in result.stderr
    assert script.seen[0].direction == relationship_pb2.HIERARCHY_DIRECTION_UP


def test_tokens_and_numbers(script: Script) -> None:
    script.answers["Tokenize"] = lambda request: tokenization_pb2.TokenizeResponse(
        results=[
            tokenization_pb2.TokenResult(token=tokenization_pb2.Token(value="tok", key_version=1))
            for _ in request.items
        ]
    )
    result = run(script, "tokenize", "--type", "PAN", stdin=f"{PAN}\n\n{PAN}\n")
    assert result.exit_code == 0
    assert len(script.seen[0].items) == 2
    assert "tok" in result.output
    assert PAN not in result.output
    script.answers["Detokenize"] = lambda _: tokenization_pb2.DetokenizeResponse(
        results=[
            tokenization_pb2.PlainResult(value=PAN),
            tokenization_pb2.PlainResult(error_reason="NOT_FOUND"),
        ]
    )
    words = ("detokenize", "--type", "PAN", "--purpose", "TEST", "tok", "tik")
    result = run(script, *words)
    assert result.exit_code == Exit.NEGATIVE
    assert "************1111" in result.output
    assert PAN in run(script, *words, "--reveal").output


def test_routing_numbers(script: Script, tmp_path: Path) -> None:
    script.answers["ImportRoutingNumbers"] = lambda requests: (
        routing_pb2.ImportRoutingNumbersResponse(additions=len(requests))
    )
    result = run(script, "routing", "add", "021000021", "account_scheme.digits_only=yes")
    assert result.exit_code == 0, result.stderr
    addition = script.seen[0][0].addition
    assert addition.ours
    assert addition.account_scheme.digits_only
    directory = tmp_path / "FedACHdir.txt"
    directory.write_bytes(b"x" * 300_000)
    assert run(script, "routing", "import", str(directory)).exit_code == 0
    assert b"".join(piece.directory for piece in script.seen[1]) == b"x" * 300_000
    script.answers["LookupRoutingNumbers"] = lambda _: routing_pb2.LookupRoutingNumbersResponse(
        results=[routing_pb2.RoutingResult(error_reason="CHECK_DIGIT")]
    )
    result = run(script, "routing", "lookup", "021000020")
    assert result.exit_code == Exit.NEGATIVE
    assert "CHECK_DIGIT" in result.stderr


def test_status(script: Script) -> None:
    result = run(script, "--json", "status")
    assert result.exit_code == 0
    assert json.loads(result.output)["state"] == "SERVING"
    with scripted() as gone:
        pass
    both = CliRunner().invoke(app, ["--address", f"{script.address},{gone.address}", "status"])
    assert both.exit_code == Exit.NEGATIVE


METRICS = """# HELP opencif_build_info The version, as a label.
opencif_build_info{worker="1",version="0.1.0"} 1.0
opencif_poll_age_seconds{worker="1"} 0.0426
opencif_poll_age_seconds{worker="0"} 0.05
opencif_build_info{worker="0",version="0.1.0"} 1.0
"""


def test_status_reads_version_and_poll_age(script: Script) -> None:
    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(METRICS.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Metrics) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/metrics"
        result = run(script, "--json", "status", "--metrics", url)
        thread.join()
    assert result.exit_code == 0
    told = [json.loads(line) for line in result.output.splitlines()]
    assert told[1:] == [
        {"metrics_of": "0", "version": "0.1.0", "poll_age_s": "0.050"},
        {"metrics_of": "1", "version": "0.1.0", "poll_age_s": "0.043"},
    ]
    assert run(script, "status", "--metrics", "file:///etc/hosts").exit_code == Exit.USAGE
