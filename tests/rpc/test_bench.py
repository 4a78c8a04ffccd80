"""`make bench`, short: that everything is measured and told, never how fast it is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WITHIN_S = 110
SHAPES = {"1", "10", "100", "1,000", "stream of 1,000"}
KINDS = {"accounts by number", "accounts by name", "cards by PAN", "cards by token"}
SOURCES = {"Valkey", "database", "unknown ids"}
CASES = {f"{kind}, {source}" for kind in KINDS for source in SOURCES}
FF1 = {"OpenCIF, batch of 1,000", "OpenCIF, one by one", "libffx", "fastfpe"}
PLOTS = ("rates.png", "cpu.png", "ff1.png", "ratios.png")


@pytest.fixture(scope="module")
def results(stack_directory: Path) -> Path:
    """The directory in which a short bench has left its results."""
    home = stack_directory / "bench"
    done = subprocess.run(
        [sys.executable, "-m", "deploy.bench", "--quick", "--directory", str(home)],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "results"


@pytest.fixture(scope="module")
def told(results: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((results / "bench.json").read_text())
    return found


def test_every_case_is_measured_beside_its_baselines(told: dict[str, Any]) -> None:
    names: dict[str, set[str]] = {}
    for one in told["measured"]:
        names.setdefault(one["group"], set()).add(one["name"])
    for shape in SHAPES:
        assert names[shape] >= CASES | {"echo of the same bytes"}
    for shape in SHAPES - {"stream of 1,000"}:
        assert names[shape] >= {"raw MGET", "raw asyncpg = ANY"}
    assert "empty grpc.aio handler" in names["1"]
    assert names["FF1"] >= FF1


def test_every_run_tells_whose_cpu_it_was(told: dict[str, Any]) -> None:
    for one in told["measured"]:
        assert len(one["runs"]) == 2
        for run in one["runs"]:
            assert run["done"] > 0
            assert run["wrong"] == 0
            assert run["cpu_s"]["server"] > 0
            if one["name"] in CASES:
                assert {"client", "valkey", "postgres"} <= set(run["cpu_s"])


def test_records_come_from_where_the_case_says(told: dict[str, Any]) -> None:
    for one in told["measured"]:
        hits = sum(run["hits"].get("valkey", 0) for run in one["runs"])
        if one["name"].endswith(", Valkey"):
            assert hits > 0
        elif one["name"].endswith(", database"):
            assert hits == 0


def test_ratios_stand_beside_floor_and_goal(told: dict[str, Any], results: Path) -> None:
    assert len(told["ratios"]) >= 5
    table = (results / "bench.md").read_text()
    for ratio in told["ratios"]:
        line = next(line for line in table.splitlines() if ratio["text"] in line)
        assert f"| {ratio['floor']:g} | {ratio['goal']:g} |" in line
        assert ratio["verdict"] in line
    for shape in SHAPES - {"stream of 1,000"}:
        assert f"## {shape} a call" in table


def test_the_machine_and_what_is_missing_are_named(told: dict[str, Any]) -> None:
    assert {"processor", "kernel", "python", "grpcio", "PostgreSQL", "Valkey"} <= set(told["facts"])
    assert any("h2load" in note for note in told["notes"])


def test_plots_are_drawn(results: Path) -> None:
    for plot in PLOTS:
        assert (results / plot).read_bytes().startswith(b"\x89PNG")
