"""More calls than the service can carry: what it still answers, what it says of the rest.

First it finds the most that the service answers, asked by more and more callers that wait for their
answers; then it offers three times that, whatever becomes of it; then it asks as before. It repeats
nothing: what is shed is counted, with the word on when to come again. With `--holds-back` its
callers hold back what the published client would.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

import grpc

from opencif.errors import error_from
from opencif.restraint import Restraint
from opencif.v1.lookup_pb2 import CardKey, LookupCardsRequest

__all__ = ["main"]

_METHOD: Final = "/opencif.v1.LookupService/LookupCards"
_KEYS: Final = 1_000
"""A whole batch: this program runs on the same cores, and what it costs is to be a small part."""
_RAMP: Final = (4, 8, 16, 32)
_IN_FLIGHT_MAX: Final = 2_000
_PEAK_FOR_S: Final = 2.0
_TIMES: Final = 3
_IN_TIME_S: Final = 1.0
_CHANNELS: Final = 8
_APART: Final = [("grpc.use_local_subchannel_pool", 1)]
"""A connection each: calls beyond the streams that one may have wait in gRPC (1.85), and of those
that still do when the connection ends some are never ended."""
_WARM_S: Final = 1.0
_FORGOTTEN_S: Final = 13.0
"""What Envoy, workers and callers that hold back know of an overload is forgotten by then."""
_TURN_S: Final = 0.01
_HELD_BACK_S: Final = 0.2
_SHED: Final = frozenset(
    {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
)  # fmt: skip


class Overload:
    """The calls on some channels, all the same, each channel a caller."""

    def __init__(
        self, channels: Iterable[grpc.aio.Channel], request: bytes, *, holds_back: bool
    ) -> None:
        self._callers: Iterator[tuple[Any, Restraint | None]] = cycle(
            [
                (channel.unary_unary(_METHOD), Restraint() if holds_back else None)
                for channel in channels
            ]
        )
        self._request = request
        self._running: set[asyncio.Task[float]] = set()
        self.good: Counter[int] = Counter()
        self.failed: Counter[str] = Counter()
        self.shed_told_when = 0
        self.shed_untold = 0

    async def once(self, second: int) -> float:
        """One call; what it came to counts for this second. When to come again, 0 for at once."""
        call, restraint = next(self._callers)
        if restraint is not None and not restraint.lets_go():
            self.failed["held back"] += 1
            return _HELD_BACK_S
        try:
            await call(self._request, timeout=_IN_TIME_S)
        except grpc.aio.AioRpcError as failure:
            error = error_from(failure, _METHOD)
            if restraint is not None and error.tells_of_an_overload:
                restraint.refused()
            self.failed[failure.code().name] += 1
            if failure.code() in _SHED:
                self.shed_told_when += error.retry_after_s is not None
                self.shed_untold += error.retry_after_s is None
            return error.retry_after_s or 0.0
        if restraint is not None:
            restraint.taken()
        self.good[second] += 1
        return 0.0

    async def answered_s(self, at_once: int, for_s: float) -> float:
        """How many a second are answered to so many callers, each of whom waits for its answer."""
        before, began = self.good.total(), time.monotonic()

        async def ask() -> None:
            while time.monotonic() - began < for_s:  # noqa: ASYNC110  the time is what ends it
                await asyncio.sleep(await self.once(-1))

        await asyncio.gather(*(ask() for _ in range(at_once)))
        return (self.good.total() - before) / (time.monotonic() - began)

    async def offer(self, rate_s: float, for_s: float) -> float:
        """So many a second, whatever becomes of them; how many it came to."""
        began, offered = time.monotonic(), 0
        while (gone_s := time.monotonic() - began) < for_s:
            while offered < gone_s * rate_s:
                offered += 1
                if len(self._running) >= _IN_FLIGHT_MAX:
                    self.failed["not sent"] += 1
                    continue
                task = asyncio.ensure_future(self.once(int(gone_s)))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            await asyncio.sleep(_TURN_S)
        await asyncio.gather(*self._running)
        return offered / for_s


async def _measured(given: argparse.Namespace) -> dict[str, Any]:
    names = islice(cycle(given.cards.read_text().split()), _KEYS)
    request = LookupCardsRequest(keys=[CardKey(name=name) for name in names])
    async with AsyncExitStack() as opened:
        channels = [
            await opened.enter_async_context(grpc.aio.insecure_channel(given.address, _APART))
            for _ in range(_CHANNELS)
        ]
        overload = Overload(channels, request.SerializeToString(), holds_back=given.holds_back)
        await overload.answered_s(max(_RAMP), _WARM_S)  # caches and connections
        ramp = {at_once: await overload.answered_s(at_once, _PEAK_FOR_S) for at_once in _RAMP}
        peak_s = max(ramp.values())
        overload.failed.clear()
        overload.shed_told_when = overload.shed_untold = 0
        cpu_s = time.process_time()
        offered_s = await overload.offer(_TIMES * peak_s, given.seconds)
        cpu_s = time.process_time() - cpu_s
        failed = dict(overload.failed)
        await asyncio.sleep(_FORGOTTEN_S)
        at_once = max(ramp, key=lambda callers: ramp[callers])
        after_s = await overload.answered_s(at_once, _PEAK_FOR_S)
    return {
        "peak_s": round(peak_s, 1),
        "peak_at_once": at_once,
        "offered_s": round(offered_s, 1),
        "own_cores": round(cpu_s / given.seconds, 2),
        "good": [overload.good[second] for second in range(int(given.seconds))],
        "failed": failed,
        "shed_told_when": overload.shed_told_when,
        "shed_untold": overload.shed_untold,
        "after_s": round(after_s, 1),
    }


def main() -> None:
    """Measure, overload, measure again; print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.fault_overload", description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--cards", type=Path, required=True, help="a file with names of cards")
    parser.add_argument(
        "--holds-back", action="store_true", help="as the published client, for each connection"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of overload")
    print(json.dumps(asyncio.run(_measured(parser.parse_args()))))


if __name__ == "__main__":
    main()
