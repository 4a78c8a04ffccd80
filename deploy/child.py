"""Run as a script: drop to another user, tie its life to the parent's, become the program named.

It must import nothing of ours. It is a small program of its own and not a `preexec_fn`, because
that forks the owner with its threads, and a process that uses gRPC must not be forked.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def become(parent_pid: int, death_signal: int, uid: int, gid: int, *command: str) -> None:
    """Replace this process by `command`; a negative uid means: stay who you are."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":  # after the change of user, which clears it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent_pid:
            sys.exit("the process that asked for this one is gone")
    os.execv(command[0], command)  # noqa: S606  no shell is the point


if __name__ == "__main__":
    _, parent_pid, death_signal, uid, gid, *command = sys.argv
    become(int(parent_pid), int(death_signal), int(uid), int(gid), *command)
