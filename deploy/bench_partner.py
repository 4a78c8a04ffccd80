"""A process of a bench that does one job after the other, on a core of its own.

It carries jobs and answers and knows none of them.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from loadtests.bench_machine import pin

__all__ = ["Partner", "RunFailed"]

_END_MAX_S: Final = 30


class RunFailed(Exception):
    """A run ended without a figure; says why."""


class Partner:
    """A process that is asked by lines of JSON and answers with one each; ends with its input."""

    def __init__(self, module: str, core: int, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is the owner's: it ends when its input does
        )
        self.pid = self._process.pid
        pin(self.pid, core)

    def ask(self, job: Mapping[str, Any]) -> None:
        """Give it a job."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """What it answers. Raises: RunFailed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        told: dict[str, Any] = json.loads(line) if line else {"error": "the process has ended"}
        if "error" in told:
            raise RunFailed(told["error"])
        return told

    def stop(self) -> None:
        """End its input, and it."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=_END_MAX_S)
        self._process.kill()
        self._process.wait()
