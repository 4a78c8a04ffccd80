"""`status`: how every worker is."""

from typing import Final

import typer

from opencif.client import Client
from opencif.commands.session import Exit, session_of

_SERVING: Final = "SERVING"


def _status(context: typer.Context) -> None:
    """Ask every worker how it is. Exits 0 when all serve, 1 when some do, 4 when none does."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        workers = await client.health()
        if session.output.as_json:
            for worker in workers:
                session.output.line(
                    {
                        "address": worker.address,
                        "state": worker.state,
                        "answer_ms": round(worker.answer_ms, 1),
                    }
                )
        else:
            session.output.rows(
                ("worker", "state", "#answered in ms"),
                ((each.address, each.state, f"{each.answer_ms:.1f}") for each in workers),
            )
        serving = sum(worker.state == _SERVING for worker in workers)
        if serving == len(workers):
            return Exit.OK
        return Exit.NEGATIVE if serving else Exit.UNAVAILABLE

    session.run(action)


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("status", epilog="Example: opencif --address 127.0.0.1:7420-7421 status")(_status)
