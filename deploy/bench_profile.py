"""Where the CPU of a lookup goes: py-spy's samples of a worker under load, added up by stage.

Writes a table and judges nothing. py-spy is no dependency: it is named where it is missing.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from deploy.bench import QUICK, RESULTS, Teller, fill, telling
from deploy.bench_partner import RunFailed
from deploy.bench_rig import FILLED, Rig
from deploy.service import DATA, Service
from loadtests.bench_cases import KINDS, SHAPES, SOURCES, Case
from loadtests.bench_figures import Run
from loadtests.bench_machine import Cores, descendants, pin, thread_seconds
from loadtests.bench_quotes import profile_lines

__all__ = ["STAGES", "Profile", "added_up", "main", "stage_of"]

_RATE_HZ: Final = 250
_WARM_S: Final = 0.3
_ATTACH_S: Final = 1.5
_TRIES_MAX: Final = 6
_ACCOUNTS: Final = 20_000

_LOOP: Final = "gRPC core and event loop"
_THREADS: Final = "gRPC's own threads"
STAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "call: caller, deadline, metrics, validation": (
        "server/rpc.py", "server/callers.py", "server/metrics.py", "server/validation.py",
        "server/contract.py", "server/time_limit.py",
    ),
    "keys read from the request": (
        "server/lookup_keys.py", "server/lookup_rows.py", "server/lookup_wire.py",
        "server/wanted.py", "server/names.py", "server/pans.py", "server/account_numbers.py",
        "server/card_numbers.py", "tokenizer/normal.py", "tokenizer/rows.py",
        "tokenizer/id_texts.py",
    ),
    "ids computed": (
        "tokenizer/identity.py", "tokenizer/formats.py", "tokenizer/ff1.py",
        "tokenizer/ff1_words.py", "tokenizer/numerals.py",
    ),
    "own cache": ("server/opened.py",),
    "cache client": (
        "repository/pipeline.py", "repository/shards.py", "repository/breaker.py", "/redis/",
        "/hiredis/",
    ),
    "proof of cached entries": (
        "repository/cache.py", "repository/proof.py", "repository/window.py",
        "repository/changed.py",
    ),
    "reader": (
        "repository/reading.py", "repository/flight.py", "repository/headway.py",
        "repository/changes.py",
    ),
    "database client": ("repository/record.py", "repository/database.py", "/asyncpg/"),
    "seals opened": (
        "tokenizer/sealing.py", "tokenizer/blobs.py", "tokenizer/boxes.py", "server/sealed.py",
    ),
    "answer framed": (
        "server/splice.py", "server/lookup.py", "server/frames.py", "server/reading.py",
        "server/network_response.py",
    ),
}  # fmt: skip
"""Stage -> the files whose time it is; a file that is in none is its caller's."""
_LOOPS: Final = "server/worker.py"  # in every stack of the loop's thread
_STAGE_OF: Final = [(place, stage) for stage, places in STAGES.items() for place in places]


@dataclass(frozen=True, slots=True)
class Profile:
    """One path: the server's CPU of a lookup, unobserved, and how it divides."""

    path: str
    cpu_us: float
    stages_us: Mapping[str, float]
    samples: int


def stage_of(stack: str) -> str:
    """The stage of one of py-spy's stacks: that of its innermost frame that has one."""
    for frame in reversed(stack.split(";")):
        for place, stage in _STAGE_OF:
            if place in frame:
                return stage
    return _LOOP


def added_up(lines: Iterable[str]) -> Counter[str]:
    """Samples of each stage, from py-spy's raw lines: those of the loop's thread that worked."""
    counts: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rstrip().rpartition(" ")
        if _LOOPS in stack:
            counts[stage_of(stack)] += int(count)
    return counts


def _profiled(rig: Rig, case: Case, seconds: float, raw: Path) -> Profile:
    """One case: unobserved first, then under py-spy. Raises: RunFailed."""
    worker = descendants(rig.server_pid(case.source))[-1]
    for _ in range(_TRIES_MAX):
        before = thread_seconds(worker)
        run = rig.case(case, _WARM_S, seconds)
        used = {thread: s - before.get(thread, 0.0) for thread, s in thread_seconds(worker).items()}
        spied = _under_spy(
            lambda: rig.case(case, _WARM_S, seconds + _ATTACH_S), worker, seconds, raw
        )
        if not (run.has_strayed or spied.has_strayed):
            return _divided(case, run.cost_us("server"), used[worker] / sum(used.values()), raw)
    raise RunFailed(f"{case.name}: records came from elsewhere")


def _under_spy(load: Callable[[], Run], worker: int, seconds: float, raw: Path) -> Run:
    """What the load came to, with the worker's stacks left in `raw`. Raises: RunFailed."""
    spy = subprocess.Popen(
        [_spy(), "record", "--pid", str(worker), "--nonblocking", "--full-filenames", "--format",
         "raw", "--rate", str(_RATE_HZ), "--duration", str(max(1, round(seconds))), "--output",
         str(raw)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    run = load()
    told = spy.communicate()[1]
    if spy.returncode:
        raise RunFailed(f"py-spy: {told.strip()}")
    return run


def _divided(case: Case, cpu_us: float, loops: float, raw: Path) -> Profile:
    """`loops`: the part of the CPU that the loop's thread used, which the samples divide."""
    counts = added_up(raw.read_text().splitlines())
    total = counts.total()
    stages = {stage: cpu_us * loops * counts[stage] / total for stage in (*STAGES, _LOOP)}
    path = f"{case.source.name}, {case.shape.name} a call"
    return Profile(path, cpu_us, stages | {_THREADS: cpu_us * (1 - loops)}, total)


def _cases() -> Iterator[Case]:
    """What is profiled: accounts by number, of what is compared most, from every source."""
    for shape in SHAPES:
        if shape.name in {"1", "1,000"}:
            yield from (Case(KINDS[0], shape, source) for source in SOURCES if source.known)


def _spy() -> str:
    """Where py-spy is. Raises: RunFailed."""
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise RunFailed("py-spy is not installed (.venv/bin/uv pip install py-spy)")
    return found


def _profile(directory: Path, seconds: float, tell: Teller) -> list[Profile]:
    """Every path on a service of its own. Raises: RunFailed, NotAsExpected."""
    _spy()
    cores = Cores.plan(os.sched_getaffinity(0))
    service = Service(directory, workers=1, fresh=True, settings=FILLED, tell=tell)
    with service, Rig(service, cores, SOURCES) as rig:
        pin(os.getpid(), cores.clients[0])
        rig.start()
        asyncio.run(fill(service, rig, replace(QUICK, accounts=_ACCOUNTS), tell))
        raw = service.home / "profile.raw"
        return [_profiled(rig, case, seconds, raw) for case in _cases()]


def main() -> None:
    """Profile; exits with 1 and one line when something did not do what it should."""
    parser = argparse.ArgumentParser(prog="python -m deploy.bench_profile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="of load for each path")
    parser.add_argument("--directory", type=Path, default=DATA / "bench", help="for all data")
    parser.add_argument("--output", type=Path, default=RESULTS / "profile.json")
    given = parser.parse_args()
    with telling() as (_, tell):
        profiles = [asdict(one) for one in _profile(given.directory, given.seconds, tell)]
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(profiles, indent=1) + "\n")
    print("\n".join(profile_lines(profiles)))


if __name__ == "__main__":
    main()
