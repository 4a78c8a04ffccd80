"""A primary and a standby of it, with both databases on them, for tests that lose the primary."""

import asyncio
import time
from pathlib import Path

import asyncpg

from deploy.embedded import EmbeddedPostgres
from deploy.embedded_postgres import USER, find_programs
from deploy.places import own
from deploy.process import run, service_account

CAUGHT_UP_MAX_S = 60.0


class Pair:
    """The primary as it is, and a standby that follows it by streaming."""

    def __init__(self, directory: Path) -> None:
        self.primary = EmbeddedPostgres(directory / "primary", durable=False)
        self.standby = EmbeddedPostgres(directory / "standby", durable=False)

    def start(self) -> None:
        """Start both; the standby is a copy."""
        account = service_account()
        self.primary.start()
        for name in ("opencif", "opencif_keys"):
            asyncio.run(self.primary.create_database(name))
        home = self.standby.home
        own(home / "postgres", account)
        program = find_programs(account).directory / "pg_basebackup"
        words = (f"--host={self.primary.sockets}", f"--username={USER}", "--checkpoint=fast")
        run(
            [str(program), f"--pgdata={home / 'postgres'}", "--write-recovery-conf", *words],
            account,
            {"PGPASSWORD": self.primary.password},
        )
        (home / "postgres.password").write_text(self.primary.password)
        self.standby.start()

    def stop(self) -> None:
        """End both."""
        self.standby.stop()
        self.primary.stop()

    def both(self, database: str) -> str:
        """A DSN that names both hosts."""
        dsn = self.primary.dsn(database)
        return dsn.replace(
            f"{self.primary.sockets}", f"{self.primary.sockets},{self.standby.sockets}"
        )

    def await_standby(self) -> None:
        """Return when the standby has replayed all that the primary has now."""
        lsn = _ask(self.primary, "SELECT pg_current_wal_lsn()::text")
        ends = time.monotonic() + CAUGHT_UP_MAX_S
        while not _ask(self.standby, f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'"):
            assert time.monotonic() < ends, "the standby does not follow"
            time.sleep(0.05)

    def promote(self) -> None:
        """Make the standby the primary."""
        assert _ask(self.standby, "SELECT pg_promote()")


def _ask(server: EmbeddedPostgres, sql: str) -> object:
    async def asked() -> object:
        connection = await asyncpg.connect(server.dsn("opencif"))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(asked())
