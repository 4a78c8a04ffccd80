"""Cache URLs are read as redis-py reads them, and what they hide stays hidden."""

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from repository.server_address import BadAddress, Place, ServerAddress

URLS = [
    "redis://",
    "redis://localhost",
    "redis://cache.example:6380/2",
    "redis://:secret@cache.example",
    "redis://me:s%40cret%2F@cache.example:7000/0",
    "redis://cache.example?db=4",
    "redis://cache.example?username=me&password=p%20w",
    "redis://[::1]:6390/1",
    "unix:///run/valkey.sock",
    "unix://:secret@/run/valkey.sock?db=3",
    "unix://me:pw@/run/val%20key.sock",
    "rediss://cache.example:6390",
]


@pytest.mark.parametrize("url", URLS)
def test_a_url_says_what_it_says_to_redis_py(url: str) -> None:
    expected = redis.ConnectionPool.from_url(url).connection_kwargs
    address = ServerAddress.parse(url)
    place = Place(expected.get("path") or expected.get("host", "localhost"), 0)
    if "path" not in expected:
        place = Place(place.host, int(expected.get("port", 6379)))
    assert address.place == place
    assert address.username == (expected.get("username") or "")
    assert address.password == (expected.get("password") or "")
    assert address.database == int(expected.get("db") or 0)
    assert (address.tls is not None) == url.startswith("rediss")


def test_a_primary_and_its_replicas_are_tried_in_turn() -> None:
    address = ServerAddress.parse("redis://:pw@one.example:1,two.example,three.example:3/2")
    tried = [address, address.next(), address.next().next(), address.next().next().next()]
    assert [at.place for at in tried] == [
        ("one.example", 1), ("two.example", 6379), ("three.example", 3), ("one.example", 1),
    ]  # fmt: skip
    assert {(at.password, at.database) for at in tried} == {("pw", 2)}
    assert address.is_met_by({b"role": b"master"})
    assert not address.is_met_by({b"role": b"replica"})
    alone = ServerAddress.parse("redis://one.example")
    assert alone.next() == alone
    assert alone.is_met_by({b"role": b"replica"}), "a single host is taken as it is"


@given(username=st.text(min_size=1), password=st.text(min_size=1), database=st.integers(0, 10**6))
def test_any_name_and_password_comes_through(username: str, password: str, database: int) -> None:
    url = f"redis://{quoted(username)}:{quoted(password)}@host:1/{database}"
    address = ServerAddress.parse(url)
    assert (address.username, address.password, address.database) == (username, password, database)


def quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


@pytest.mark.parametrize(
    ("url", "fact"),
    [
        ("http://cache.example", "begins with"),
        ("cache.example:6379", "begins with"),
        ("", "begins with"),
        ("unix://", "path of a socket"),
        ("redis://cache.example:0", "port"),
        ("redis://cache.example:99999", "port"),
        ("redis://cache.example:abc", "port"),
        ("redis://cache.example/first", "database"),
        ("redis://cache.example?db=-1", "database"),
        ("redis://cache.example?socket_timeout=3", "no option socket_timeout"),
        ("redis://cache.example?ssl_cert_reqs=none", "no option ssl_cert_reqs"),
        ("rediss://cache.example?ssl_cert_reqs=maybe", "ssl_cert_reqs"),
        ("rediss://cache.example?ssl_check_hostname=perhaps", "ssl_check_hostname"),
    ],
)
def test_a_url_that_names_no_server_says_why(url: str, fact: str) -> None:
    with pytest.raises(BadAddress, match=fact):
        ServerAddress.parse(url)


def test_a_refusal_and_an_address_hide_the_password() -> None:
    with pytest.raises(BadAddress) as refused:
        ServerAddress.parse("redis://:secret@cache.example:port")
    assert "secret" not in str(refused.value)
    assert "secret" not in repr(ServerAddress.parse("redis://:secret@cache.example"))


def test_a_greeting_says_who_and_where() -> None:
    plain = ServerAddress.parse("redis://cache.example").greeting()
    assert plain == [("HELLO", "3", "SETNAME", "opencif")]
    full = ServerAddress.parse("redis://me:pw@cache.example/5?client_name=one").greeting()
    assert full == [("HELLO", "3", "AUTH", "me", "pw", "SETNAME", "one"), ("SELECT", "5")]
    unnamed = ServerAddress.parse("redis://:pw@cache.example").greeting()
    assert unnamed[0][2:5] == ("AUTH", "default", "pw")


def test_tls_checks_certificate_and_name_unless_told_otherwise() -> None:
    checked = ServerAddress.parse("rediss://cache.example").tls
    assert checked is not None
    assert checked.check_hostname
    assert checked.verify_mode.name == "CERT_REQUIRED"
    nameless = ServerAddress.parse("rediss://cache.example?ssl_check_hostname=false").tls
    assert nameless is not None
    assert (nameless.check_hostname, nameless.verify_mode.name) == (False, "CERT_REQUIRED")
    trusting = ServerAddress.parse("rediss://cache.example?ssl_cert_reqs=none").tls
    assert trusting is not None
    assert (trusting.check_hostname, trusting.verify_mode.name) == (False, "CERT_NONE")


def test_another_server_of_a_cluster_lets_the_same_caller_in() -> None:
    first = ServerAddress.parse("rediss://me:pw@cache.example")
    other = first.at(Place("other.example", 7001))
    assert other.place == ("other.example", 7001)
    assert other.greeting() == first.greeting()
    assert other.tls is first.tls
