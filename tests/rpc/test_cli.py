"""The `opencif` command against a real server: what a person and a script get to see."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from opencif.client import Client
from opencif.nacha import BatchHeader, FileHeader, compose, make_entry
from tests.rpc.bank import new_number, new_pan

ROUTING = "231380104"
PEOPLE = ("JANE EXAMPLE", "JOHN SAMPLE", "ANN OTHER")


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """Runs the command in a process of its own, as a shell does; reads see what was changed."""

    def __init__(self, addresses: list[str]) -> None:
        self._options = ["--address", ",".join(addresses), "--timeout", "60"]
        self._token = ""

    async def run(self, *words: str, stdin: str = "") -> Ran:
        start = "from opencif.cli import main; main()"
        options = [*self._options, "--consistency-token", self._token]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", start, *options, *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(stdin.encode())
        return Ran(process.returncode or 0, out.decode(), err.decode())

    async def change(self, *words: str, stdin: str = "") -> Any:
        """The record that a change answers with."""
        ran = await self.run("--json", *words, stdin=stdin)
        assert ran.code == 0, ran.err
        (answer,) = ran.lines
        self._token = answer.pop("consistency_token")
        (record,) = answer.values()
        return record


@pytest.fixture
def shell(addresses: list[str]) -> Shell:
    return Shell(addresses)


async def account(shell: Shell, number: str) -> str:
    """The name of an open account, made from the command line alone."""
    person = "given_name=Jane,family_name=Example,birth_date=1990-12-10"
    owner = await shell.change("create", "customer", "--kind", "PERSON", "--person", person)
    held = await shell.change(
        *("create", "account", "--routing-number", ROUTING, "--account-number", "-"),
        *("--account-type", "CHECKING", "--holder-class", "CONSUMER", "--currency", "USD"),
        *("--parties", f"customer={owner['name']},role=PRIMARY_OWNER"),
        stdin=f"{number}\n",
    )
    await shell.change("account", "open", held["name"])
    return str(held["name"])


async def test_a_card_is_found_by_number_token_and_name(shell: Shell) -> None:
    pan = new_pan()
    held = await account(shell, new_number())
    owner = (await shell.run("--json", "get", held)).lines[0]["parties"][0]["customer"]
    card = await shell.change(
        *("create", "card", "--pan", "-", "--card-type", "DEBIT", "--expiry", "2039-12"),
        *("--cardholder", owner, "--accounts", f"account={held},role=PRIMARY"),
        stdin=f"{pan}\n",
    )
    name = card["name"]
    await shell.change("card", "activate", name)
    by_pan = await shell.run("--json", "lookup", "card", "--pan", "-", stdin=f"{pan}\n")
    token = by_pan.lines[0]["card"]["tokens"][0]["value"]
    by_token = await shell.run("--json", "lookup", "card", "--token", token)
    by_name = await shell.run("--json", "lookup", "card", "--name", name)
    assert by_pan.lines == by_token.lines == by_name.lines
    assert by_pan.lines[0]["network_response"] == "00"
    blocked = await shell.change("card", "block", name, "--state-reason", "NOT_RECEIVED")
    assert blocked["state"] == "CARD_STATE_BLOCKED"
    again = await shell.run("card", "block", name)
    assert again.code == 3
    assert "ILLEGAL_TRANSITION" in again.err
    revisions = await shell.run("--json", "revisions", name)
    assert [line["revision"]["version"] for line in revisions.lines] == ["3", "2", "1"]
    assert "ISSUED" in (await shell.run("get", name, "--version", "1")).out
    listed = await shell.run("--json", "list", "cards", "--account", held)
    assert [line["name"] for line in listed.lines] == [name]


async def test_an_account_goes_through_its_life(shell: Shell) -> None:
    number = new_number()
    held = await account(shell, number)
    restricted = await shell.change("account", "restrict", held, "--type", "NO_DEBITS")
    (restriction,) = restricted["restrictions"]
    release = ("--restriction-id", restriction["restriction_id"])
    await shell.change("account", "release", held, *release)
    updated = await shell.change("account", "update", held, "--branch", "MAIN")
    assert updated["branch"] == "MAIN"
    stale = await shell.run("account", "update", held, "--branch", "EAST", "--etag", "1")
    assert stale.code == 3
    assert "ETAG_MISMATCH" in stale.err
    closed = await shell.change("account", "close", held, "--close-reason", "CUSTOMER_REQUEST")
    assert closed["state"] == "ACCOUNT_STATE_CLOSED"
    found = await shell.run("lookup", "account", "--number", ROUTING, number)
    assert "CLOSED" in found.out
    assert number not in found.out


async def test_what_is_not_there_is_negative(shell: Shell) -> None:
    unknown = await shell.run("get", "cards/aeaaaaaaaaaaaaaaaaaaaaaaaa")
    assert (unknown.code, unknown.out) == (1, "")
    assert "NOT_FOUND" in unknown.err
    assert (await shell.run("lookup", "account", "--number", ROUTING, new_number())).code == 1
    assert (await shell.run("lookup", "card", "--pan", "4111111111111112")).code == 1


async def test_tokens_go_there_and_back(shell: Shell) -> None:
    pan = new_pan()
    ran = await shell.run("--json", "tokenize", "--type", "PAN", stdin=f"{pan}\n")
    token = ran.lines[0]["token"]["value"]
    assert token != pan
    back = await shell.run("detokenize", "--type", "PAN", "--purpose", "TEST", "--reveal", token)
    assert pan in back.out
    assert (await shell.run("tokenize", "--type", "PAN", "4111111111111112")).code == 1


async def test_every_worker_serves(shell: Shell, addresses: list[str]) -> None:
    ran = await shell.run("--json", "status")
    assert ran.code == 0
    assert [line["state"] for line in ran.lines] == ["SERVING"] * len(addresses)


def payroll(entries: int, accounts: int) -> Iterator[bytes]:
    """A PPD file of credits, several to an account."""
    header = FileHeader.build(
        immediate_destination=f" {ROUTING}",
        immediate_origin=" 121042882",
        creation_date="260508",
        creation_time="1505",
    )
    batch = BatchHeader.build(
        service_class=220,
        company_name="Sample Company",
        company_id="1121042882",
        sec_code="PPD",
        entry_description="PAYROLL",
        effective_date="260508",
        odfi="12104288",
        batch_number=1,
    )
    yield from compose(
        header,
        [
            (
                batch,
                (
                    make_entry(
                        batch,
                        index,
                        transaction_code=22,
                        routing_number=ROUTING,
                        account_number=str(10_000_000 + index % accounts),
                        amount=100 + index,
                        individual_name=PEOPLE[index % accounts % len(PEOPLE)],
                    )
                    for index in range(1, entries + 1)
                ),
            )
        ],
    )


async def every_worker_knows_the_routing_number(addresses: list[str]) -> None:
    """It takes effect with each worker's next poll."""
    for address in addresses:
        async with Client(address) as client:
            while True:
                answer = await client.lookup_routing_numbers([ROUTING])
                if answer.results[0].found:
                    break
                await asyncio.sleep(0.05)


