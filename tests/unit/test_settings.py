"""What a profile demands, and that no fault shows a value."""

import pytest
from pydantic import ValidationError

from server.settings import Settings

NEEDED = {
    "OPENCIF_DATABASE_DSN": "postgresql://u:secret-1@h/main",
    "OPENCIF_KEY_DATABASE_DSN": "postgresql://u:secret-2@h/keys",
    "OPENCIF_KEK_FILE": "/run/kek",
}
TLS = {
    "OPENCIF_TLS_CERTIFICATE_FILE": "/run/tls.crt",
    "OPENCIF_TLS_KEY_FILE": "/run/tls.key",
    "OPENCIF_TLS_CLIENT_CA_FILE": "/run/ca.crt",
}


def read(monkeypatch: pytest.MonkeyPatch, **given: str) -> Settings:
    for name, value in {**NEEDED, **given}.items():
        monkeypatch.setenv(name, value)
    return Settings.from_environment()


def test_development_serves_loopback_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, OPENCIF_CACHE_URL="")
    assert settings.is_development
    assert (settings.address, settings.port, settings.workers) == ("127.0.0.1", 7420, 1)
    assert settings.cache_url is None
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"OPENCIF_ADDRESS": "0.0.0.0"}, "loopback"),
        ({"OPENCIF_PROFILE": "production"}, "OPENCIF_TLS_CLIENT_CA_FILE"),
        ({"OPENCIF_TLS_KEY_FILE": "/run/tls.key"}, "go together"),
        ({"OPENCIF_TLS_CLIENT_CA_FILE": "/run/ca.crt"}, "needs OPENCIF_TLS_KEY_FILE"),
        ({"OPENCIF_PORT": "65535", "OPENCIF_WORKERS": "2"}, "beyond 65535"),
        ({"OPENCIF_PORT": "99999999"}, "less than or equal"),
        ({"OPENCIF_WORKERS": "0"}, "greater than or equal"),
    ],
)
def test_what_cannot_be_is_refused_without_a_value(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], words: str
) -> None:
    with pytest.raises(ValidationError, match=words) as raised:
        read(monkeypatch, **given)
    assert "secret" not in str(raised.value)
    assert "99999999" not in str(raised.value)


def test_production_has_callers_with_permissions(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        **TLS,
        OPENCIF_PROFILE="production",
        OPENCIF_ADDRESS="0.0.0.0",
        OPENCIF_PERMISSIONS='{"ach": ["account.read"], "root": ["*"]}',
    )
    assert not settings.is_development
    assert settings.permissions == {"ach": ["account.read"], "root": ["*"]}
