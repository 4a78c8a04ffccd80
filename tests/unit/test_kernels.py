"""The counts of instructions: what they are held to, and that each kernel does its work."""

import shutil

import pytest

from deploy import kernels
from deploy.kernel_work import ITEMS, KERNELS, fingerprint
from deploy.kernel_work import kernels as made
from deploy.kernels import Figures, Missing, count, verdict

HERE = {"python": "3.11", "numpy": "2.4"}


def figures(ids: float, **other: str) -> Figures:
    return Figures({"ids": ids, "FF1": 100.0}, HERE | other)


@pytest.mark.parametrize(("now", "passes"), [(90.0, True), (105.0, True), (105.1, False)])
def test_a_kernel_may_grow_by_a_twentieth(now: float, *, passes: bool) -> None:
    lines, passed = verdict(figures(now), figures(100.0))
    assert passed is passes
    assert lines[0] == f"ids: {now:,.0f} instructions each, {now - 100:+.1f}% of 100"
    assert ("more than 5% was added" in lines[-1]) is not passes


@pytest.mark.parametrize("changed", [{"numpy": "2.5"}, {"libc": "2.41"}])
def test_on_something_else_it_is_told_and_not_enforced(changed: dict[str, str]) -> None:
    lines, passed = verdict(figures(1_000.0, **changed), figures(100.0))
    assert passed
    assert "+900.0%" in lines[0]
    assert any(next(iter(changed)) in line for line in lines)
    assert "not enforced" in lines[-1]


def test_nothing_stored_and_new_kernels_pass() -> None:
    lines, passed = verdict(figures(7.0), None)
    assert passed
    assert lines[0] == "ids: 7 instructions each, not stored"
    lines, passed = verdict(figures(7.0), Figures({"FF1": 100.0}, HERE))
    assert passed
    assert lines[0] == "ids: 7 instructions each, not stored"


def test_what_is_stored_is_of_the_kernels_that_are() -> None:
    stored = kernels.stored()
    assert stored is not None
    assert tuple(stored.instructions) == KERNELS
    assert stored.fingerprint.keys() == fingerprint().keys() | {"valgrind"}


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda command: None)
    with pytest.raises(Missing, match="apt-get install valgrind"):
        count()


def test_each_kernel_does_its_work() -> None:
    for name, turn in made().items():
        assert turn() == ITEMS, name
        assert turn() == ITEMS, name
