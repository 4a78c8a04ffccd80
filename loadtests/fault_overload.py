"""More calls than the service can carry: what it still answers, what it says of the rest.

First it finds how many callers that wait for their answers get the most of them; what these get is
the peak. Then it offers three times that, whatever becomes of it, and measures the peak again in
pauses: a machine that others use too is half as fast in one minute as in another, and the load is
to be three times what it carries, and to be held against that. It repeats nothing: what is shed is
counted, with the word on when to come again. With `--holds-back` its callers hold back what the
published client would, and know after a pause what they knew before.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from itertools import cycle, islice
from pathlib import Path
from statistics import fmean
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
_STRETCH_S: Final = 20.0
"""The load goes on for so long between two pauses."""
_CALM_S: Final = 6.0
"""After so long nobody waits because of it any more, and Envoy has forgotten it."""
_AFTER: Final = 6
"""So many measurements after the last overload; half of them tell what all comes back to."""
_WELL: Final = 0.8
"""With so much of that it is back."""
_IN_TIME_S: Final = 1.0
_CHANNELS: Final = 8
_APART: Final = [("grpc.use_local_subchannel_pool", 1)]
"""A connection each: calls beyond the streams that one may have wait in gRPC (1.85), and of those
that still do when the connection ends some are never ended."""
_WARM_S: Final = 1.0
_TURN_S: Final = 0.01
_HELD_BACK_S: Final = 0.2
_SHED: Final = frozenset(
    {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
)  # fmt: skip


class Calls:
    """The calls on some channels, all the same, each channel a caller."""

    def __init__(
        self, channels: Sequence[grpc.aio.Channel], request: bytes, *, holds_back: bool
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

    async def offer(self, rate_s: float, for_s: float) -> list[int]:
        """So many a second, whatever becomes of them; how many of each second are answered."""
        began, offered = time.monotonic(), 0
        self.good.clear()
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
        return [self.good[second] for second in range(int(for_s))]


class Overload:
    """An overload between measurements of the peak; both over the same channels."""

    def __init__(
        self, channels: Sequence[grpc.aio.Channel], request: bytes, *, holds_back: bool
    ) -> None:
        self._waiting = Calls(channels, request, holds_back=False)
        self._offered = Calls(channels, request, holds_back=holds_back)
        self._at_once = 0

    async def held(self, seconds: float) -> dict[str, Any]:
        """Overload for so long in all; what came of it. Rates are a second's."""
        await self._waiting.answered_s(max(_RAMP), _WARM_S)  # caches and connections
        ramp = {at_once: await self._waiting.answered_s(at_once, _PEAK_FOR_S) for at_once in _RAMP}
        self._at_once = max(ramp, key=lambda callers: ramp[callers])
        stretches = max(1, round(seconds / _STRETCH_S))
        peaks, cpu_s = [await self._peak_s()], 0.0
        offered: list[float] = []
        good: list[float] = []
        for _ in range(stretches):
            if offered:
                await asyncio.sleep(_CALM_S)
                peaks.append(await self._peak_s())
            offered.append(_TIMES * peaks[-1])
            before_s = time.process_time()
            good += await self._offered.offer(offered[-1], seconds / stretches)
            cpu_s += time.process_time() - before_s
        after_s, well_after_s = await self._after()
        return {
            "peak_s": round(fmean(peaks), 1),
            "offered_s": round(fmean(offered), 1),
            "good_s": round(fmean(good), 1),
            "after_s": round(after_s, 1),
            "well_after_s": round(well_after_s, 1),
            "own_cores": round(cpu_s / seconds, 2),
            "peaks": [round(peak) for peak in peaks],
            "good": good,
            "failed": dict(self._offered.failed),
            "shed_told_when": self._offered.shed_told_when,
            "shed_untold": self._offered.shed_untold,
        }

    async def _peak_s(self) -> float:
        return await self._waiting.answered_s(self._at_once, _PEAK_FOR_S)

    async def _after(self) -> tuple[float, float]:
        """What is answered a second once it is over, and in how many seconds from now it is."""
        began, ends, answered = time.monotonic(), [], []
        for _ in range(_AFTER):
            answered.append(await self._peak_s())
            ends.append(time.monotonic() - began)
        after_s = fmean(answered[_AFTER // 2 :])
        well = [end for end, rate in zip(ends, answered, strict=True) if rate >= _WELL * after_s]
        return after_s, well[0]


async def _measured(given: argparse.Namespace) -> dict[str, Any]:
    names = islice(cycle(given.cards.read_text().split()), _KEYS)
    request = LookupCardsRequest(keys=[CardKey(name=name) for name in names]).SerializeToString()
    async with AsyncExitStack() as opened:
        channels = [
            await opened.enter_async_context(grpc.aio.insecure_channel(given.address, _APART))
            for _ in range(_CHANNELS)
        ]
        return await Overload(channels, request, holds_back=given.holds_back).held(given.seconds)


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
