"""Refuses a database whose schema this release cannot work with.

It can with one that a newer release has added to, and not with one that a newer release has taken
something away from.
"""

from repository.migrate import Which, applied_versions, is_post, migrations
from server import log

__all__ = ["SchemaOutdated", "check_versions", "require_schema"]

_log = log.logger("schema")


class SchemaOutdated(Exception):
    """The database was not migrated, or by another release; one line for a person."""


async def require_schema(dsn: str, which: Which, standby_dsn: str | None = None) -> None:
    """Raise SchemaOutdated unless this release can work with the database as it is now.

    Where there is no primary a standby is asked. Raises Unavailable when nobody answers.
    """
    check_versions(await applied_versions(dsn, standby_dsn), which)


def check_versions(applied: list[str], which: Which) -> None:
    """Raise SchemaOutdated unless these migrations are what this release works with.

    Its own that only add must be among them; those that take away are applied when the last server
    of the release before is gone, which is after this one has started.
    """
    known = [migration.version for migration in migrations(which)]
    missing = [version for version in known if version not in applied and not is_post(version)]
    if missing:
        raise SchemaOutdated(
            f"the schema of database `{which}` lacks {missing[0]}: run `python -m server migrate`"
        )
    newer = [version for version in applied if version not in known]
    for version in newer:
        if is_post(version):
            raise SchemaOutdated(
                f"the schema of database `{which}` has {version}, which a newer release applies "
                "when no server of this one is left: start that release"
            )
    if newer:
        _log.info("schema_is_newer", kind=which, migration=newer[-1])
