"""What a cluster has started ends with its owner, however that ends: the guard and its eyes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.cluster_guard import MARK
from deploy.process_tree import Process, of_place, send, tree

WITHIN_S = 60
# An owner with a guard, and two children that nothing ties to it: a frozen one with the mark, and a
# deaf one without, in the directory.
OWNER = """
import os, signal, subprocess, sys, time
from pathlib import Path
from deploy.cluster_guard import MARK, Guard

home, mark = sys.argv[1:3]
guard = Guard(Path(home), mark)
sleeper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
for options in ({"env": {MARK: mark}}, {"env": {}, "cwd": home}):
    child = subprocess.Popen(
        [sys.executable, "-c", sleeper],
        stdout=subprocess.DEVNULL, start_new_session=True, **options,
    )
    if "cwd" not in options:
        os.kill(child.pid, signal.SIGSTOP)
print("ready", flush=True)
if sys.argv[3] == "dismisses":
    guard.dismiss()
time.sleep(600)
"""


def until(is_so: Callable[[], object]) -> None:
    ends = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < ends, "it never is"
        time.sleep(0.05)


class Cluster:
    """What an owner has started in a directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._mark = os.urandom(8).hex()

    def owner(self, then: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", OWNER, str(self.home), self._mark, then]
        started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        return started

    def left(self) -> list[Process]:
        return of_place(self.home, MARK, self._mark)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path.resolve())


def is_frozen(process: Process) -> bool:
    try:
        return "T (stopped)" in Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return False


def killed(started: "subprocess.Popen[str]") -> None:
    started.kill()
    started.communicate()


def test_what_a_killed_owner_has_left_is_ended_frozen_or_deaf(cluster: Cluster):
    started = cluster.owner("stays")
    assert len(cluster.left()) == 2
    killed(started)
    until(lambda: not cluster.left())


def test_what_the_next_owner_starts_in_the_directory_is_let_live(cluster: Cluster):
    killed(cluster.owner("stays"))
    until(lambda: not any(map(is_frozen, cluster.left())))  # the guard has seen what there was
    with subprocess.Popen(["/bin/sleep", "600"], cwd=cluster.home) as next_one:
        until(lambda: len(cluster.left()) == 1)
        assert next_one.poll() is None
        next_one.kill()


def test_a_guard_that_was_dismissed_ends_nothing(cluster: Cluster):
    started = cluster.owner("dismisses")
    try:
        killed(started)
        time.sleep(0.5)
        assert len(cluster.left()) == 2
    finally:
        assert send(signal.SIGKILL, cluster.left()) == 2
    until(lambda: not cluster.left())


def test_a_tree_is_a_process_and_all_that_it_started():
    script = "sleep 600 & sh -c 'sleep 600 & wait' & wait"
    with subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True) as root:
        try:
            until(lambda: len(tree(root.pid)) == 4)
            assert tree(root.pid)[0].pid == root.pid
        finally:
            assert send(signal.SIGKILL, tree(root.pid)) == 4
    assert tree(root.pid) == []


def test_a_number_that_another_process_has_got_is_not_signalled():
    with subprocess.Popen(["/bin/sleep", "600"]) as other:
        (seen,) = tree(other.pid)
        assert send(signal.SIGKILL, [seen._replace(began=seen.began - 1)]) == 0
        assert other.poll() is None
        assert send(signal.SIGKILL, [seen]) == 1
