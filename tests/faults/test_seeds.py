"""Seeds find nothing in the service as it is, and soon find what is taken out of it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import chain
from typing import Any
from unittest import mock

import pytest

from deploy.places import temporary_directory
from deploy.seed_rig import Outcome, rig_in
from repository import certainty
from repository.reading import Reader
from repository.window import Window
from repository.work import Work
from server.opened import OpenedRecords

SEEDS = range(1, 101)
SEARCHED = range(1, 201)

Run = Callable[[int], Outcome]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with temporary_directory() as directory, rig_in(directory) as run:
        yield run


def idempotency_ignored() -> AbstractContextManager[Any]:
    """No request is known to have come before."""
    return mock.patch.object(Work, "claim", mock.AsyncMock(return_value=None))


def open_questions_unasked() -> AbstractContextManager[Any]:
    """A connection lost during COMMIT is told as a failure, not as unknown."""
    return mock.patch.object(certainty, "OPEN_QUESTIONS", ())


def versions_unchecked() -> AbstractContextManager[Any]:
    """No entry of the cache is ever too old by version."""
    return mock.patch.object(Window, "newest", return_value={})


def polls_unheeded() -> AbstractContextManager[Any]:
    """The worker's own cache is not told what has changed."""
    return mock.patch.object(OpenedRecords, "_changed")


def tokens_unheeded() -> AbstractContextManager[Any]:
    """What a token asks for is taken to be known."""
    return mock.patch.object(Reader, "_reached", return_value=True)


CONTROLS = [
    (idempotency_ignored, "carried out twice", 2),
    (open_questions_unasked, "was refused", 21),
    (versions_unchecked, "was owed", 3),
    (polls_unheeded, "was owed", 1),
    (tokens_unheeded, "was owed", 117),
]
"""What is taken out, what tells of it, and the first seed that did when this was written."""


@pytest.mark.timeout(600)
def test_no_seed_breaks_a_promise(run: Run) -> None:
    outcomes = [run(seed) for seed in SEEDS]
    assert {one.seed: one.broken for one in outcomes if one.broken} == {}
    assert sum(one.faults.total() for one in outcomes) > len(SEEDS)


def test_a_seed_is_the_same_whenever_it_is_run(run: Run) -> None:
    seeds = [*SEEDS[:6], *reversed(SEEDS[:6])]
    traces = [(seed, run(seed).trace) for seed in seeds]
    assert len(set(traces)) == 6


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("taken_out", "found", "first"), CONTROLS)
def test_what_is_taken_out_is_found(
    run: Run, taken_out: Callable[[], AbstractContextManager[Any]], found: str, first: int
) -> None:
    with taken_out():
        seeds = chain([first], SEARCHED)
        assert any(found in told for seed in seeds for told in run(seed).broken)
