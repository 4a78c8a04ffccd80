"""`make demo` and `make serve`, as processes: what they print, how they end, what they leave."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from opencif import nacha
from opencif.client import Client
from opencif.v1.lookup_pb2 import AccountKey, AccountNumber

ENTRIES = 5_000  # the fewest of which half are answered before the rest is sent
WITHIN_S = 100
SMALL = ("--accounts", "500")
STOPPED = 130


@pytest.fixture(autouse=True, scope="module")
def ctrl_c_is_heard() -> Iterator[None]:
    """A shell has what it runs in the background ignore Ctrl-C, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def home(stack_directory: Path, request: pytest.FixtureRequest) -> Path:
    """A directory of the test's own, that the servers' user can enter."""
    return stack_directory / re.sub(r"\W", "-", request.node.name)


def test_ctrl_c_is_heard_where_the_shell_has_it_ignored() -> None:
    program = (
        "import signal; from deploy.service import one_line_errors\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "with one_line_errors('serve'): signal.raise_signal(signal.SIGINT)"
    )
    ended = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr.strip()) == (STOPPED, b"serve: stopped")


def command(program: str, home: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", f"deploy.{program}", "--directory", str(home), *options]


def run(program: str, home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(program, home, *options),
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


@contextmanager
def running(program: str, home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The program while it runs; it is stopped with Ctrl-C's signal, and must end by itself."""
    with subprocess.Popen(
        command(program, home, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=WITHIN_S)
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What the program prints up to the line that holds the text."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"never printed: {text}\n{''.join(lines)}")


def left_running(home: Path) -> list[str]:
    """Processes that work in the directory or were told of it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "environ"]):
        told = [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
        told += (process.info["environ"] or {}).values()
        if process.pid != os.getpid() and any(str(home.resolve()) in text for text in told):
            found.append(process.name())
    return found


def table(output: str) -> list[str]:
    """The rows of the table of results and of the control totals."""
    return [line for line in output.splitlines() if line.startswith("│")]


def test_demo_agrees_with_what_was_planted_and_leaves_nothing(home: Path) -> None:
    whole = run("demo", home, "--entries", str(ENTRIES), *SMALL)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "all entries earned what was planted" in whole.stdout
    assert "are the same record" in whole.stdout
    assert not left_running(home)
    for name in ("returns.ach", "noc.ach"):
        assert f"{name}: " in whole.stdout
        events = list(nacha.read([(home / name).read_bytes()]))
        assert not [event for event in events if isinstance(event, nacha.Finding)]
        assert [event for event in events if isinstance(event, nacha.Entry)]

    cut = run("demo", home, "--entries", str(ENTRIES), "--kill-valkey", *SMALL)
    assert cut.returncode == 0, cut.stdout + cut.stderr
    assert "Valkey has been killed" in cut.stdout
    assert table(cut.stdout) == table(whole.stdout)
    assert not left_running(home)


def test_demo_stops_at_once_on_ctrl_c(home: Path) -> None:
    with running("demo", home, "--entries", "500", *SMALL) as process:
        read_until(process, "loading")
    assert process.returncode == STOPPED
    assert not left_running(home)


def test_another_demo_in_the_same_directory_is_refused(home: Path) -> None:
    home.mkdir()
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = run("demo", home)
    assert refused.returncode == 1
    assert "another instance" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_stale_directory_is_refused_in_one_line(home: Path) -> None:
    run("demo", home, "--entries", "0")  # refused before anything is made
    assert not home.exists()
    (home / "postgres").mkdir(parents=True)
    refused = run("demo", home)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "remove it" in refused.stderr


def test_serve_refuses_a_busy_port_in_one_line(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run("serve", home, "--port", str(port))
    assert refused.returncode == 1
    assert f"port {port}" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not left_running(home)


async def test_serve_loads_the_bank_once_and_says_how_to_call_it(home: Path) -> None:
    with running("serve", home, "--port", "0", *SMALL) as process:
        printed = read_until(process, "Ctrl-C stops everything")
        assert "loading" in printed
        address = re.search(r"--address (\S+) status", printed)
        assert address is not None
        await account_is_found(address[1], printed)
        assert curl(printed) == 0
    assert not left_running(home)
    with running("serve", home, "--port", "0", *SMALL) as process:
        printed = read_until(process, "Ctrl-C stops everything")
        assert "loading" not in printed
        address = re.search(r"--address (\S+) status", printed)
        assert address is not None
        await account_is_found(address[1], printed)
    assert process.returncode == STOPPED


async def account_is_found(address: str, printed: str) -> None:
    """The account that serve names is there."""
    numbers = re.search(r"--number (\d{9}) (\d+)", printed)
    assert numbers is not None
    number = AccountNumber(routing_number=numbers[1], account_number=numbers[2])
    async with Client(address, timeout_s=60.0) as client:
        found = await client.lookup_accounts([AccountKey(number=number)])
    assert found.results[0].account.name


def curl(printed: str) -> int:
    """Runs the `buf curl` that serve prints."""
    start = printed.index(".venv/bin/buf curl")
    line = printed[start : printed.index("\n\n", start)].replace("\\\n", " ")
    line = line.replace(".venv/bin", str(Path(sys.executable).parent))
    return subprocess.run(line, shell=True, capture_output=True, check=False).returncode
