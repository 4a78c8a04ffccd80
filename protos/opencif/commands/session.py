"""What every command shares: the global options, a client opened from them, exit codes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from opencif import errors
from opencif.channel import TlsOptions, parse_addresses
from opencif.client import DEFAULT_ADDRESS, Client
from opencif.commands.forms import FormError
from opencif.commands.show import Output

T = TypeVar("T")


class Exit(IntEnum):
    """Exit codes for scripts."""

    OK = 0
    NEGATIVE = 1
    """Nothing found, rows rejected, or a file that must not be posted as it is."""
    USAGE = 2
    REFUSED = 3
    """The server refused the request."""
    UNAVAILABLE = 4
    """No server answered in time, or none can now."""


EXIT_CODES_HELP: Final = (
    "Exit codes: 0 done; 1 not found, rows rejected, or a file with CONTROL findings or "
    "seen before; 2 wrong usage; 3 the server refused; 4 no server answered in time."
)
_UNAVAILABLE: Final = (
    errors.Unavailable,
    errors.DeadlineExceeded,
    errors.ResourceExhausted,
    errors.Cancelled,
)


@dataclass(frozen=True, slots=True)
class Session:
    """The global options of one run."""

    output: Output
    addresses: str
    tls: TlsOptions | None
    timeout_s: float
    consistency_token: str

    def run(self, action: Callable[[Client], Awaitable[Exit]]) -> None:
        """Runs one command's calls and ends the process with its exit code."""
        raise typer.Exit(asyncio.run(self._run(action)))

    async def _run(self, action: Callable[[Client], Awaitable[Exit]]) -> Exit:
        try:
            async with Client(self.addresses, tls=self.tls, timeout_s=self.timeout_s) as client:
                client.consistency_token = self.consistency_token
                return await action(client)
        except errors.NotFound as error:
            self.output.complain(str(error))
            return Exit.NEGATIVE
        except _UNAVAILABLE as error:
            self.output.complain(f"{error} [{self.addresses}]")
            return Exit.UNAVAILABLE
        except errors.OpencifError as error:
            self.output.complain(str(error))
            return Exit.REFUSED
        except BrokenPipeError:
            raise  # the reader has seen enough: typer ends quietly
        except FormError as error:
            self.output.complain(str(error))
            return Exit.USAGE
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            self.output.complain(f"{place}{error.strerror or error}")
            return Exit.USAGE


def session_of(context: typer.Context) -> Session:
    """The session that the global options made."""
    session = context.find_object(Session)
    assert session is not None
    return session


def global_options(  # noqa: PLR0913  the options of the command itself
    context: typer.Context,
    *,
    address: Annotated[
        str,
        typer.Option(
            envvar="OPENCIF_ADDRESS",
            help="host:port, a range host:7420-7423, or several with commas.",
        ),
    ] = DEFAULT_ADDRESS,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="For machines: one JSON object per line. Before the command."),
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=0.01, help="Seconds a call may take, all attempts together.")
    ] = 5.0,
    consistency_token: Annotated[
        str, typer.Option(help="Reads see at least this change: a mutation's --json has it.")
    ] = "",
    tls: Annotated[bool, typer.Option("--tls", help="TLS with the system's roots.")] = False,
    tls_ca: Annotated[Path | None, typer.Option(help="PEM file of roots to trust.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM file of our certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of its key.")] = None,
    tls_name: Annotated[str, typer.Option(help="Name the server's certificate must bear.")] = "",
) -> None:
    """OpenCIF: a bank's customers, accounts, cards and relationships, and what ACH entries earn."""
    try:
        parse_addresses(address)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    wants_tls = tls or tls_ca or tls_cert or tls_key or tls_name
    context.obj = Session(
        output=Output(as_json=as_json),
        addresses=address,
        tls=TlsOptions(tls_ca, tls_cert, tls_key, tls_name) if wants_tls else None,
        timeout_s=timeout,
        consistency_token=consistency_token,
    )


def secret(text: str, what: str) -> str:
    """A number that should not stand in the shell's history.

    `-` is read from standard input, at a terminal without echo; one that is given is taken with a
    warning.
    """
    if text != "-":
        typer.echo(f"warning: the {what} stays in the shell's history; give - instead", err=True)
        return text
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True))
    return sys.stdin.readline().strip()
