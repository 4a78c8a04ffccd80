"""Alert rules: every metric they name is exported, every alert is tested and told of."""

import re
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml  # Patroni brings it

from server.metrics import Metrics
from server.worker_metrics import serve_metrics

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/configuration/alerts.yml"
TESTS = ROOT / "deploy/configuration/alerts_test.yml"
OPERATIONS = (ROOT / "docs/operations.md").read_text()
GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in GROUPS for rule in group["rules"]
}
METRIC = re.compile(r"\b(?:opencif|patroni|process)_[a-z_]+\b")
SUFFIX = {"counter": "_total", "histogram": "_bucket", "gauge": ""}


@pytest.fixture(scope="module")
def exported() -> set[str]:
    """The names of all samples: golden file, processes, supervisor, Patroni."""
    listed = [line.split() for line in (ROOT / "tests/golden/metrics.txt").read_text().splitlines()]
    with serve_metrics("127.0.0.1", 0, {}, dict) as port:  # noqa: SIM117  the port comes first
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode() + Metrics().exposition().decode()
    patroni = find_spec("patroni")
    assert patroni is not None
    assert patroni.origin is not None
    of_patroni = (Path(patroni.origin).parent / "api.py").read_text()
    return (
        {name + SUFFIX[kind] for name, kind, *_ in listed}
        | set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
        | set(re.findall(r"# TYPE (patroni_\w+)", of_patroni))
    )


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_names_metrics_that_are_exported(name: str, exported: set[str]):
    named = set(METRIC.findall(ALERTS[name]["expr"]))
    assert named or "up{" in ALERTS[name]["expr"]
    assert named <= exported


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_tested_and_its_remedy_is_written_down(name: str):
    assert name in TESTS.read_text()
    assert f"**{name}**" in OPERATIONS


def test_the_operations_page_tells_of_no_other_alert():
    assert set(re.findall(r"\*\*((?:Opencif|Patroni)\w+)\*\*", OPERATIONS)) == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is(name: str):
    assert ALERTS[name]["labels"]["severity"] in {"critical", "warning"}
    assert ALERTS[name]["annotations"]["summary"]
