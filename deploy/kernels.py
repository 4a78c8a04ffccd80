"""`make kernels`: how many instructions the four kernels take, held to what is stored.

Valgrind counts them, so neither a busy machine nor its clock matters. Figures are enforced where
everything that decides which instructions run is as it was when they were stored; otherwise told.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from deploy.kernel_work import ITEMS, TURNS

__all__ = [
    "SLACK", "STORED", "Figures", "Missing", "NotCounted", "count", "main", "stored", "verdict",
]  # fmt: skip

STORED: Final = Path(__file__).resolve().parents[1] / "loadtests" / "results" / "kernels.json"
SLACK: Final = 0.05
"""The part by which a kernel may grow."""
_TOTAL: Final = re.compile(r"^totals: (\d+)$", re.MULTILINE)
_NEEDED: Final = {"valgrind": "valgrind", "setarch": "util-linux"}
"""Command -> its Debian package."""
_STEADY: Final = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C", "TZ": "UTC"}


class Missing(Exception):
    """A program that is needed is not installed; says which package has it."""


class NotCounted(Exception):
    """Valgrind ended without figures; says with what."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Instructions for one item of each kernel, and what decided which they were."""

    instructions: Mapping[str, float]
    fingerprint: Mapping[str, str]


def count() -> Figures:
    """Count, in about half a minute. Raises: Missing, NotCounted."""
    for command, package in _NEEDED.items():
        if shutil.which(command) is None:
            raise Missing(
                f"{command} is not installed (on Debian and Ubuntu: apt-get install {package})"
            )
    with tempfile.TemporaryDirectory(prefix="opencif-kernels-") as directory:
        told = _under_valgrind(Path(directory))
        totals = {
            name: [_total(Path(directory, str(process))) for process in processes]
            for name, processes in told["processes"].items()
        }
    asked = [shutil.which("valgrind") or "", "--version"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True)
    items = (TURNS[1] - TURNS[0]) * ITEMS
    return Figures(
        {name: round((more - less) / items, 1) for name, (less, more) in totals.items()},
        told["fingerprint"] | {"valgrind": version.stdout.strip()},
    )


def _under_valgrind(directory: Path) -> dict[str, Any]:
    """What kernel_work.py tells; each of its processes leaves a file named by its id."""
    done = subprocess.run(
        [*_without_chance(), "valgrind", "--tool=callgrind", "--quiet",
         f"--callgrind-out-file={directory}/%p", sys.executable, "-m", "deploy.kernel_work"],
        env=_STEADY | {"PATH": os.environ.get("PATH", os.defpath)},
        cwd=STORED.parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise NotCounted(f"valgrind ended with {done.returncode} and said {said}")
    told: dict[str, Any] = json.loads(lines[-1])
    return told


def _without_chance() -> list[str]:
    """The command that starts a program at the same addresses each time, where that is allowed."""
    fixed = ["setarch", "-R"]
    tried = subprocess.run([*fixed, "true"], capture_output=True, check=False)
    return [] if tried.returncode else fixed


def _total(path: Path) -> int:
    found = _TOTAL.search(path.read_text())
    if found is None:
        raise NotCounted(f"{path.name} has no totals")
    return int(found[1])


def verdict(now: Figures, former: Figures | None) -> tuple[list[str], bool]:
    """A line for each kernel and why, if so, nothing is enforced; and whether all may pass."""
    lines, grown = [], False
    before = former.instructions if former else {}
    for name, instructions in now.instructions.items():
        was = before.get(name)
        change = f"{instructions / was - 1:+.1%} of {was:,.0f}" if was else "not stored"
        lines.append(f"{name}: {instructions:,.0f} instructions each, {change}")
        grown |= was is not None and instructions > was * (1 + SLACK)
    if former is None:
        return [*lines, "nothing is stored: told, not enforced"], True
    differing = [
        f"{key} is {now.fingerprint.get(key)!r}, was {former.fingerprint.get(key)!r}"
        for key in sorted(now.fingerprint.keys() | former.fingerprint.keys())
        if now.fingerprint.get(key) != former.fingerprint.get(key)
    ]
    if differing:
        return [*lines, *differing, "told, not enforced: the figures stand on something else"], True
    if grown:
        lines.append(f"more than {SLACK:.0%} was added: mend it, or store it with --write")
    return lines, not grown


def stored() -> Figures | None:
    """What is stored."""
    return Figures(**json.loads(STORED.read_text())) if STORED.exists() else None


def main() -> None:
    """Count and compare; exits with 1 when a kernel has grown, or nothing could be counted."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kernels", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the figures")
    given = parser.parse_args()
    try:
        now = count()
    except (Missing, NotCounted) as error:
        sys.exit(f"kernels: {error}")
    lines, passes = verdict(now, stored())
    print("\n".join(lines))
    if given.write:
        STORED.parent.mkdir(parents=True, exist_ok=True)
        STORED.write_text(json.dumps(asdict(now), indent=1) + "\n")
        print(f"stored in {STORED}")
    elif not passes:
        sys.exit(1)


if __name__ == "__main__":
    main()
