"""What commits on several nodes say of them: whether two were primaries at once, and could write.

Pure; the looks and commits are taken by fault_watch.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Commit", "Look", "two_primaries_s", "unfenced"]

_SEEN_FOR_S: Final = 0.5
"""How long what a node has said of itself stands for it."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that a node has acknowledged, on its timeline, and when (monotonic seconds)."""

    node: str
    timeline: int
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Look:
    """That a node said then whether it takes writes."""

    node: str
    at: float
    is_primary: bool


def unfenced(commits: Iterable[Commit]) -> list[Commit]:
    """Commits that began on an older timeline after a newer one had acknowledged one.

    Each of them is a write that a node took when it was no longer the primary.
    """
    first_ended: dict[int, float] = {}
    commits = list(commits)
    for commit in commits:
        ended = first_ended.get(commit.timeline, commit.ended)
        first_ended[commit.timeline] = min(ended, commit.ended)
    return [
        commit
        for commit in commits
        if any(
            timeline > commit.timeline and commit.began > ended
            for timeline, ended in first_ended.items()
        )
    ]


def two_primaries_s(looks: Sequence[Look]) -> float:
    """For how long at least two nodes said that they are primaries."""
    said: dict[str, Look] = {}
    total_s, before = 0.0, 0.0
    for look in sorted(looks, key=lambda look: look.at):
        standing = [
            one for one in said.values() if one.is_primary and look.at - one.at < _SEEN_FOR_S
        ]
        if len(standing) > 1:
            total_s += look.at - before
        said[look.node], before = look, look.at
    return total_s
