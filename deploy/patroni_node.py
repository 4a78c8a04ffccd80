"""One PostgreSQL server under Patroni, as a part of the cluster on one machine."""

import contextlib
import json
import os
import shutil
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.cluster_parts import Part, asked
from deploy.embedded_postgres import KEPT_MEMORY, Programs
from deploy.places import own
from deploy.ports import HOST, Address, free_port
from deploy.process import Account
from deploy.process_tree import Process, send, tree

__all__ = ["PatroniNode"]


class PatroniNode(Part):
    """One PostgreSQL server under Patroni.

    `told` and `told_rest` are where others are told that PostgreSQL and Patroni are.
    """

    def __init__(self, name: str, home: Path, account: Account | None) -> None:
        super().__init__(name, home, account)
        self.told = self.listens = Address(HOST, free_port())
        self.told_rest = self.rest = Address(HOST, free_port())

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self._home / self.name / "data"

    @property
    def postmaster(self) -> int | None:
        """PostgreSQL's process id, None when it is not running."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if _is_program(pid, "postgres") else None

    def start(
        self,
        programs: Programs,
        etcd: Address,
        values: Mapping[str, str],
        before: Sequence[str] = (),
    ) -> None:
        """Start Patroni, which makes the cluster or joins it by itself.

        `before`: a command that is given Patroni's as its last words.
        """
        own(self._place / "sockets", self._account)
        configuration = self._configuration(
            "patroni.yml",
            {
                "name": self.name,
                "rest_address": str(self.rest),
                "rest_connect_address": str(self.told_rest),
                "etcd_address": str(etcd),
                "listen_address": str(self.listens),
                "connect_address": str(self.told),
                "data_directory": str(self.data),
                "directory": str(self._place),
                "programs": str(programs.directory),
                "sockets": str(self._place / "sockets"),
                **values,
            },
        )
        command = [*before, *_as(self._account), sys.executable, "-m", "patroni", configuration]
        # As ourselves: the command itself changes the user.
        self._launch(command, None, environment=KEPT_MEMORY | {"HOME": str(self._place)})

    def status(self) -> dict[str, Any]:
        """What Patroni says of the node: state, role, timeline; empty when it is silent."""
        return asked(f"http://{self.rest}/patroni")

    @property
    def timeline(self) -> int:
        """The timeline it is on; 0 when it does not say."""
        return int(self.status().get("timeline", 0))

    def members(self) -> list[dict[str, Any]]:
        """What Patroni says of all nodes; empty when it is silent."""
        found: list[dict[str, Any]] = asked(f"http://{self.rest}/cluster").get("members", [])
        return found

    def hand_over(self, to: str | None = None) -> None:
        """Ask this node, the primary, for a switchover. Raises: OSError with Patroni's words.

        Best to whoever is first: with a name the other standby waits two seconds before it follows
        the new primary, and no write is kept by two nodes until it does.
        """
        body = json.dumps({"leader": self.name, **({"candidate": to} if to else {})}).encode()
        request = urllib.request.Request(f"http://{self.rest}/switchover", body)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  ours
                answer.read()
        except urllib.error.HTTPError as refusal:
            raise OSError(refusal.read().decode(errors="replace")) from None

    def signal_postgres(self, what: signal.Signals) -> None:
        """Send the postmaster a signal; SIGKILL ends it as a crash would."""
        if pid := self.postmaster:
            os.kill(pid, what)

    def pause(self) -> None:
        """Freeze the node: PostgreSQL and Patroni with all that they have started."""
        send(signal.SIGSTOP, self._processes())

    def pause_patroni(self) -> None:
        """Freeze Patroni alone: PostgreSQL goes on as it is."""
        super().pause()

    def go_on(self) -> None:
        """Let all of it go on."""
        send(signal.SIGCONT, self._processes())

    def kill(self) -> None:
        """Lose the node: Patroni first, so that it cannot react, then PostgreSQL."""
        super().kill()
        self.signal_postgres(signal.SIGKILL)

    def stop(self) -> None:
        """End both in order."""
        self.go_on()  # a frozen one would not hear of it
        super().stop()
        self.signal_postgres(signal.SIGKILL)  # only where Patroni was killed and could not

    def _processes(self) -> list[Process]:
        """PostgreSQL's first: who is frozen forks no more."""
        roots = (self.postmaster, self.pid)
        return [process for root in roots if root for process in tree(root)]


def _as(account: Account | None) -> list[str]:
    """What a Python program's command begins with so that it runs as the account, or as we do.

    The account may be unable to reach the interpreter (one below /root), so it may search every
    directory and read every file: that is what the capability lets it do.
    """
    if account is None:
        return []
    capability = "+dac_read_search"
    return [
        shutil.which("setpriv") or "/usr/bin/setpriv",
        f"--reuid={account.uid}",
        f"--regid={account.gid}",
        "--clear-groups",
        f"--inh-caps={capability}",
        f"--ambient-caps={capability}",
        "--pdeathsig=TERM",
    ]


def _is_program(pid: int, name: str) -> bool:
    with contextlib.suppress(OSError):
        return Path("/proc", str(pid), "comm").read_text().strip() == name
    return False
