"""`make demo`: resolve a sample NACHA file against a sample bank, end to end, and leave nothing.

Everything goes through the published client; the exit code says whether all came out as planted.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from rich.console import Console

from deploy.demo_report import Answered, Outcomes
from deploy.service import DATA, Service, one_line_errors
from loadtests.sample_accounts import pan
from loadtests.sample_bank import ACCOUNTS_MIN, SampleBank
from loadtests.sample_file import ENTRIES_MIN, POLICY, SampleFile
from loadtests.sample_load import load
from opencif.client import Client
from opencif.v1 import ach_pb2, tokenization_pb2
from opencif.v1.lookup_pb2 import CardKey

__all__ = ["Demo"]

_PIECE_BYTES: Final = 1 << 16
_CARD_SLOT: Final = 0
_KILLED_ENTRIES_MIN: Final = 5_000  # half of it brings results before the rest is sent


class Demo:
    """One run: a bank, a file, a service, and what came of them."""

    def __init__(self, service: Service, console: Console, bank: SampleBank, entries: int) -> None:
        self._service = service
        self._console = console
        self._bank = bank
        self._file = SampleFile(bank, entries)
        self._outcomes = Outcomes(dict(self._file.planted()), entries)
        self._halfway = asyncio.Event()

    async def run(self, *, kills_valkey: bool) -> bool:
        """Load, resolve, report; tells whether everything agreed."""
        async with Client(self._service.addresses) as client:
            await self._load(client)
            await self._resolve(client, kills_valkey=kills_valkey)
            self._outcomes.print(self._console)
            self._print_rate()
            agrees = [self._check_answers(), await self._find_card(client)]
        self._print_differences()
        return all(agrees) and not self._outcomes.differing

    async def _load(self, client: Client) -> None:
        loaded = await load(client, self._bank, lambda step: self._tell(f"loading {step}"))
        self._tell(
            f"the bank: {loaded.customers:,} customers, {loaded.accounts:,} accounts, "
            f"{loaded.cards:,} cards, {loaded.relationships:,} relationships"
        )
        self._file.write(self._path("sample.ach"))
        self._file.write_expected(self._path("sample-expected.csv"))

    async def _resolve(self, client: Client, *, kills_valkey: bool) -> None:
        """Send the file in pieces, count the results, write the answers as they come."""
        self._tell(f"resolving {self._shown('sample.ach')}")
        options = ach_pb2.ResolveAchFileOptions(policy=POLICY)
        pieces = self._pieces(kills_valkey=kills_valkey)
        began = time.monotonic()
        with (
            self._path("returns.ach").open("wb") as returns,
            self._path("noc.ach").open("wb") as noc,
        ):
            async for answer in client.resolve_file(pieces, options=options):
                part = answer.WhichOneof("part")
                if part == "batch":
                    self._halfway.set()
                    for resolution in answer.batch.resolutions:
                        self._outcomes.take(resolution)
                elif part == "finding":
                    self._outcomes.findings[answer.finding.code] += 1
                elif part == "summary":
                    self._outcomes.summary.CopyFrom(answer.summary)
                else:
                    (returns if part == "return_file" else noc).write(getattr(answer, part))
        self._took_s = time.monotonic() - began
        self._outcomes.close()

    async def _pieces(self, *, kills_valkey: bool) -> AsyncIterator[bytes]:
        """The file; with `kills_valkey`, Valkey dies once there are results and half is sent."""
        path = self._path("sample.ach")
        half = path.stat().st_size // 2
        sent = 0
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                sent += len(piece)
                yield piece
                if kills_valkey and sent >= half:
                    await self._halfway.wait()
                    self._service.stack.valkey.kill()
                    self._tell("Valkey has been killed")
                    kills_valkey = False

    def _check_answers(self) -> bool:
        """Read the return and NOC files again: they parse clean and answer what was returned."""
        summary = self._outcomes.summary
        agrees = True
        for name, what, counts in (
            ("returns.ach", "returned", summary.returns),
            ("noc.ach", "notified of a change", summary.nocs),
        ):
            answered = Answered.read(self._path(name))
            is_right = answered.answers({count.code: count.entries for count in counts})
            agrees = agrees and is_right
            verdict = "parses clean" if is_right else f"is wrong ({answered.faults} findings)"
            total = answered.codes.total()
            self._print(f"{self._shown(name)}: {total:,} entries {what}; {verdict}")
        return agrees

    async def _find_card(self, client: Client) -> bool:
        """Look one card up by its number, by its token and by its name."""
        number = pan(self._bank.dice, _CARD_SLOT)
        plain = tokenization_pb2.Plain(type=tokenization_pb2.TOKEN_TYPE_PAN, value=number)
        token = (await client.tokenize([plain])).results[0].token.value
        by_number = (await client.lookup_cards([CardKey(pan=number)])).results[0].card
        keys = [CardKey(token=token), CardKey(name=by_number.name)]
        others = (await client.lookup_cards(keys)).results
        is_one = bool(by_number.name) and all(other.card == by_number for other in others)
        verdict = "are the same record" if is_one else "are not the same record"
        shown = f"{by_number.bin}...{by_number.last4}"
        self._print(
            f"card {shown} by number, by token {token} and by name {by_number.name} {verdict}"
        )
        return is_one

    def _print_rate(self) -> None:
        summary = self._outcomes.summary
        server_s = max(summary.duration_ms, 1) / 1e3
        self._print(
            f"{summary.entries:,} entries in {self._took_s:.2f} s: "
            f"{summary.entries / self._took_s:,.0f} entries/s seen by the client, "
            f"{summary.entries / server_s:,.0f} by the server"
        )

    def _print_differences(self) -> None:
        outcomes = self._outcomes
        if not outcomes.differing:
            self._print("[green]all entries earned what was planted[/]")
            return
        self._print(f"[red]{outcomes.differing} differences[/], the first of them:")
        for difference in outcomes.differences:
            self._print(f"  {difference}")

    def _path(self, name: str) -> Path:
        return self._service.home / name

    def _shown(self, name: str) -> Path:
        """As short as it can be typed."""
        path, here = self._path(name), Path.cwd()
        return path.relative_to(here) if path.is_relative_to(here) else path

    def _print(self, fact: str) -> None:
        self._console.print(fact, soft_wrap=True)

    def _tell(self, fact: str) -> None:
        tell(self._console, fact)


_BEGAN: Final = time.monotonic()


def tell(console: Console, fact: str) -> None:
    """Print a line of progress, with the seconds since the program began."""
    console.print(f"[dim]{time.monotonic() - _BEGAN:5.1f} s[/]  {fact}", soft_wrap=True)


def main() -> int:
    """Run the demo; returns its exit code: 0 when everything agreed, else 1."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000, help=f"{ENTRIES_MIN} or more")
    parser.add_argument("--accounts", type=int, default=5_000, help=f"{ACCOUNTS_MIN} or more")
    parser.add_argument(
        "--kill-valkey", action="store_true", help="kill Valkey when half of the file is sent"
    )
    parser.add_argument("--directory", type=Path, default=DATA / "demo", help="for all data")
    given = parser.parse_args()
    least = _KILLED_ENTRIES_MIN if given.kill_valkey else ENTRIES_MIN
    if given.entries < least or given.accounts < ACCOUNTS_MIN:
        parser.error(f"--entries is {least} or more here, --accounts {ACCOUNTS_MIN} or more")
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    with one_line_errors("demo"):
        service = Service(given.directory, fresh=True, tell=lambda fact: tell(console, fact))
        with service:
            demo = Demo(service, console, SampleBank(given.accounts), given.entries)
            agreed = asyncio.run(demo.run(kills_valkey=given.kill_valkey))
        tell(console, "everything has been stopped")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