async def test_what_was_planted_is_what_a_file_earns(
    shell: Shell, addresses: list[str], tmp_path: Path
) -> None:
    paths = {name: tmp_path / name for name in ("in.ach", "planted.json", "r.jsonl", "return.ach")}
    paths["in.ach"].write_bytes(b"".join(payroll(entries=3_000, accounts=1_000)))
    loaded = await shell.run(
        *("load", "--from-ach", str(paths["in.ach"]), "--planted", "20", "--seed", "7"),
        *("--planted-out", str(paths["planted.json"])),
    )
    assert loaded.code == 0, loaded.out + loaded.err
    await every_worker_knows_the_routing_number(addresses)
    resolved = await shell.run(
        *("--json", "resolve", str(paths["in.ach"]), "--results", str(paths["r.jsonl"])),
        *("--return-file", str(paths["return.ach"])),
    )
    assert resolved.code == 0, resolved.err
    summary = resolved.lines[-1]["summary"]
    planted = json.loads(paths["planted.json"].read_text())["entries"]
    earned = {count["code"]: int(count["entries"]) for count in summary["returns"]}
    earned |= {count["code"]: int(count["entries"]) for count in summary["nocs"]}
    assert earned | {"POST": int(summary["posted"]), "REVIEW": int(summary["review"])} == planted
    results = [json.loads(line) for line in paths["r.jsonl"].read_text().splitlines()]
    assert len(results) == 3_000
    assert paths["return.ach"].stat().st_size == int(summary["return_file_bytes"])
    again = await shell.run("resolve", str(paths["in.ach"]))
    assert again.code == 1
    assert "DUPLICATE_FILE" in again.err
    assert (await shell.run("load", "--from-ach", str(paths["in.ach"]))).code == 1
