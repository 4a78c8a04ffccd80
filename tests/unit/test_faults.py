"""What `make faults` makes of what it has seen: judging, sessions, fencing, audit, poison."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from deploy.fault_fencing import Commit, Look, two_primaries_s, unfenced
from deploy.fault_judge import Window, broken, judged, longest_gap_s
from deploy.fault_report import BEFORE, PROMISE, promise, report
from deploy.fault_scenarios import BY_TEST, SCENARIOS, SHORT
from deploy.fault_stage import Scenario, Stage
from deploy.fault_sums import YEAR_S, availability, failed_bound_s, share_bound, sums
from deploy.fault_valkey import poisoned
from deploy.faults import RESULTS, kept_runs
from loadtests.fault_load import verdict
from loadtests.fault_record import Record
from loadtests.fault_session import FRESH_AFTER_S, Session
from loadtests.ledger import Ledger, entries

NAME = "cards/a"
ACTIVE, BLOCKED = 4, 5


def session(*acked: tuple[int, float]) -> Session:
    made = Session(NAME)
    for version, at in acked:
        made.acknowledge(version, f"token-{version}", at)
    return made


class TestSession:
    def test_with_the_token_of_a_change_that_change_is_due(self):
        made = session((2, 10.0), (3, 20.0))
        assert made.token == "token-3"
        assert made.required(20.0, with_token=True, stale_for_s=0) == 3

    def test_without_it_what_was_acknowledged_a_second_before(self):
        made = session((2, 10.0), (3, 20.0))
        assert made.required(20.0 + FRESH_AFTER_S, with_token=False, stale_for_s=0) == 3
        assert made.required(19.9 + FRESH_AFTER_S, with_token=False, stale_for_s=0) == 2
        assert made.required(10.0, with_token=False, stale_for_s=0) == 0

    def test_an_answer_that_says_how_old_it_is_may_be_that_old(self):
        made = session((2, 10.0), (3, 20.0))
        assert made.required(25.0, with_token=False, stale_for_s=6) == 2

    def test_versions_only_grow(self):
        made = session((3, 10.0))
        assert made.acknowledge(4, "", 11.0) == ""
        assert "4 after 4" in made.acknowledge(4, "", 12.0)
        assert "2 after 4" in made.acknowledge(2, "", 13.0)
        assert made.acked == 4

    def test_a_version_has_one_content_for_ever(self):
        made = Session(NAME)
        assert made.misread(NAME, 2, ACTIVE) == ""
        assert made.misread(NAME, 3, BLOCKED) == ""
        assert made.misread(NAME, 2, ACTIVE) == ""
        assert "version 2" in made.misread(NAME, 2, BLOCKED)

    def test_another_card_is_never_the_answer(self):
        assert "cards/b" in Session(NAME).misread("cards/b", 2, ACTIVE)


class TestLedger:
    async def test_a_line_that_was_cut_off_never_counted(self, tmp_path: Path):
        path = tmp_path / "ledger.jsonl"
        async with Ledger(path) as ledger:
            await asyncio.gather(*(ledger.append({"number": number}) for number in range(50)))
        with path.open("ab") as file:
            file.write(b'{"number": 50')
        assert sorted(line["number"] for line in entries(path)) == list(range(50))

    def test_the_audit_tells_what_is_not_as_it_was_answered(self):
        found = {NAME: Counter(kept=1, twice=2, ghost=1)}
        ledger = [
            {"name": NAME, "request_id": "kept", "at": 1.0},
            {"name": NAME, "request_id": "gone", "at": 2.0},
            {"name": NAME, "request_id": "twice", "at": 3.0},
            {"name": NAME, "request_id": "ghost", "at": 4.0, "refused": True},
            {"name": NAME, "request_id": "never", "at": 5.0, "refused": True},
        ]
        assert verdict(ledger, found) == {"lost": [2.0], "double": [3.0], "phantom": [4.0]}


class TestFencing:
    def test_a_write_on_an_older_timeline_after_one_on_a_newer_is_told(self):
        old = Commit("a", 1, 0.0, 0.1)
        new = Commit("b", 2, 5.0, 5.1)
        late = Commit("a", 1, 5.2, 5.3)
        assert unfenced([old, new, late]) == [late]

    def test_one_that_had_begun_before_was_under_way(self):
        assert unfenced([Commit("b", 2, 5.0, 5.1), Commit("a", 1, 5.0, 6.0)]) == []

    def test_two_that_say_they_are_primaries_are_counted_while_both_do(self):
        looks = [Look("a", at / 10, at < 8) for at in range(20)]
        looks += [Look("b", at / 10, at >= 5) for at in range(20)]
        assert two_primaries_s(looks) == pytest.approx(0.3, abs=0.01)

    def test_a_silent_node_is_soon_no_primary(self):
        looks = [Look("a", 0.0, is_primary=True)]
        looks += [Look("b", at / 10, is_primary=True) for at in range(1, 20)]
        assert two_primaries_s(looks) < 0.6


def stage() -> Stage:
    nothing: Any = None
    return Stage(nothing, nothing, nothing, "", is_full=False)


def scenario(**promise: Any) -> Scenario:
    return Scenario("1", "a fault", lambda _: iter([None]), **promise)


def record(*counts: tuple[str, float, str]) -> Record:
    made = Record()
    for class_, at, what in counts:
        made.count(class_, made.began + at, what)
    return made


def told(made: Record, **found: list[float]) -> dict[str, Any]:
    none: dict[str, list[float]] = {"unanswered": [], "lost": [], "double": [], "phantom": []}
    return {**made.told(), **none, **found}


def window(made: Record, of: Scenario | None = None) -> Window:
    began = made.began
    return Window(of or scenario(), stage(), began + 10, began + 15, began + 17, began + 20)


class TestJudging:
    def test_only_what_fell_into_the_window_counts(self):
        made = record(
            ("reads", 5.0, "UNAVAILABLE"), ("reads", 12.0, "UNAVAILABLE"), ("reads", 12.5, "OK"),
            ("reads", 13.0, "stale"), ("reads", 25.0, "UNAVAILABLE"), ("writes", 19.0, "OK"),
        )  # fmt: skip
        made.violated(made.began + 5, "before")
        made.violated(made.began + 12, "within")
        acked = [made.began + at for at in (9.0, 11.0, 19.0, 21.0)]
        run = judged(window(made), told(made, lost=[made.began + 9, made.began + 11]), acked)
        assert run["reads"]["codes"] == {"UNAVAILABLE": 1, "OK": 1, "stale": 1}
        assert run["reads"]["failed_s"] == 1
        assert sum(run["reads"]["ok"]) == 1
        assert (run["acknowledged"], run["lost"], run["violations"]) == (2, 1, ["within"])
        assert run["write_gap_s"] == 8.0

    def test_the_longest_gap_begins_before_the_fault_and_ends_with_the_window(self):
        assert longest_gap_s([1.0, 9.0, 12.0], 10.0, 14.0) == 3.0
        assert longest_gap_s([1.0, 9.0, 12.0], 10.0, 17.0) == 5.0
        assert longest_gap_s([], 10.0, 17.0) == 7.0

    def test_a_promise_that_held_is_not_told(self):
        made = record(("reads", 12.0, "OK"))
        run = judged(window(made), told(made), [made.began + at for at in range(30)])
        assert broken(scenario(), run) == []

    @pytest.mark.parametrize(
        ("class_", "promise", "is_broken"),
        [
            ("reads", {}, True),
            ("reads", {"reads_hidden": False}, False),
            ("writes", {}, False),
            ("writes", {"writes_hidden": True}, True),
        ],
    )
    def test_a_failure_that_retries_do_not_hide_breaks_the_promise_of_its_class(
        self, class_: str, promise: dict[str, Any], is_broken: bool
    ):
        made = record((class_, 12.0, "UNAVAILABLE"))
        run = judged(window(made), told(made), [made.began + at for at in range(30)])
        assert bool(broken(scenario(**promise), run)) is is_broken

    @pytest.mark.parametrize("what", ["lost", "double", "phantom", "unanswered"])
    def test_no_fault_excuses_a_wrong_ledger(self, what: str):
        made = record()
        run = judged(window(made), told(made, **{what: [made.began + 12]}), [])
        assert f"1 {what}" in broken(scenario(write_gap_max_s=None), run)

    def test_writes_that_stop_for_longer_than_promised(self):
        made = record()
        acked = [made.began + at for at in (10.0, 14.0, 19.9)]
        run = judged(window(made), told(made), acked)
        assert broken(scenario(write_gap_max_s=6.0), run) == []
        assert "at most 5 s" in broken(scenario(write_gap_max_s=5), run)[0]

    def test_the_short_form_holds_times_loosely_and_the_ledger_not(self):
        made = record(("reads", 12.0, "UNAVAILABLE"))
        acked = [made.began + at for at in (10.0, 14.0, 19.9)]
        run = judged(window(made), told(made), acked) | {"form": "short"}
        assert broken(scenario(write_gap_max_s=2), run) == []
        assert broken(scenario(write_gap_max_s=1.5), run)
        assert broken(scenario(write_gap_max_s=2), run | {"lost": 1}) == ["1 lost"]

    def test_a_write_that_one_node_has_is_not_acknowledged(self):
        made = record()
        seen = window(made)
        seen.stage.quiet = made.began + 11, made.began + 15
        acked = [made.began + at for at in (11.2, 14.0, 16.0)]
        run = judged(seen, told(made), acked)
        assert run["figures"]["false_acknowledgements"] == 1
        assert "one node" in broken(scenario(write_gap_max_s=None), run)[0]


class TestTable:
    def test_every_fault_of_the_table_has_a_place(self):
        numbers = {int(one.number.rstrip("abcd")) for one in (*SCENARIOS, *BY_TEST)}
        assert numbers == {*range(1, 21), *range(23, 28)}

    def test_each_is_there_once(self):
        numbers = [one.number for one in SCENARIOS]
        assert len(numbers) == len(set(numbers))

    def test_the_short_form_has_one_failover_and_is_of_the_table(self):
        assert {one.number for one in SHORT} <= {one.number for one in SCENARIOS}
        assert [one.number for one in SHORT if one.number in ("1", "2", "3", "7")] == ["1"]
        assert all(one.is_short for one in SHORT)

    @pytest.mark.parametrize("one", BY_TEST, ids=lambda one: one.number)
    def test_a_test_that_the_table_names_is_there(self, one: Any):
        place = Path(__file__).resolve().parents[2] / one.place
        assert place.exists() or not one.place.startswith("tests/")


class TestReport:
    def test_the_bound_of_a_share_is_the_one_of_the_tables(self):
        assert share_bound(0, 10) == pytest.approx(0.2589, abs=1e-4)
        assert share_bound(2, 10) == pytest.approx(0.5069, abs=1e-4)
        assert share_bound(10, 10) == 1.0

    def test_no_failed_second_in_few_runs_is_no_proof_of_none(self):
        assert failed_bound_s([0, 0, 0]) == pytest.approx(0.6316, abs=1e-4)
        assert failed_bound_s([0] * 30) == pytest.approx(0.0950, abs=1e-4)

    def test_runs_that_all_failed_count_as_the_worst(self):
        assert failed_bound_s([3, 7, 5]) == 7

    def test_availability_is_what_the_faults_of_a_year_leave(self):
        assert availability([(4, YEAR_S / 100), (1, YEAR_S / 50)]) == pytest.approx(0.94)
        assert availability([]) == 1

    def test_a_run_that_broke_off_counts_as_one_that_broke_a_promise(self):
        made = record(("writes", 12.0, "UNAVAILABLE"))
        run = {**judged(window(made), told(made), [made.began + 11]), "broken": []}
        found = sums([run, {"number": "1", "name": "a fault", "broken": ["no primary"]}])
        assert (found.runs, found.broken, found.failed_max_s["writes"]) == (2, 1, 1)
        assert found.acknowledged == 1

    def test_what_is_reported_is_what_is_kept(self):
        document = RESULTS.parents[2] / "docs" / "availability.md"
        runs = kept_runs(RESULTS)
        assert document.read_text() == report(runs, kept_runs(BEFORE))
        assert (RESULTS.parent / PROMISE).read_text() == promise(runs)

    def test_the_promise_is_told_with_what_was_seen(self):
        made = record(("writes", 12.0, "UNAVAILABLE"))
        run = {**judged(window(made), told(made), [made.began + 11]), "broken": []}
        words = promise([run, run])
        assert "2 runs of 1 faults, 2 acknowledged writes: 0 lost" in words
        assert "| 10 | 9.0 / 9.0 | 2 |" in words
        assert "| reads | go on" in words


def test_poison_is_never_the_entry_that_was_there():
    dice = random.Random(7)
    values = {bytes([name]): dice.randbytes(100) for name in range(50)}
    old = {name: dice.randbytes(90) for name in values}
    put = poisoned(values, old, dice)
    assert put.keys() == values.keys()
    same = sum(put[name] == value for name, value in values.items())
    assert same <= 2  # another id's value, drawn to be its own
    assert any(len(value) < 100 for value in put.values())
