"""A NACHA file through the published client, as a process of its own, measured from end to end.

It is told which by lines of JSON on its standard input and answers with one line each.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from loadtests.bench_machine import CpuWatch
from loadtests.sample_file import POLICY
from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1.ach_pb2 import RESULT_DETAIL_EXCEPTIONS, ResolveAchFileOptions

_PIECE_BYTES: Final = 1 << 18
_TIMEOUT_S: Final = 600.0


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


async def resolve(job: Mapping[str, Any]) -> dict[str, Any]:
    """One run: what does not simply post comes back, with the return file and the NOC file.

    Raises: OpencifError, OSError.
    """
    options = ResolveAchFileOptions(policy=POLICY, detail=RESULT_DETAIL_EXCEPTIONS)
    watch, entries = CpuWatch(job["watch"], job["core"]), 0
    async with Client(job["address"], timeout_s=_TIMEOUT_S) as client:
        own, began, used = time.process_time(), time.perf_counter(), watch.seconds()
        async for part in client.resolve_file(_pieces(Path(job["file"])), options=options):
            entries += part.summary.entries
        own, took = time.process_time() - own, time.perf_counter() - began
        spent = watch.seconds()
    cpu_s = {role: spent[role] - used[role] for role in used} | {"client": own}
    return {"entries": entries, "seconds": took, "cpu_s": cpu_s}


def main() -> None:
    """Do one job after the other until the input ends."""
    for line in sys.stdin:
        try:
            answer = asyncio.run(resolve(json.loads(line)))
        except (OpencifError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
