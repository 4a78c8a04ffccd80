"""`make bench`, short: that everything is measured and told, never how fast it is."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(600)  # on a machine with other things to do

WITHIN_S = 500
SHAPES = {"1", "10", "100", "1,000", "stream of 1,000"}
KINDS = {"accounts by number", "accounts by name", "cards by PAN", "cards by token"}
SOURCES = {"own cache", "Valkey", "database", "unknown ids"}
CASES = {f"{kind}, {source}" for kind in KINDS for source in SOURCES}
FF1 = {"OpenCIF, batch of 1,000", "OpenCIF, one by one", "libffx", "fastfpe"}
PLOTS = ("rates.png", "cpu.png", "ff1.png", "ratios.png")
SIZE = 1_000
PNG = b"\x89PNG"


def measured(module: str, home: Path, *options: str) -> Path:
    """The directory in which a short run of a bench has left its results."""
    command = [sys.executable, "-m", module, "--quick", "--directory", str(home), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "results"


@pytest.fixture(scope="module")
def results(stack_directory: Path) -> Path:
    return measured("deploy.bench", stack_directory / "bench")


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
    assert len(names["security"]) == 4
    assert names["NACHA file"] == {"1,000 entries, client to client"}


def test_every_run_tells_whose_cpu_it_was(told: dict[str, Any]) -> None:
    used: Counter[str] = Counter()  # the kernel's account is a tick behind, a run hardly longer
    for one in told["measured"]:
        for run in one["runs"]:
            assert run["done"] > 0
            assert run["wrong"] == 0
            used[one["group"]] += run["cpu_s"]["server"]
            if one["name"] in CASES:
                assert {"client", "valkey", "postgres"} <= set(run["cpu_s"])
    assert min(used[shape] for shape in SHAPES) > 0


def test_records_come_from_where_the_case_says(told: dict[str, Any]) -> None:
    for one in told["measured"]:
        hits = {"own": 0.0, "valkey": 0.0}
        for run in one["runs"]:
            hits = {source: count + run["hits"].get(source, 0) for source, count in hits.items()}
        if one["name"].endswith(", own cache"):
            assert hits["own"] > hits["valkey"] == 0
        elif one["name"].endswith(", Valkey"):
            assert hits["valkey"] > hits["own"] == 0
        elif one["name"].endswith(", database"):
            assert not any(hits.values())


def test_ratios_stand_beside_floor_and_goal(told: dict[str, Any], results: Path) -> None:
    assert len(told["ratios"]) == 9
    table = (results / "bench.md").read_text()
    for ratio in told["ratios"]:
        line = next(line for line in table.splitlines() if ratio["text"] in line)
        assert f"| {ratio['floor']:g} | {ratio['goal']:g} |" in line
        assert ratio["verdict"] in line
    for shape in SHAPES - {"stream of 1,000"}:
        assert f"## {shape} a call" in table


def test_entries_of_files_stand_beside_lookups(told: dict[str, Any]) -> None:
    units = [rate["unit"] for rate in told["rates"]]
    assert units == ["lookups"] * 5 + ["entries", "tokens"]


def test_the_machine_and_what_is_missing_are_named(told: dict[str, Any]) -> None:
    assert {"processor", "kernel", "python", "grpcio", "PostgreSQL", "Valkey"} <= set(told["facts"])
    assert any("h2load" in note for note in told["notes"])
    assert any("MiB (own cache)" in note for note in told["notes"])


def test_plots_are_drawn(results: Path) -> None:
    for plot in PLOTS:
        assert (results / plot).read_bytes().startswith(PNG)


def test_a_bank_of_a_size_is_loaded_and_measured(stack_directory: Path) -> None:
    results = measured("deploy.bench_sizes", stack_directory / "sizes", "--sizes", str(SIZE))
    told = json.loads((results / "sizes.json").read_text())
    group = f"{SIZE:,} accounts"
    assert [(one["group"], one["name"]) for one in told["measured"]] == [
        (group, source) for source in ("raw asyncpg = ANY", "own cache", "Valkey", "database")
    ]
    assert all(run["wrong"] == 0 for one in told["measured"] for run in one["runs"])
    assert told["memory_mib"][group].keys() == SOURCES - {"unknown ids"}
    assert (results / "sizes.png").read_bytes().startswith(PNG)


def test_a_large_file_is_resolved_and_comes_to_what_was_planted(stack_directory: Path) -> None:
    results = measured("deploy.bench_file", stack_directory / "file")
    told = json.loads((results / "file.json").read_text())
    assert [one["name"] for one in told["passes"]] == ["cold", "warm"]
    for one in told["passes"]:
        assert one["entries"] == 2_000
        assert one["stages_s"].keys() == {"server", "client"}
        assert min(one["client_mib"], one["worker_mib"], *one["written_bytes"].values()) > 0
