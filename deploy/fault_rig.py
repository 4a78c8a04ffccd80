"""What every fault scenario runs on: a cluster with a proxy on each link, sample cards, load.

It knows no fault; scenarios are in fault_scenarios.py and what is made of them in faults.py.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from deploy.cluster import Cluster
from deploy.fault_links import Links
from deploy.fault_loop import LoopThread
from deploy.fault_stage import Stage
from deploy.fault_watch import DATABASE, PrimaryWatch
from deploy.process import EmbeddedError
from loadtests.ledger import entries
from loadtests.sample_accounts import pan
from loadtests.sample_bank import SampleBank
from loadtests.sample_load import load
from opencif.client import Client
from opencif.v1.lookup_pb2 import CardKey

__all__ = ["FaultRig", "Load", "LoadFailed", "Outcome"]

_ACCOUNTS: Final = 1_500
_FIRST_MAX_S: Final = 30
_LOOK_EVERY_S: Final = 0.1
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
        self.loop = LoopThread()
        self._directory = directory
        self._tell = tell
        self._held = contextlib.ExitStack()
        self.cluster: Cluster
        self.watch: PrimaryWatch

    @property
    def address(self) -> str:
        """Where callers find the service: Envoy, through a link of their own."""
        return str(self.links.route("client", "envoy", self.cluster.envoy.address))

    def stage(self, *, is_full: bool) -> Stage:
        """What one scenario acts on."""
        return Stage(self.cluster, self.links, self.loop, self.address, is_full)

    @contextlib.contextmanager
    def load(self, rates: Mapping[str, float]) -> Iterator["Load"]:
        """Calls of each class at these rates (a second), from when the first write is kept."""
        ledger = self.cluster.home / "ledger.jsonl"
        ledger.unlink(missing_ok=True)
        words = [word for name, rate in rates.items() for word in (f"--{name}", str(rate))]
        self.loop.run(self.watch.begin())
        load = Load(self, ledger, words)
        try:
            load.await_first()
            yield load
        finally:
            load.kill()

    def started(self, *words: str) -> "subprocess.Popen[str]":
        """A process of the load."""
        command = [sys.executable, "-m", "loadtests.fault_load", *words]
        command += ["--address", self.address, "--cards", str(self._cards)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **self.cluster.mark, "GRPC_VERBOSITY": "NONE"},
            start_new_session=True,
        )  # fmt: skip

    @property
    def _cards(self) -> Path:
        return self.cluster.home / "cards"

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as held:
            held.enter_context(self.links)
            held.enter_context(self.loop)
            self.cluster = Cluster(self._directory, route=self.links.route, tell=self._tell)
            held.enter_context(self.cluster)
            self._cards.write_text("\n".join(asyncio.run(self._bank())))
            self._watch()
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

    def _watch(self) -> None:
        """Look at the nodes from now on."""
        cluster = self.cluster
        cluster.make_database(DATABASE)
        dsns = {name: cluster.node_dsn(node, DATABASE) for name, node in cluster.nodes.items()}
        self.watch = PrimaryWatch(cluster.nodes, dsns)
        self.loop.run(self.watch.prepare(dsns[cluster.primary_now().name]))
        self.loop.begin(self.watch.run())

    async def _bank(self) -> list[str]:
        """Load a sample bank; the names of its cards."""
        bank = SampleBank(_ACCOUNTS)
        began = time.monotonic()
        async with Client(self.address, timeout_s=30) as client:
            await load(client, bank)
            keys = [CardKey(pan=pan(bank.dice, slot)) for slot, _, _ in bank.carded()]
            found = (await client.lookup_cards(keys)).results
        self._tell(f"{len(found)} cards loaded in {time.monotonic() - began:.0f} s")
        return [result.card.name for result in found]


class Load:
    """The load while it runs."""

    def __init__(self, rig: FaultRig, ledger: Path, words: Sequence[str]) -> None:
        self._rig = rig
        self._ledger = ledger
        self._process = rig.started("run", "--ledger", str(ledger), *words)

    def await_first(self) -> None:
        """Return once a write has been acknowledged. Raises: LoadFailed."""
        ends = time.monotonic() + _FIRST_MAX_S
        while not self._ledger.exists() or not self._ledger.stat().st_size:
            if self._process.poll() is not None or time.monotonic() > ends:
                self._process.kill()
                _answer(self._process, _FIRST_MAX_S)
                raise LoadFailed("the load does not begin")
            time.sleep(_LOOK_EVERY_S)

    def end(self) -> tuple[Outcome, list[float]]:
        """End it and audit its ledger: what it saw, and when writes were acknowledged.

        Raises: LoadFailed.
        """
        self._process.send_signal(signal.SIGTERM)
        seen = _answer(self._process, _SETTLE_MAX_S)
        found = _answer(self._rig.started("audit", "--ledger", str(self._ledger)), _AUDIT_MAX_S)
        lines = entries(self._ledger)
        acked = sorted(line["at"] for line in lines if not line.get("refused"))
        return {**seen, **found}, acked

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.wait()


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
