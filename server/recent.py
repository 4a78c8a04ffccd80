"""A bounded map that keeps what was asked for lately. Knows nothing of what it keeps."""

from typing import Generic, TypeVar

__all__ = ["Recent"]

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `size_max` values: when the newer half is full, the older half is dropped.

    What is asked for in the older half moves to the newer one, so every step is constant in time.
    """

    __slots__ = ("_half", "_newer", "_older")

    def __init__(self, size_max: int) -> None:
        self._half = size_max // 2
        self._newer: dict[K, V] = {}
        self._older: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def get(self, key: K) -> V | None:
        """The value of a key, if it is still known."""
        value = self._newer.get(key)
        if value is None and (value := self._older.pop(key, None)) is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value, in place of the one before."""
        if len(self._newer) >= self._half:
            self._older, self._newer = self._newer, {}
        self._newer[key] = value
