"""Every link of a cluster, each through a proxy that can be made to fail.

The proxies run in a thread with an event loop of its own; which link fails when is the scenario's
business.
"""

from fnmatch import fnmatchcase
from types import TracebackType
from typing import Self

from deploy.fault_loop import LoopThread
from deploy.fault_proxy import HEALTHY, Fault, FaultProxy
from deploy.ports import Address

__all__ = ["Links"]


class Links:
    """The links by who uses them and where they lead; `route` is a cluster's. Use as a context."""

    def __init__(self) -> None:
        self._loop = LoopThread()
        self._proxies: dict[tuple[str, str], FaultProxy] = {}

    def route(self, of: str, to: str, address: Address) -> Address:
        """Where `of` finds `to`, which listens at `address` now: the same place every time."""
        proxy = self._proxies.get((of, to))
        if proxy is None:
            proxy = self._proxies[of, to] = FaultProxy(address)
            self._loop.run(proxy.start())
        proxy.target = address
        return Address(*proxy.address)

    def put(self, fault: Fault, *, of: str = "*", to: str = "*") -> int:
        """Put a fault on the links between these, given as shell patterns; how many those are."""
        found = [
            proxy
            for (user, target), proxy in self._proxies.items()
            if fnmatchcase(user, of) and fnmatchcase(target, to)
        ]
        for proxy in found:
            self._loop.run(proxy.put(fault))
        return len(found)

    def heal(self) -> None:
        """Take all faults away."""
        self.put(HEALTHY)

    def close(self) -> None:
        """Cut everything."""
        for proxy in self._proxies.values():
            self._loop.run(proxy.stop())
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
