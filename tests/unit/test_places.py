"""Where the embedded stack keeps files, for an account that cannot go everywhere."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import places
from deploy.process import Account, DirectoryUnusable

STRANGER = Account("stranger", uid=54_321, gid=54_321)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    with places.temporary_directory() as directory:
        yield directory


@pytest.mark.parametrize(
    ("outer", "inner", "reachable"),
    [(0o711, 0o755, True), (0o700, 0o755, False), (0o755, 0o711, False), (0o755, 0o700, False)],
)
def test_reachable_needs_every_door_open(
    open_directory: Path, outer: int, inner: int, reachable: bool
) -> None:
    path = open_directory / "outer" / "inner"
    path.mkdir(parents=True)
    path.chmod(inner)
    path.parent.chmod(outer)
    assert places.is_reachable(path, STRANGER) is reachable
    assert places.is_reachable(path, None)


def test_directory_behind_a_closed_door_becomes_a_link(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "STAND_INS", open_directory / "stand-ins")
    closed = open_directory / "closed"
    closed.mkdir(mode=0o700)
    data = closed / ".opencif"
    data.mkdir()
    (data / "key").write_text("kept")
    settled = places.settle(data, STRANGER)
    assert places.is_reachable(settled, STRANGER)
    assert data.resolve() == settled
    assert (data / "key").read_text() == "kept"
    assert places.settle(data, STRANGER) == settled


def test_directory_within_reach_stays(open_directory: Path) -> None:
    assert places.settle(open_directory / "data", STRANGER) == open_directory / "data"
    assert not (open_directory / "data").is_symlink()


def test_programs_behind_a_closed_door_are_copied_in_their_places(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "COPIES", open_directory / "copies")
    closed = open_directory / "closed"
    for part in ("server/bin", "server.libs"):
        (closed / part).mkdir(parents=True)
        (closed / part / "file").write_text(part)
        (closed / part / "file").chmod(0o700)
    closed.chmod(0o700)
    copy = places.reachable_copy(closed, "server-1", ("server/bin", "server.libs"), STRANGER)
    assert places.is_reachable(copy / "server/bin", STRANGER)
    assert (copy / "server/bin/file").read_text() == "server/bin"
    assert (copy / "server.libs/file").stat().st_mode & 0o777 == 0o755
    assert places.reachable_copy(closed, "server-1", ("server/bin",), STRANGER) == copy
    assert places.reachable_copy(closed, "server-1", ("server/bin",), None) == closed


def test_temporary_directories_of_the_dead_are_swept_and_others_kept() -> None:
    with places.temporary_directory() as kept:
        dead = places.SHORT / "opencif-999999999-left"
        dead.mkdir(exist_ok=True)
        with places.temporary_directory():
            assert not dead.exists()
            assert kept.exists()
    assert not kept.exists()


def test_a_strangers_directory_is_refused(open_directory: Path) -> None:
    places.check_owner(open_directory, None)
    with pytest.raises(DirectoryUnusable, match="another user"):
        places.check_owner(open_directory, Account("other", os.geteuid() + 1, 0))
