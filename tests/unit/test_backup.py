"""The backups' configuration: what it must not lose sight of, and that pgBackRest can read it."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from string import Template

import pytest

CONFIGURATION = Path(__file__).parents[2] / "deploy/configuration"
TEXT = (CONFIGURATION / "pgbackrest.conf").read_text()
PLACES = sorted(set(re.findall(r"\$\{(\w+)\}", TEXT)))


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


def test_pgbackrest_reads_it(tmp_path: Path):
    program = shutil.which("pgbackrest")
    if program is None:
        pytest.skip("pgbackrest is not here")
    for place in PLACES:
        (tmp_path / place).mkdir()
    values = {place: str(tmp_path / place) for place in PLACES}
    filled = tmp_path / "pgbackrest.conf"
    filled.write_text(Template(TEXT).substitute(values))
    for stanza in ("opencif", "opencif-keys"):
        done = subprocess.run(
            [program, f"--config={filled}", f"--stanza={stanza}", "info"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "WARN" not in done.stdout + done.stderr
        assert "ERROR" not in done.stdout + done.stderr
