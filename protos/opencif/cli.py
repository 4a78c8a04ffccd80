"""The `opencif` command: its global options and its commands, put together."""

import typer

from opencif.commands import (
    lifecycle,
    load,
    lookup,
    reading,
    resolve,
    routing,
    status,
    tokens,
)
from opencif.commands.session import EXIT_CODES_HELP, global_options

app = typer.Typer(
    name="opencif",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they hold numbers
    epilog=EXIT_CODES_HELP,
)
app.callback()(global_options)
for module in (lookup, reading, lifecycle, resolve, load, tokens, routing, status):
    module.add_to(app)


def main() -> None:
    """Runs the command and exits with its code."""
    app()
