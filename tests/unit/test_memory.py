"""What a call freed is kept: blocks as a long batch takes them cost the next call no page fault."""

import subprocess
import sys

# Blocks of a batch's sizes, taken and freed as by calls; prints the page faults of a turn.
TURNS = """
import resource, sys
from server.memory import keep_freed
if sys.argv[1] == "kept":
    assert keep_freed()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def turn():
    blocks = [bytearray(400_000 + 100_000 * at) for at in range(8)]
    for block in blocks:
        block[::4096] = bytes(len(block[::4096]))
turn()
before = faults()
for _ in range(20):
    turn()
print((faults() - before) // 20)
"""


def faults_of_a_turn(how: str) -> int:
    """In a process of its own: nothing takes back what is asked of the C library."""
    done = subprocess.run(
        [sys.executable, "-c", TURNS, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_freed_memory_is_kept():
    assert faults_of_a_turn("kept") < 10
    assert faults_of_a_turn("as it is") > 100, "the control"
