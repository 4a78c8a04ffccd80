"""The server's commands: serve (the default), migrate, keys init, keys status.

Reads arguments and settings, says what is wrong in one line, and leaves the work to others.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr, ValidationError

from repository.errors import RepositoryError
from repository.migrate import Phase, Which, migrate
from server import key_table, log
from server.schema import SchemaOutdated
from server.settings import Settings
from server.supervisor import EXIT_REFUSED, AlreadyServing, Supervisor
from tokenizer.kek import KekError
from tokenizer.keyring import KeyringError

# What a person can mend; anything else is our fault and shows its traceback.
MENDABLE = (
    AlreadyServing,
    KekError,
    KeyringError,
    OSError,
    RepositoryError,
    SchemaOutdated,
    key_table.KeysExist,
    key_table.KeysMissing,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 done, 1 stopped by a fault, 2 refused."""
    parsed = _parser().parse_args(arguments)
    try:
        return _run(parsed, Settings.from_environment())
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            setting = "_".join(str(step) for step in fault["loc"]).upper()
            _say(f"OPENCIF_{setting}: {fault['msg']}" if setting else fault["msg"])
    except MENDABLE as error:
        _say(str(error) or type(error).__name__)
    return EXIT_REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server",
        description="OpenCIF's server. Settings come from the environment: OPENCIF_...",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve (the default)")
    for holder in (parser, serve):
        holder.add_argument(
            "--ports-file", type=Path, help="JSON file to write once all workers are ready"
        )
    migrating = commands.add_parser("migrate", help="bring both databases' schemas up to date")
    migrating.add_argument(
        "--phase",
        choices=("pre", "post"),
        help="pre: only what servers of the release before can work with; post: what takes away "
        "from them, when none is left; both without it",
    )
    keys = commands.add_parser("keys", help="make or show the purpose keys")
    keys.add_argument("action", choices=("init", "status"))
    worker = commands.add_parser("worker", help="one worker, for the supervisor to start")
    worker.add_argument("--port", type=int, default=0)
    worker.add_argument("--ready-fd", type=int)
    worker.add_argument("--metrics-socket", type=Path)
    return parser


def _run(parsed: argparse.Namespace, settings: Settings) -> int:
    if parsed.command == "worker":
        return _work(parsed, settings)
    if parsed.command == "migrate":
        lines = asyncio.run(_migrate(settings, parsed.phase))
    elif parsed.command == "keys" and parsed.action == "init":
        lines = asyncio.run(key_table.init(settings))
    elif parsed.command == "keys":
        lines = asyncio.run(key_table.status(settings))
    else:
        log.configure()
        return asyncio.run(Supervisor(settings, parsed.ports_file).run())
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _work(parsed: argparse.Namespace, settings: Settings) -> int:
    from server import worker  # noqa: PLC0415  the supervisor must not load gRPC

    try:
        worker.run(settings, worker.Place(parsed.port, parsed.ready_fd, parsed.metrics_socket))
    except worker.StartRefused as error:
        _say(str(error))
        return EXIT_REFUSED
    return 0


async def _migrate(settings: Settings, phase: Phase | None) -> list[str]:
    lines = []
    databases: dict[Which, SecretStr] = {
        "main": settings.database_dsn,
        "keys": settings.key_database_dsn,
    }
    for which, dsn in databases.items():
        applied = await migrate(dsn.get_secret_value(), which, phase)
        lines.append(f"{which}: {', '.join(applied) or 'nothing to do'}")
    return lines


def _say(line: str) -> None:
    sys.stderr.write(f"opencif server: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
