"""How soon a worker that has died is started again."""

from server.supervisor import BACKOFF_FIRST_S, BACKOFF_MAX_S, STEADY_S, next_backoff_s


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
