"""Which of a client's addresses is asked, and how addresses are written."""

import pytest

from opencif.channel import Endpoint, Endpoints, parse_addresses


async def test_calls_that_fail_together_leave_an_address_out_no_longer_than_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that restarts under load fails many at once, and is back within a second."""
    clock = [1_000.0]
    monkeypatch.setattr("opencif.channel.time.monotonic", lambda: clock[0])
    endpoint = Endpoint("127.0.0.1:1", None)
    lengths = list[float]()
    for _ in range(8):
        for _caller in range(50):
            endpoint.failed()
        lengths.append(endpoint.skipped_until - clock[0])
        clock[0] = endpoint.skipped_until
    await endpoint.channel.close()
    assert lengths == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


async def test_when_all_are_left_out_each_is_asked_in_its_turn() -> None:
    """Servers restart one after the other: the first is back before its time is up."""
    endpoints = Endpoints(["127.0.0.1:1", "127.0.0.1:2"], None)
    first, second = endpoints
    second.failed()
    first.skipped_until = second.skipped_until + 60.0
    assert {endpoints.next("unary_unary") for _ in range(2)} == {first, second}
    first.answered()
    assert [endpoints.next("unary_unary") for _ in range(3)] == [first] * 3
    await endpoints.close()


def test_addresses() -> None:
    assert parse_addresses("a:1-3, [::1]:5") == ("a:1", "a:2", "a:3", "[::1]:5")
    assert parse_addresses(["a:1", "b:2,a:1"]) == ("a:1", "b:2")


@pytest.mark.parametrize(
    "text", ["", "host", "host:", "host:0", "host:9-8", "host:1-999", "h:70000"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no"):
        parse_addresses(text)
