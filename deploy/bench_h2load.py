"""The same two unary calls under h2load, which is not ours: a check of the bench's own client.

h2load repeats one request, and is there only if its Debian package is.
"""

import re
import shutil
import subprocess
from typing import Final

from deploy.bench_partner import RunFailed
from deploy.bench_rig import UnaryCall

__all__ = ["PACKAGE", "calls_per_second", "is_there"]

PACKAGE: Final = "nghttp2-client"
_SECONDS: Final = 2
_RATE: Final = re.compile(r"([\d.]+) req/s")
_GOOD: Final = re.compile(r"status codes: (\d+) 2xx")


def is_there() -> bool:
    """Whether h2load can be run."""
    return shutil.which("h2load") is not None and shutil.which("taskset") is not None


def calls_per_second(call: UnaryCall, core: int) -> float:
    """Calls answered a second, by a client on this core. Raises: RunFailed."""
    command = [
        "taskset", "-c", str(core), "h2load", f"--duration={_SECONDS}", "--warm-up-time=1",
        "--clients=1", f"--max-concurrent-streams={call.in_flight}", f"--data={call.message}",
        "--header=te: trailers", "--header=content-type: application/grpc",
        f"http://{call.address}{call.method}",
    ]  # fmt: skip
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    rate, good = _RATE.search(printed), _GOOD.search(printed)
    if rate is None or good is None or not int(good[1]):
        raise RunFailed("h2load told no rate")
    return float(rate[1])
