"""The client over TLS, with and without a certificate of its own."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opencif.channel import TlsOptions
from opencif.client import Client
from opencif.errors import Unavailable
from opencif.v1 import card_pb2, card_pb2_grpc

SERVER_NAME = "opencif.example"


class Pair(NamedTuple):
    certificate: Path
    key: Path


def self_signed(directory: Path, name: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pair = Pair(directory / f"{name}.pem", directory / f"{name}.key")
    pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pair


class Cards(card_pb2_grpc.CardServiceServicer):
    async def GetCard(self, request, context):
        return card_pb2.GetCardResponse(card=card_pb2.Card(name=request.name))


@asynccontextmanager
async def serving(own: Pair, client: Pair) -> AsyncIterator[str]:
    server = grpc.aio.server()
    card_pb2_grpc.add_CardServiceServicer_to_server(Cards(), server)
    credentials = grpc.ssl_server_credentials(
        [(own.key.read_bytes(), own.certificate.read_bytes())],
        client.certificate.read_bytes(),
        require_client_auth=True,
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def test_both_sides_are_asked_for_their_certificates(tmp_path: Path) -> None:
    server, caller = self_signed(tmp_path, SERVER_NAME), self_signed(tmp_path, "caller.example")
    whole = TlsOptions(server.certificate, caller.certificate, caller.key, SERVER_NAME)
    nameless = TlsOptions(server.certificate, caller.certificate, caller.key)
    anonymous = TlsOptions(server.certificate, server_name=SERVER_NAME)
    request = card_pb2.GetCardRequest(name="cards/a")
    async with serving(server, caller) as address:
        async with Client(address, tls=whole) as client:
            assert (await client.cards.GetCard(request)).card.name == "cards/a"
        for tls in (None, nameless, anonymous):
            async with Client(address, tls=tls, attempts=1) as client:
                with pytest.raises(Unavailable):
                    await client.cards.GetCard(request)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        TlsOptions(ca_file=tmp_path / "none.pem").credentials()
