"""What a bench over sizes and a profile make of their runs, and what documents quote of them."""

import json
from pathlib import Path

import pytest

from deploy.bench import in_turns
from deploy.bench_partner import RunFailed
from deploy.bench_profile import added_up, stage_of
from loadtests.bench_figures import Measured, Run
from loadtests.bench_flatness import RAW, SizeReport, flats, group_of
from loadtests.bench_quotes import DOCUMENTS, QUOTES, requoted

SIZES = (1_000, 2_000)
COSTS = {"own cache": (1.0, 1.02), "Valkey": (4.0, 4.32), "database": (6.0, 9.0), RAW: (3.0, 4.0)}


def run(cost_us: float) -> Run:
    return Run(1_000_000, 1.0, {"server": cost_us, "client": 0.1})


def measured() -> list[Measured]:
    return [
        Measured(name, group_of(size), "lookups", [run(costs[place])] * 3)
        for place, size in enumerate(SIZES)
        for name, costs in COSTS.items()
    ]


def test_growth_is_to_the_smallest_size_and_uncached_to_raw_reads() -> None:
    own, valkey, uncached = flats(measured(), SIZES)
    assert (own.growth.median, own.verdict) == (pytest.approx(1.02), "goal")
    assert (valkey.growth.median, valkey.verdict) == (pytest.approx(1.08), "floor")
    assert (uncached.growth.median, uncached.verdict) == (pytest.approx(1.125), "below the floor")


def test_sizes_are_reported_with_the_memory_of_their_workers(tmp_path: Path) -> None:
    memory = {group_of(size): {"own cache": size / 10} for size in SIZES}
    SizeReport({"machine": "a small one"}, SIZES, measured(), memory).write(tmp_path)
    table = (tmp_path / "sizes.md").read_text()
    assert "| 2,000 | own cache | 1.02 (1.02 to 1.02) | 0.00 | 0.00 | 200 |" in table
    assert "| cached, Valkey | 2,000 | 1.080 (1.080 to 1.080) | 1.1 | 1.03 | floor |" in table
    assert json.loads((tmp_path / "sizes.json").read_text())["sizes"] == list(SIZES)


def test_runs_take_turns() -> None:
    order: list[str] = []

    def take(name: str) -> Run:
        order.append(name)
        return run(1.0)

    takes = {("g", name): lambda name=name: take(name) for name in "ab"}
    found = in_turns(takes, "lookups", 2, lambda _: None)
    assert order == ["a", "b", "a", "b"]
    assert [(one.group, one.name, len(one.runs)) for one in found] == [("g", "a", 2), ("g", "b", 2)]


@pytest.mark.parametrize("bad", [Run(0, 1.0, {}), Run(9, 1.0, {}, wrong=1)])
def test_a_run_without_answers_or_with_wrong_ones_ends_the_bench(bad: Run) -> None:
    with pytest.raises(RunFailed, match="a, g: "):
        in_turns({("g", "a"): lambda: bad}, "lookups", 1, lambda _: None)


def test_a_sample_is_of_the_innermost_stage_of_the_loops_thread() -> None:
    loop = "run (/x/server/worker.py:65);_unary (/x/server/rpc.py:249)"
    deep = f"{loop};read (/x/server/lookup_keys.py:9);tags (/x/tokenizer/mac.py:3)"
    assert stage_of(loop) == "call: caller, deadline, metrics, validation"
    assert stage_of(deep) == "keys read from the request"
    counts = added_up([f"{deep} 7", f"{loop} 2", "run (/x/server/worker.py:65) 3", "other 9"])
    assert sorted(counts.values()) == [2, 3, 7]


def test_documents_quote_what_the_results_say() -> None:
    for document in DOCUMENTS:
        text = document.read_text()
        assert requoted(text) == text, f"{document.name}: run python -m loadtests.bench_quotes"


def test_every_quotation_stands_in_a_document() -> None:
    texts = "".join(document.read_text() for document in DOCUMENTS)
    for name in QUOTES:
        assert f"<!-- quote: {name} -->" in texts


def test_a_quotation_is_written_anew_and_nothing_else(tmp_path: Path) -> None:
    stored = {"instructions": {"ids": 50.0}, "fingerprint": {}}
    for name, part in (("kernels.json", 1.0), ("kernels-before.json", 2.0)):
        made = stored | {"instructions": {"ids": 50.0 * part}}
        (tmp_path / name).write_text(json.dumps(made))
    text = "before\n<!-- quote: kernels -->\nold\n<!-- end of quote -->\nafter\n"
    fresh = requoted(text, tmp_path)
    assert fresh.startswith("before\n<!-- quote: kernels -->\n")
    assert fresh.endswith("<!-- end of quote -->\nafter\n")
    assert "| ids | 100 | 50 | 0.50 |" in fresh
    assert "old" not in fresh
    assert requoted(fresh, tmp_path) == fresh
