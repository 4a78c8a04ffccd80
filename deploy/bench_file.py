"""`make file`: a NACHA file of millions of entries by `opencif resolve`, in bounded memory.

The bank is loaded once into a directory of its own and found there again by the next run; the
server is started anew, with nothing in any cache, and resolves the file twice. Client and server
are processes of their own, and what they took at most is the kernel's figure.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from deploy.bench import RESULTS, Teller, about, settle, telling
from deploy.bench_partner import RunFailed
from deploy.bench_rig import FILLED
from deploy.service import DATA, Service
from loadtests.bench_machine import Cores, descendants, peak_mib, pin
from loadtests.bench_quotes import file_lines
from loadtests.sample_bank import SampleBank
from loadtests.sample_large import LargeFile
from loadtests.sample_load import load
from loadtests.sample_plain import PlainBank
from loadtests.sample_plain_load import load_plain
from opencif.client import Client

__all__ = ["Pass", "main"]


class Extent(NamedTuple):
    """How much there is: entries of the file, and accounts, the ordinary ones and the plain."""

    entries: int
    bank: int
    plain: int


FULL: Final = Extent(5_000_000, 5_000, 1_050_000)
QUICK: Final = Extent(2_000, 500, 200)
_PASSES: Final = ("cold", "warm")
_LOADED: Final = "bench-bank-is-loaded"
_TIMEOUT_S: Final = 3_600.0
_LOOK_EVERY_S: Final = 0.1
_OUTPUTS: Final = ("return-file", "noc-file")
_DISPOSITIONS: Final = {"posted": "POST", "review": "REVIEW", "not_ours": "NOT_OURS"}
_CODED: Final = ("returns", "nocs")


@dataclass(frozen=True, slots=True)
class Pass:
    """One file resolved: how long it took, where the time went, what each side took of memory."""

    name: str
    entries: int
    elapsed_s: float
    stages_s: Mapping[str, Mapping[str, float]]
    client_mib: float
    worker_mib: float
    written_bytes: Mapping[str, int]


def _loaded(directory: Path, extent: Extent, tell: Teller) -> None:
    """Have the bank in the directory."""
    mark = directory / _LOADED
    if mark.exists() and mark.read_text() == str(extent):
        return
    directory.mkdir(parents=True, exist_ok=True)
    with Service(directory, workers=os.cpu_count() or 1, fresh=True, tell=tell) as service:
        asyncio.run(_load(service, extent, tell))
    mark.write_text(str(extent))


async def _load(service: Service, extent: Extent, tell: Teller) -> None:
    async with Client(service.addresses, timeout_s=_TIMEOUT_S) as client:
        await load(client, SampleBank(extent.bank), lambda step: tell(f"loading {step}"))
        tell(f"loading {extent.plain:,} plain accounts")
        await load_plain(client, PlainBank(), extent.plain)
    await settle(service)


def _resolved(name: str, service: Service, file: LargeFile, path: Path) -> Pass:
    """One pass, held to what the file earns. Raises: RunFailed."""
    written = {output: path.with_name(f"{name}-{output}") for output in _OUTPUTS}
    worker, cores = descendants(service.server.pid)[-1], Cores.plan(os.sched_getaffinity(0))
    command = [
        Path(sys.executable).with_name("opencif"), "--json", "--address", service.addresses[0],
        "--timeout", str(int(_TIMEOUT_S)), "resolve", path, "--close-match-noc",
        *(word for output, to in written.items() for word in (f"--{output}", to)),
    ]  # fmt: skip
    answer, client_mib = path.with_name(f"{name}.json"), 0.0
    with answer.open("wb") as told, subprocess.Popen(command, stdout=told) as client:
        pin(client.pid, cores.clients[0])
        while client.poll() is None:
            client_mib = max(client_mib, peak_mib(client.pid))
            time.sleep(_LOOK_EVERY_S)
    (*_, last) = map(json.loads, answer.read_text().splitlines() or ["{}"])
    if "summary" not in last:  # the exit code 1 says no more than that there are findings
        raise RunFailed(f"opencif resolve, {name}: exit {client.returncode}")
    summary = last["summary"]
    earned = _earned(summary)
    if earned != +file.earned:
        raise RunFailed(f"{name}: earned {earned - file.earned} instead of {file.earned - earned}")
    return Pass(
        name,
        int(summary["entries"]),
        last["elapsed_s"],
        last["stages_s"],
        client_mib,
        peak_mib(worker),
        {output: to.stat().st_size for output, to in written.items()},
    )


def _earned(summary: Mapping[str, Any]) -> Counter[str]:
    """What a summary says entries came to, in the words of what is planted."""
    counts = Counter({word: int(summary.get(key, 0)) for key, word in _DISPOSITIONS.items()})
    for key in _CODED:
        counts.update({one["code"]: int(one["entries"]) for one in summary.get(key, ())})
    return +counts


def _measure(directory: Path, extent: Extent, tell: Teller) -> dict[str, Any]:
    _loaded(directory, extent, tell)
    bank, path = SampleBank(extent.bank), directory / "file.ach"
    file = LargeFile(bank, extent.entries, plain_accounts=extent.plain)
    tell(f"writing {extent.entries:,} entries")
    file.write(path)
    cores = Cores.plan(os.sched_getaffinity(0))
    with Service(directory, workers=1, settings=FILLED, tell=tell) as service:
        worker = descendants(service.server.pid)[-1]
        pin(service.server.pid, cores.server)
        before_mib = peak_mib(worker)
        passes = []
        for name in _PASSES:
            tell(f"resolving {path.stat().st_size:,} bytes, {name}")
            passes.append(_resolved(name, service, file, path))
        return {
            "facts": about(service, cores),
            "bytes": path.stat().st_size,
            "plain_accounts": extent.plain,
            "worker_before_mib": before_mib,
            "passes": [asdict(one) for one in passes],
        }


def main() -> None:
    """Measure; exits with 1 and one line when something is not as planted."""
    parser = argparse.ArgumentParser(prog="python -m deploy.bench_file", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small file, and a small bank")
    parser.add_argument("--directory", type=Path, default=DATA / "file", help="for all data")
    parser.add_argument("--output", type=Path, help="for the results")
    given = parser.parse_args()
    output = given.output or (given.directory / "results" if given.quick else RESULTS)
    with telling() as (_, tell):
        found = _measure(given.directory, QUICK if given.quick else FULL, tell)
    output.mkdir(parents=True, exist_ok=True)
    (output / "file.json").write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(file_lines(found)))


if __name__ == "__main__":
    main()
