"""What a bench secures a server with: certificates for both sides, and the settings that want them.

They are made for one run and prove nothing to anybody else.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from loadtests.bench_wire import Tls

__all__ = ["Secured", "secured"]

_SERVER: Final = "server.bench.example"
_CLIENT: Final = "bench"
_PERMISSIONS: Final = {_CLIENT: ["account.read", "card.read"]}
_VALID: Final = timedelta(days=1)


class Secured(NamedTuple):
    """A server's settings, and what a client needs to call it."""

    settings: Mapping[str, str]
    tls: Tls


def secured(directory: Path) -> Secured:
    """Mutual TLS and a table of permissions, with keys of their own in this directory."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    server, server_key = _self_signed(directory, _SERVER)
    client, client_key = _self_signed(directory, _CLIENT)
    settings = {
        "OPENCIF_PROFILE": "production",
        "OPENCIF_TLS_CERTIFICATE_FILE": str(server),
        "OPENCIF_TLS_KEY_FILE": str(server_key),
        "OPENCIF_TLS_CLIENT_CA_FILE": str(client),
        "OPENCIF_PERMISSIONS": json.dumps(_PERMISSIONS),
    }
    return Secured(settings, Tls(str(server), str(client), str(client_key), _SERVER))


def _self_signed(directory: Path, name: str) -> tuple[Path, Path]:
    """A certificate that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / f"{name}.pem", directory / f"{name}.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_file, key_file
