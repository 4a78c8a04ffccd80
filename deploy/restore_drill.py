"""`make restore-drill`: back up, go on writing, lose the database, restore it to a moment T.

Everything is written and read through the published client, by servers that stay up and by one
that is started anew. It exits non-zero if anything acknowledged before T is missing, or if anything
begun after T is seen.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console

from deploy.embedded import temporary_directory
from deploy.restore_checks import Checks
from deploy.restore_past import Past
from deploy.restore_rig import RestoreRig
from deploy.service import Workers, one_line_errors

__all__ = ["drill", "main"]

_HIDE_TIMELINE = """
UPDATE incarnation SET timeline =
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"""


def drill(
    rig: RestoreRig, *, hides_timeline: bool = False, tell: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Do all of it; what is wrong afterwards, in words, nothing if all is well.

    With `hides_timeline` no server learns that the database has begun another life, which is what
    the check of the cache must notice. Raises: EmbeddedError, OpencifError.
    """
    past = Past()
    with rig.serving("kept", workers=2) as kept:
        with rig.serving("restarted") as server:
            addresses = [*kept.addresses, *server.addresses]
            asyncio.run(past.begin(addresses))
            rig.back_up()
            tell("backed up; writing")
            asyncio.run(past.write_across(addresses))
            asyncio.run(past.lose(addresses))
            past.check_cached([kept, server])
        if hides_timeline:
            kept.stop()
        rig.archive_all()
        tell(f"{len(past.writes):,} writes, {past.acknowledged:,} acknowledged before T")
        began = time.monotonic()
        rig.lose_and_restore(past.moment)
        tell(f"lost, and restored to T in {time.monotonic() - began:.1f} s")
        if hides_timeline:
            rig.ask(_HIDE_TIMELINE)
        with rig.serving("restarted") as server:
            servers = [server] if hides_timeline else [kept, server]
            return _checked(rig, past, servers, time.monotonic())


def _checked(rig: RestoreRig, past: Past, servers: list[Workers], restored: float) -> list[str]:
    addresses = []
    for server in servers:
        rig.await_poll(server, restored)
        addresses += server.addresses
    checks = Checks(past)
    asyncio.run(checks.run(addresses))
    return checks.wrong


def main() -> None:
    """Run the drill in a directory that is gone afterwards."""
    console = Console(highlight=False)
    began = time.monotonic()

    def tell(line: str) -> None:
        console.print(f"{time.monotonic() - began:5.1f} s  {line}", soft_wrap=True)

    with one_line_errors("restore-drill"):
        tell(f"drill of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
        with temporary_directory() as directory, RestoreRig(directory) as rig:
            wrong = drill(rig, tell=tell)
        for line in wrong:
            tell(f"WRONG: {line}")
    if wrong:
        sys.exit(1)
    tell("all that was acknowledged before T is there, nothing begun after T is seen")


if __name__ == "__main__":
    main()
