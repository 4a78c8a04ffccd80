"""The backups' configuration: what it must not lose sight of."""

import configparser
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).parents[2] / "deploy/configuration"
TEXT = (CONFIGURATION / "pgbackrest.conf").read_text()


@pytest.fixture
def stanzas() -> configparser.ConfigParser:
    """As pgBackRest reads it: what follows a value on its line is part of the value."""
    parser = configparser.ConfigParser(delimiters="=", inline_comment_prefixes=None)
    parser.read_string(TEXT)
    return parser


def test_no_value_has_a_remark_behind_it(stanzas: configparser.ConfigParser):
    assert not [value for stanza in stanzas.values() for value in stanza.values() if "#" in value]


def test_the_databases_share_neither_repository_nor_cipher(stanzas: configparser.ConfigParser):
    main, keys = stanzas["opencif"], stanzas["opencif-keys"]
    for name in ("repo1-path", "repo1-cipher-pass", "pg1-host", "pg1-path"):
        assert main[name] != keys[name]
        assert name not in stanzas["global"]


def test_the_keys_age_out_in_days(stanzas: configparser.ConfigParser):
    main, keys = stanzas["opencif"], stanzas["opencif-keys"]
    assert {main["repo1-retention-full-type"], keys["repo1-retention-full-type"]} == {"time"}
    assert int(keys["repo1-retention-full"]) <= 7 < int(main["repo1-retention-full"])


def test_patroni_archives_what_the_stanzas_keep(stanzas: configparser.ConfigParser):
    patroni = (CONFIGURATION / "patroni.yml").read_text()
    assert "archive_command: ${archive_command}" in patroni
    assert "pgbackrest --stanza=opencif archive-push %p" in patroni
    assert "opencif" in stanzas
