"""How soon a worker that has died is started again, and what when it cannot be."""

import asyncio
import signal

import pytest

from server.settings import Settings
from server.supervisor import BACKOFF_FIRST_S, BACKOFF_MAX_S, STEADY_S, Supervisor, next_backoff_s


def test_a_worker_that_dies_is_started_at_once_and_one_that_keeps_dying_later_each_time() -> None:
    waits, former = [], None
    for _ in range(8):
        former = next_backoff_s(former, lived_s=1.0)
        waits.append(former)
    assert waits[:3] == [0.0, BACKOFF_FIRST_S, 2 * BACKOFF_FIRST_S]
    assert waits == sorted(waits)
    assert waits[-1] == BACKOFF_MAX_S


def test_one_that_has_lived_is_started_at_once_again() -> None:
    assert next_backoff_s(BACKOFF_MAX_S, STEADY_S + 1) == 0.0
    assert next_backoff_s(BACKOFF_MAX_S, STEADY_S - 1) == BACKOFF_MAX_S


async def test_a_machine_that_has_no_room_for_a_process_ends_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that waits for ever for its workers would look as if it were starting."""

    async def no_room(*_: object, **__: object) -> None:
        raise BlockingIOError

    monkeypatch.setattr(asyncio, "create_subprocess_exec", no_room)
    settings = Settings(database_dsn="postgresql://", key_database_dsn="postgresql://", port=0)
    try:
        async with asyncio.timeout(20):
            assert await Supervisor(settings).run() == 1
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)
