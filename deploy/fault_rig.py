"""What every fault scenario runs on: a cluster with a proxy on each link, sample cards, load.

It knows no fault; scenarios are in fault_scenarios.py and what is made of them in faults.py.
"""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from deploy.cluster import Cluster
from deploy.fault_links import Links
from deploy.process import EmbeddedError
from loadtests.sample_accounts import pan
from loadtests.sample_bank import ACCOUNTS_MIN, SampleBank
from loadtests.sample_load import load
from opencif.client import Client
from opencif.v1.lookup_pb2 import CardKey

__all__ = ["FaultRig", "LoadFailed", "Outcome"]

_SETTLE_MAX_S: Final = 120
_AUDIT_MAX_S: Final = 300

Outcome = dict[str, Any]
"""What the load saw, second by second, and what the audit of the ledger found."""


class LoadFailed(EmbeddedError):
    """The load ended by itself; says how."""


class FaultRig:
    """A cluster on which faults are tried. Use it as a context."""

    def __init__(self, directory: Path, tell: Callable[[str], None]) -> None:
        self.links = Links()
        self._directory = directory
        self._tell = tell
        self._held = contextlib.ExitStack()
        self._cards = directory / "cards"
        self.cluster: Cluster

    @property
    def address(self) -> str:
        """Where callers find the service: Envoy, through a link of their own."""
        return str(self.links.route("client", "envoy", self.cluster.envoy.address))

    def begin_load(self, ledger: Path, reads_s: float, writes_s: float) -> "subprocess.Popen[str]":
        """Start the load in a process of its own."""
        return self._load("run", ledger, "--reads", str(reads_s), "--writes", str(writes_s))

    def end_load(self, running: "subprocess.Popen[str]", ledger: Path) -> Outcome:
        """End the load, wait for its last answers, audit its ledger. Raises: LoadFailed."""
        running.send_signal(signal.SIGTERM)
        seen = _answer(running, _SETTLE_MAX_S)
        return {**seen, **_answer(self._load("audit", ledger), _AUDIT_MAX_S)}

    def _load(self, what: str, ledger: Path, *more: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "loadtests.fault_load", what, "--address", self.address]
        command += ["--ledger", str(ledger), "--cards", str(self._cards), *more]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as held:
            held.enter_context(self.links)
            self.cluster = Cluster(self._directory, route=self.links.route, tell=self._tell)
            held.enter_context(self.cluster)
            self._cards.write_text("\n".join(asyncio.run(self._bank())))
            self._held = held.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.links.heal()
        self._held.close()

    async def _bank(self) -> list[str]:
        """Load a sample bank; the names of its cards."""
        bank = SampleBank(ACCOUNTS_MIN)
        began = time.monotonic()
        async with Client(self.address, timeout_s=30) as client:
            await load(client, bank)
            keys = [CardKey(pan=pan(bank.dice, slot)) for slot, _, _ in bank.carded()]
            found = (await client.lookup_cards(keys)).results
        self._tell(f"{len(found)} cards loaded in {time.monotonic() - began:.0f} s")
        return [result.card.name for result in found]


def _answer(process: "subprocess.Popen[str]", timeout_s: float) -> Outcome:
    try:
        printed, complained = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise LoadFailed("the load does not end") from None
    if process.returncode:
        raise LoadFailed((complained.strip().splitlines() or ["the load ended"])[-1])
    told: Outcome = json.loads(printed)
    return told
