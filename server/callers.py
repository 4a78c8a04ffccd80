"""Who a caller is: a certificate's common name in production, `dev` on loopback in development."""

from collections.abc import Mapping
from typing import Final

import grpc

from server.contract import method_rule, services
from server.errors import Unauthenticated
from server.restriction_rules import OVERRIDE
from server.rpc import Caller, Context, Identify
from server.settings import EVERYTHING, Settings

__all__ = ["all_permissions", "identify_by", "server_credentials"]

_COMMON_NAME: Final = "x509_common_name"


def all_permissions() -> frozenset[str]:
    """Every permission the contract knows."""
    return frozenset(
        method_rule(method).permission for service in services() for method in service.methods
    )


def identify_by(settings: Settings) -> Identify:
    """How callers are told apart under these settings."""
    if settings.tls_client_ca_file is None:
        developer = Caller("dev", all_permissions() | {OVERRIDE})  # one identity plays both parts
        return lambda _: developer
    return _by_certificate(settings.permissions)


def server_credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """TLS as the settings have it; None for plain text, which development alone allows."""
    if settings.tls_key_file is None or settings.tls_certificate_file is None:
        return None
    authority = settings.tls_client_ca_file
    return grpc.ssl_server_credentials(
        [(settings.tls_key_file.read_bytes(), settings.tls_certificate_file.read_bytes())],
        root_certificates=authority.read_bytes() if authority else None,
        require_client_auth=authority is not None,
    )


def _by_certificate(permissions: Mapping[str, list[str]]) -> Identify:
    callers = {
        name: Caller(name, all_permissions() if EVERYTHING in granted else frozenset(granted))
        for name, granted in permissions.items()
    }

    def identify(context: Context) -> Caller:
        names = list(context.auth_context().get(_COMMON_NAME) or ())
        name = names[0].decode("utf-8", "replace") if names else ""
        if not name:
            raise Unauthenticated
        return callers.get(name) or Caller(name, frozenset())

    return identify
