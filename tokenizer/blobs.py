"""Bytes side by side in one, cut apart. Must not know what they mean."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Blobs", "Octets", "Sizes", "split"]

Octets: TypeAlias = npt.NDArray[np.uint8]
Sizes: TypeAlias = npt.NDArray[np.intp]

_FEW_MAX = 12  # pieces that an array would cost more than


class Blobs(NamedTuple):
    """Blobs in any order, gaps and overlaps allowed; what they hold is not shown."""

    joined: bytes
    places: Sizes
    """Where in it they begin, in bytes, [n]."""
    sizes: Sizes
    """How long they are, in bytes, [n]."""

    def __repr__(self) -> str:
        return f"Blobs({len(self.sizes)} hidden)"

    def each(self) -> list[bytes]:
        """All of them, by themselves."""
        return self.after(0)

    def fronts(self, size: int) -> Octets:
        """The first `size` bytes of each, [n, size].

        ValueError: one is shorter, or not where it is said to be.
        """
        if (self.sizes < size).any() or (self.places < 0).any():
            raise ValueError("shorter than its front")
        if (self.places > len(self.joined) - self.sizes).any():
            raise ValueError("beyond what there is")
        anywhere = np.ndarray(
            (max(0, len(self.joined) - size + 1),), np.dtype((np.void, size)), self.joined,
            strides=(1,),
        )  # fmt: skip
        return anywhere[self.places].view(np.uint8).reshape(-1, size)

    def after(self, size: int) -> list[bytes]:
        """What comes after the first `size` bytes of each."""
        joined = self.joined
        begins, ends = self.places + size, self.places + self.sizes
        cuts = zip(begins.tolist(), ends.tolist(), strict=True)
        return [joined[begin:end] for begin, end in cuts]


def split(joined: bytes, size: int) -> list[bytes]:
    """Return `joined` cut into pieces of `size` bytes, of which it is to be a multiple."""
    if len(joined) <= _FEW_MAX * size:
        return [joined[at : at + size] for at in range(0, len(joined), size)]
    pieces: list[bytes] = np.frombuffer(joined, np.dtype((np.void, size))).tolist()
    return pieces
