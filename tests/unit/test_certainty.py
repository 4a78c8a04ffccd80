"""What the end of a statement without an answer means, after a COMMIT that was answered."""

import asyncpg
import pytest

from repository.certainty import NO_ANSWER
from repository.database import Position
from repository.window import NO_LIFE
from repository.writing import position_of


class Mute:
    """A connection on which one statement too many is asked."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def fetchval(self, *_: object, **__: object) -> object:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.InterfaceError("the connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state 0"),
        asyncpg.AdminShutdownError("terminating connection"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_committed_has_a_position_though_nobody_can_tell_which(error: Exception):
    assert isinstance(error, NO_ANSWER)
    told = await position_of(Mute(error), xid=7)  # type: ignore[arg-type]  # as far as is asked
    assert told == Position(NO_LIFE, 7)
