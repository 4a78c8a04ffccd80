"""Every setting of the server, from the environment (OPENCIF_...); frozen once read.

Says what a profile demands; must not open, connect or read anything.
"""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["EVERYTHING", "Settings"]

EVERYTHING: Final = "*"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


def _expanded(path: Path) -> Path:
    return path.expanduser()


FilePath = Annotated[Path, AfterValidator(_expanded)]


class Settings(BaseSettings):
    """The settings; each field's description is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix="OPENCIF_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    profile: Literal["development", "production"] = Field(
        "development",
        description="production demands TLS, client certificates and a key of its own; "
        "development serves this machine only, to anybody on it",
    )
    database_dsn: SecretStr = Field(description="PostgreSQL primary, main database")
    replica_dsn: SecretStr | None = Field(None, description="replicas to read from, if any")
    key_database_dsn: SecretStr = Field(description="PostgreSQL, key database")
    cache_url: SecretStr | None = Field(
        None,
        description="Valkey, or its primary and replicas with commas; empty: no cache",
    )
    opened_max_bytes: int = Field(
        128 * 1024 * 1024, ge=0, description="a worker's own cache of opened records; 0 is none"
    )
    sampled_per_s: int = Field(
        100,
        ge=0,
        le=1000,
        description="cached entries a worker compares with the primary; 0 is none",
    )
    account_table_max_bytes: int = Field(
        160 * 1024 * 1024,
        ge=640,
        description="a worker's own table of accounts for clearing, 80 bytes a slot",
    )
    kek_file: FilePath | None = Field(
        None, description="file with the key-encryption key, 32 bytes as hex; else OPENCIF_KEK"
    )
    address: str = Field("127.0.0.1", description="address to serve on")
    port: Port = Field(7420, description="worker i serves on port + i; 0 means free ports")
    workers: int = Field(1, ge=1, le=256, description="worker processes, one a core")
    metrics_port: Port = Field(0, description="port of /metrics; 0 means a free one")
    lock_file: FilePath | None = Field(
        None, description="held while serving; by default in the temporary directory, by port"
    )
    tls_certificate_file: FilePath | None = Field(None, description="PEM chain of the server")
    tls_key_file: FilePath | None = Field(None, description="PEM key of the server")
    tls_client_ca_file: FilePath | None = Field(
        None, description="PEM of the CA that callers' certificates must come from"
    )
    permissions: dict[str, list[str]] = Field(
        default_factory=dict,
        description='JSON: a caller\'s certificate common name to its permissions; "*" means all',
    )
    database_connections: int = Field(10, ge=2, le=100, description="a worker's pool, each role")
    calls_max: int = Field(
        1000,
        ge=1,
        description="calls a worker runs at once; a batch counts once more for every 50 items",
    )
    caller_share: float = Field(
        0.5, gt=0, le=1, description="part of these that one caller may have while others call"
    )
    wait_max_s: Seconds = Field(
        0.25, gt=0, description="for calls to begin; while they wait longer they are turned away"
    )
    connection_wait_max_s: Seconds = Field(
        0.5, gt=0, description="for a connection when all are in use, writes four times as long"
    )
    primary_silent_s: Seconds = Field(
        3, gt=0, description="after which a primary is not asked until its heartbeat moves again"
    )
    streams_max: int = Field(1000, ge=1, description="calls a connection may have open")
    receive_max_bytes: int = Field(4 * 1024 * 1024, ge=1024, description="largest request")
    metadata_max_bytes: int = Field(8 * 1024, ge=1024, description="largest metadata")
    handshake_timeout_s: Seconds = Field(3, description="for a connection to be made")
    connection_idle_s: Seconds = Field(300, description="after which a silent connection closes")
    connection_age_s: Seconds = Field(600, description="after which a connection closes, +- 10 %")
    connection_grace_s: Seconds = Field(900, description="for its calls to end after that")
    unary_deadline_s: Seconds = Field(5, description="for unary calls that come without one")
    drain_wait_s: Seconds = Field(
        3, description="between telling health checks and refusing new calls"
    )
    drain_grace_s: Seconds = Field(15, description="for running calls to end while draining")
    max_stale_s: Seconds = Field(60, description="how long unproven answers are given at most")
    runs_kept_days: int = Field(
        365, ge=1, description="how long a resolved NACHA file is known again"
    )
    reflection: bool = Field(True, description="whether the server describes its contract")

    @model_validator(mode="after")
    def _holds_the_profile(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("OPENCIF_TLS_CERTIFICATE_FILE and OPENCIF_TLS_KEY_FILE go together")
        if self.tls_client_ca_file is not None and self.tls_key_file is None:
            raise ValueError("OPENCIF_TLS_CLIENT_CA_FILE needs OPENCIF_TLS_KEY_FILE")
        if self.port and self.port + self.workers > 65_536:
            raise ValueError("OPENCIF_PORT + OPENCIF_WORKERS goes beyond 65535")
        if self.profile == "development" and self.address not in _LOOPBACK:
            raise ValueError("OPENCIF_PROFILE development serves loopback addresses only")
        if self.profile == "production" and self.tls_client_ca_file is None:
            raise ValueError(
                "OPENCIF_PROFILE production needs OPENCIF_TLS_CERTIFICATE_FILE, "
                "OPENCIF_TLS_KEY_FILE and OPENCIF_TLS_CLIENT_CA_FILE"
            )
        return self

    @classmethod
    def from_environment(cls) -> Self:
        """Read them. Raises pydantic's ValidationError, which holds no values."""
        return cls()

    @property
    def is_development(self) -> bool:
        """Whether the profile is development."""
        return self.profile == "development"
