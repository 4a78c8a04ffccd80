"""Who calls decides: certificates, permissions, and tokens that serve nobody but whom they name."""

import datetime as dt
import json
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opencif.channel import TlsOptions
from opencif.client import Client
from opencif.v1 import account_pb2, card_pb2
from opencif.v1.tokenization_pb2 import DetokenizeRequest
from tests.rpc.bank import INVALID, MISSING, account, active_card, new_pan, refused, terms
from tests.rpc.conftest import PATIENT_S, Launch, Serving

SERVER = "opencif.example"
DENIED = grpc.StatusCode.PERMISSION_DENIED
PERMISSIONS = {"officer": ["*"], "clerk": ["account.read", "account.write", "card.read"]}


class Authority:
    """Signs certificates into a directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = directory / f"{name}.ca.pem"
        self._write(self.file, self._signed(self._name, self._key, authority=True))

    def issue(self, name: str) -> TlsOptions:
        """What a caller or a server of that common name needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        pem, key_file = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        self._write(pem, self._signed(subject, key, authority=False))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return TlsOptions(self.file, pem, key_file, SERVER)

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(SERVER)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _write(self, file: Path, certificate: x509.Certificate) -> None:
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@dataclass(frozen=True)
class Callers:
    """Clients of one server under their own names."""

    officer: Client
    clerk: Client
    stranger: Client


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"), "bank")


@pytest.fixture(scope="module")
async def guarded(launch: Launch, authority: Authority) -> Serving:
    server = authority.issue(SERVER)
    kek = authority.file.with_name("kek")
    kek.write_text(secrets.token_hex(32))
    return await launch(
        OPENCIF_PROFILE="production",
        OPENCIF_KEK_FILE=str(kek),
        OPENCIF_TLS_CERTIFICATE_FILE=str(server.certificate_file),
        OPENCIF_TLS_KEY_FILE=str(server.key_file),
        OPENCIF_TLS_CLIENT_CA_FILE=str(authority.file),
        OPENCIF_PERMISSIONS=json.dumps(PERMISSIONS),
    )


@pytest.fixture
async def callers(guarded: Serving, authority: Authority) -> AsyncIterator[Callers]:
    async with AsyncExitStack() as opened:
        clients = [
            await opened.enter_async_context(
                Client(guarded.addresses, tls=authority.issue(name), timeout_s=PATIENT_S)
            )
            for name in ("officer", "clerk", "stranger")
        ]
        yield Callers(*clients)


async def page_token(client: Client) -> str:
    """The token of the second page of all accounts."""
    for _ in range(2):
        await account(client)
    answer = await client.accounts.ListAccounts(account_pb2.ListAccountsRequest(page_size=1))
    return answer.next_page_token


async def test_a_page_token_serves_its_own_caller_alone(callers: Callers):
    token = await page_token(callers.officer)
    request = account_pb2.ListAccountsRequest(page_size=1, page_token=token)
    assert len((await callers.officer.accounts.ListAccounts(request)).accounts) == 1
    await refused(
        callers.clerk.accounts.ListAccounts(request), INVALID, "INVALID_PAGE_TOKEN", "page_token"
    )


async def test_what_another_deployment_gave_out_means_nothing_here(
    callers: Callers, client: Client
):
    theirs = await account(client)
    page = account_pb2.ListAccountsRequest(page_token=await page_token(client))
    here = callers.officer.accounts
    await refused(here.ListAccounts(page), INVALID, "INVALID_PAGE_TOKEN", "page_token")
    read = account_pb2.GetAccountRequest(
        name=theirs.name, consistency={"at_least_as_fresh": client.consistency_token}
    )
    await refused(here.GetAccount(read), INVALID, "INVALID_CONSISTENCY_TOKEN")
    read.ClearField("consistency")
    await refused(here.GetAccount(read), MISSING, "NOT_FOUND")


async def test_one_callers_request_id_is_not_anothers(callers: Callers):
    request_id = str(uuid.uuid4())
    made = [
        await caller.accounts.CreateAccount(
            account_pb2.CreateAccountRequest(account=terms(), request_id=request_id)
        )
        for caller in (callers.officer, callers.clerk)
    ]
    assert made[0].account.name != made[1].account.name


async def test_no_number_is_revealed_without_the_permission(callers: Callers, guarded: Serving):
    pan = new_pan()
    card = await active_card(callers.officer, pan=pan)
    token = {"type": 1, "value": card.tokens[0].value}
    request = DetokenizeRequest(tokens=[token], purpose="DISPUTE")
    answer = await callers.officer.tokens.Detokenize(request)
    assert [result.value for result in answer.results] == [pan]
    await refused(callers.clerk.tokens.Detokenize(request), DENIED, "PERMISSION")
    log = guarded.log.read_text()
    assert '"identity": "clerk"' in log
    assert "token.reveal" in log
    assert pan not in log


async def test_what_a_caller_may_not_do_is_not_done(callers: Callers):
    card = await active_card(callers.officer)
    block = card_pb2.BlockCardRequest(name=card.name)
    get = card_pb2.GetCardRequest(name=card.name)
    await refused(callers.clerk.cards.BlockCard(block), DENIED, "PERMISSION")
    await refused(callers.stranger.cards.BlockCard(block), DENIED, "PERMISSION")
    await refused(callers.stranger.cards.GetCard(get), DENIED, "PERMISSION")
    assert (await callers.clerk.cards.GetCard(get)).card.version == card.version


async def test_permission_is_asked_before_the_request_is_looked_at(callers: Callers):
    """A stranger learns of no rule, no format and no record."""
    for name in ("", "cards/malformed", "cards/aeaqcaibaeaqcaibaeaqcaibae"):
        call = callers.stranger.cards.BlockCard(card_pb2.BlockCardRequest(name=name))
        await refused(call, DENIED, "PERMISSION")


async def test_without_a_certificate_of_the_banks_nobody_is_heard(
    guarded: Serving, authority: Authority, tmp_path: Path
):
    foreign = Authority(tmp_path, "elsewhere").issue("officer")
    forged = TlsOptions(authority.file, foreign.certificate_file, foreign.key_file, SERVER)
    for tls in (None, TlsOptions(authority.file, server_name=SERVER), forged):
        async with Client(guarded.addresses, tls=tls, attempts=1) as client:
            get = card_pb2.GetCardRequest(name="cards/aeaqcaibaeaqcaibaeaqcaibae")
            await refused(client.cards.GetCard(get), grpc.StatusCode.UNAVAILABLE, "")
