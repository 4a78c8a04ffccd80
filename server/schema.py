"""Refuses a database whose schema is not the one this release was built with."""

from repository.migrate import Which, migrations, schema_version

__all__ = ["SchemaOutdated", "require_schema"]


class SchemaOutdated(Exception):
    """The database was not migrated, or by another release; one line for a person."""


async def require_schema(dsn: str, which: Which) -> None:
    """Raise SchemaOutdated unless the newest migration applied is this release's."""
    wanted = migrations(which)[-1].version
    applied = await schema_version(dsn)
    if applied != wanted:
        raise SchemaOutdated(
            f"the schema of database `{which}` is {applied or 'not there'}, not {wanted}: "
            "run `python -m server migrate`"
        )
