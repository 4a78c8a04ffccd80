"""Which schemas a release works with: its own, and one that a newer release has only added to."""

import pytest

from repository.migrate import is_post, migrate, migrations
from server import schema
from server.schema import SchemaOutdated, check_versions, require_schema
from tests.conftest import Database

OWN = [migration.version for migration in migrations("main")]
PRE = [version for version in OWN if not is_post(version)]


async def test_a_migrated_database_is_what_this_release_works_with(database: Database) -> None:
    for which in ("main", "keys"):
        dsn = await database(which)
        assert await migrate(dsn, which) == []
        await require_schema(dsn, which)


@pytest.mark.parametrize("lacking", [0, -1])
def test_one_that_was_not_migrated_is_refused(lacking: int) -> None:
    applied = [version for version in OWN if version != PRE[lacking]]
    with pytest.raises(SchemaOutdated, match=f"lacks {PRE[lacking]}: run"):
        check_versions(applied, "main")
    with pytest.raises(SchemaOutdated, match=f"lacks {OWN[0]}: run"):
        check_versions([], "main")


def test_what_a_newer_release_adds_is_in_nobodys_way() -> None:
    check_versions([*OWN, "098_more"], "main")


def test_what_a_newer_release_takes_away_is_missed() -> None:
    with pytest.raises(SchemaOutdated, match="has 099_less_post, which a newer release"):
        check_versions([*OWN, "098_more", "099_less_post"], "main")


def test_a_release_starts_before_its_own_post_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    newest = migrations("main")[-1]
    files = [*migrations("main"), newest._replace(version="098_less_post")]
    monkeypatch.setattr(schema, "migrations", lambda _: files)
    check_versions(PRE, "main")
    check_versions(OWN, "main")
    check_versions([*OWN, "098_less_post"], "main")
