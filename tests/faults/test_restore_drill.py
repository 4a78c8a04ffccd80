"""A database that is restored to T: all of before T is there, nothing of after T is served."""

from collections.abc import Iterator

import pytest

from deploy.embedded import temporary_directory
from deploy.restore_drill import drill
from deploy.restore_rig import RestoreRig

pytestmark = pytest.mark.timeout(600)  # on a machine with other things to do


@pytest.fixture
def rig() -> Iterator[RestoreRig]:
    with temporary_directory() as directory, RestoreRig(directory) as made:
        yield made


def test_all_of_before_t_is_there_and_nothing_of_after_t(rig: RestoreRig):
    assert drill(rig) == []


def test_servers_that_do_not_learn_of_it_serve_the_lost_future(rig: RestoreRig):
    """The control: without another incarnation the cache would give out what is undone."""
    wrong = drill(rig, hides_timeline=True)
    assert [line for line in wrong if "from the lost future" in line]
    assert [line for line in wrong if "a new write is hidden" in line]
    assert [line for line in wrong if "a history begun after T goes on" in line]
