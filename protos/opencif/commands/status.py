"""`status`: how every worker is."""

import re
from typing import Annotated, Final
from urllib.error import URLError
from urllib.request import urlopen

import typer

from opencif.client import Client
from opencif.commands.session import Exit, Session, session_of

_SERVING: Final = "SERVING"
_SAMPLE: Final = re.compile(
    r"^(opencif_poll_age_seconds|opencif_build_info)\{(.*)\} (\S+)", re.MULTILINE
)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


def _status(
    context: typer.Context,
    metrics: Annotated[
        str,
        typer.Option(
            envvar="OPENCIF_METRICS_URL",
            help="The server's /metrics, for its version and the age of what it knows.",
        ),
    ] = "",
) -> None:
    """Ask every worker how it is. Exits 0 when all serve, 1 when some do, 4 when none does."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        workers = await client.health()
        _show(
            session,
            ("worker", "state", "#answer_ms"),
            [(each.address, each.state, f"{each.answer_ms:.1f}") for each in workers],
        )
        if metrics:
            told = _told(_fetched(metrics, session.timeout_s))
            _show(session, ("metrics_of", "version", "#poll_age_s"), told)
        serving = sum(worker.state == _SERVING for worker in workers)
        if serving == len(workers):
            return Exit.OK
        return Exit.NEGATIVE if serving else Exit.UNAVAILABLE

    session.run(action)


def _show(session: Session, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if not session.output.as_json:
        session.output.rows(columns, rows)
        return
    names = [name.removeprefix("#") for name in columns]
    for row in rows:
        session.output.line(dict(zip(names, row, strict=True)))


def _fetched(url: str, timeout_s: float) -> str:
    """The text of /metrics. Raises: OSError."""
    if not url.startswith(("http://", "https://")):
        raise URLError("--metrics is http:// or https://")
    with urlopen(url, timeout=timeout_s) as answer:  # noqa: S310  its scheme was just checked
        return str(answer.read().decode())


def _told(text: str) -> list[tuple[str, ...]]:
    """Version and poll age of each worker."""
    version: dict[str, str] = {}
    poll_age_s: dict[str, str] = {}
    for name, labels, value in _SAMPLE.findall(text):
        of = dict(_LABEL.findall(labels))
        if name == "opencif_build_info":
            version[of.get("worker", "")] = of.get("version", "")
        else:
            poll_age_s[of.get("worker", "")] = f"{float(value):.3f}"
    return [(worker, version[worker], poll_age_s.get(worker, "")) for worker in sorted(version)]


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("status", epilog="Example: opencif --address 127.0.0.1:7420-7421 status")(_status)
