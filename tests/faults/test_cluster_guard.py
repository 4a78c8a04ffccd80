"""What a cluster has started ends with its owner, however that ends: the guard and its eyes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from deploy.process_tree import Process, marked, send, tree

WITHIN_S = 60
# An owner with a guard, and two children that nothing ties to it: one is frozen, one deaf.
OWNER = """
import os, signal, subprocess, sys, time
from deploy.cluster_guard import MARK, Guard

guard = Guard(sys.argv[1])
sleeper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
for _ in range(2):
    child = subprocess.Popen(
        [sys.executable, "-c", sleeper], env={**os.environ, MARK: sys.argv[1]},
        stdout=subprocess.DEVNULL, start_new_session=True,
    )
os.kill(child.pid, signal.SIGSTOP)
print("ready", flush=True)
if sys.argv[2] == "dismisses":
    guard.dismiss()
time.sleep(600)
"""


def until(is_so: Callable[[], object]) -> None:
    ends = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < ends, "it never is"
        time.sleep(0.05)


def owner(mark: str, then: str) -> "subprocess.Popen[str]":
    started = subprocess.Popen(
        [sys.executable, "-c", OWNER, mark, then], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


@pytest.fixture
def mark() -> str:
    return os.urandom(8).hex()


def ours(mark: str) -> list[Process]:
    return marked("OPENCIF_CLUSTER_MARK", mark)


def killed(started: "subprocess.Popen[str]") -> None:
    started.kill()
    started.communicate()


def test_what_a_killed_owner_has_left_is_ended_frozen_or_deaf(mark: str):
    started = owner(mark, "stays")
    assert len(ours(mark)) == 2
    killed(started)
    until(lambda: not ours(mark))


def test_a_guard_that_was_dismissed_ends_nothing(mark: str):
    started = owner(mark, "dismisses")
    try:
        killed(started)
        time.sleep(0.5)
        assert len(ours(mark)) == 2
    finally:
        assert send(signal.SIGKILL, ours(mark)) == 2
    until(lambda: not ours(mark))


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
