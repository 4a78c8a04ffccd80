"""`opencif resolve` and `opencif load`: files in, files and tables out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from opencif.commands.session import Exit
from opencif.v1 import account_pb2, ach_pb2, import_pb2, routing_pb2
from tests.unit.scripted_server import Refusal, Script, run, scripted

CUSTOMER = "customers/01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        yield running


def resolution(*parts: Any, fails: bool = False) -> Any:
    def answer(_: Any) -> Iterator[Any]:
        yield from parts
        if fails:
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FILE")

    return answer


def part(**of: Any) -> ach_pb2.ResolveAchFileResponse:
    return ach_pb2.ResolveAchFileResponse(**of)


SUMMARY = ach_pb2.AchFileSummary(
    entries=3,
    posted=1,
    returned=2,
    returns=[ach_pb2.CodeCount(code="R03", entries=2)],
    totals=ach_pb2.ControlTotals(debit_minor=123_456, debit_minor_stated=123_456),
    stages=[ach_pb2.StageTime(stage="reading", duration_us=1_500_000)],
)


@pytest.fixture
def ach_file(tmp_path: Path) -> Path:
    path = tmp_path / "in.ach"
    path.write_bytes(b"1" * 700_000)
    return path


def test_a_file_is_resolved_into_tables_and_files(
    script: Script, ach_file: Path, tmp_path: Path
) -> None:
    returned = ach_pb2.AchResolution(
        entry_seq=7,
        disposition=ach_pb2.DISPOSITION_RETURN,
        return_code="R03",
        findings=["R03"],
        account_state=account_pb2.ACCOUNT_STATE_OPEN,
    )
    script.answers["ResolveAchFile"] = resolution(
        part(batch=ach_pb2.AchBatchResult(batch_number=1, resolutions=[returned])),
        part(return_file=b"ret"),
        part(return_file=b"urn"),
        part(summary=SUMMARY),
    )
    paths = {name: tmp_path / name for name in ("return.ach", "noc.ach", "results.jsonl")}
    result = run(
        script,
        *("resolve", str(ach_file), "--return-file", str(paths["return.ach"])),
        *("--noc-file", str(paths["noc.ach"]), "--results", str(paths["results.jsonl"])),
        *("--name-policy", "RETURN"),
    )
    assert result.exit_code == 0, result.stderr
    assert paths["return.ach"].read_bytes() == b"return"
    assert paths["noc.ach"].read_bytes() == b""
    line = json.loads(paths["results.jsonl"].read_text())
    assert (line["disposition"], line["return_code"], line["entry_seq"]) == ("RETURN", "R03", 7)
    assert line["account_state"] == "OPEN"
    assert "1,234.56" in result.output
    assert "entries/s" in result.output
    assert "server, seconds: reading 1.50" in result.output
    assert "client, seconds: reading 0.0" in result.output
    options, *data = script.seen[0]
    assert options.options.policy.name_policy == ach_pb2.NAME_POLICY_RETURN
    assert options.options.detail == ach_pb2.RESULT_DETAIL_ALL
    assert not options.options.without_files
    assert b"".join(piece.data for piece in data) == ach_file.read_bytes()


@pytest.mark.parametrize("detail", ["duplicate", "control"])
def test_a_file_that_must_not_be_posted_is_negative(
    script: Script, ach_file: Path, detail: str
) -> None:
    finding = ach_pb2.AchFinding(code="ENTRY_HASH", severity=ach_pb2.FINDING_SEVERITY_CONTROL)
    summary = ach_pb2.AchFileSummary(duplicate=detail == "duplicate")
    findings = [part(finding=finding)] if detail == "control" else []
    script.answers["ResolveAchFile"] = resolution(*findings, part(summary=summary))
    result = run(script, "--json", "resolve", str(ach_file))
    assert result.exit_code == Exit.NEGATIVE
    *found, last = map(json.loads, result.output.splitlines())
    assert [line["finding"]["code"] for line in found] == ["ENTRY_HASH"] * len(findings)
    assert "entries_per_s" in last
    stages = last["stages_s"]["client"]
    assert stages["reading"] + stages["writing"] + stages["waiting"] >= last["elapsed_s"] - 0.002
    assert script.seen[0][0].options.without_files


def test_a_broken_file_leaves_the_old_output_alone(
    script: Script, ach_file: Path, tmp_path: Path
) -> None:
    finding = ach_pb2.AchFinding(
        code="BAD_LENGTH", severity=ach_pb2.FINDING_SEVERITY_STRUCTURAL, line=3
    )
    script.answers["ResolveAchFile"] = resolution(
        part(return_file=b"half"), part(finding=finding), fails=True
    )
    output = tmp_path / "return.ach"
    output.write_bytes(b"old")
    result = run(script, "resolve", str(ach_file), "--return-file", str(output))
    assert result.exit_code == Exit.REFUSED
    assert "BAD_LENGTH" in result.output
    assert "INVALID_FILE" in result.stderr
    assert output.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == sorted([ach_file, output])


def test_an_answer_that_breaks_off_leaves_no_output(
    script: Script, ach_file: Path, tmp_path: Path
) -> None:
    script.answers["ResolveAchFile"] = resolution(part(return_file=b"half"))
    result = run(script, "resolve", str(ach_file), "--return-file", str(tmp_path / "return.ach"))
    assert result.exit_code not in {Exit.OK, Exit.NEGATIVE}
    assert "broke off" in result.stderr
    assert list(tmp_path.iterdir()) == [ach_file]


def test_rows_are_loaded_and_rejects_named_by_their_row(script: Script, tmp_path: Path) -> None:
    script.answers["ImportRecords"] = lambda _: import_pb2.ImportRecordsResponse(
        accounts=2,
        rejected=[routing_pb2.RejectedRow(row=2, reason="CHECK_DIGIT", field="routing_number")],
        rejected_count=1,
    )
    path = tmp_path / "accounts.csv"
    path.write_text(
        "routing_number,account_number,account_type,currency,parties.0.customer,parties.0.role\n"
        f"021000021,1,CHECKING,USD,{CUSTOMER},PRIMARY_OWNER\n"
        "021000021,2,PURSE,USD,,\n"
        "\n"
        "021000022,3,SAVINGS,USD,,\n"
        "021000021,4,LOAN\n"
        f'021000021,5,LOAN,USD,"{CUSTOMER}",JOINT_OWNER\n',
        encoding="utf-8-sig",
    )
    result = run(
        script, "--json", "load", str(path), "--kind", "account", "--source-system", "CORE"
    )
    assert result.exit_code == Exit.NEGATIVE
    (request,) = script.seen[0]
    assert request.source_system == "CORE"
    accounts = [row.account for row in request.records]
    assert [account.account_number for account in accounts] == ["1", "3", "5"]
    assert accounts[0].parties[0].role == account_pb2.PARTY_ROLE_PRIMARY_OWNER
    assert [
        (row["row"], row["reason"], row["field"]) for row in json.loads(result.output)["rejected"]
    ] == [
        ("3", "CHECK_DIGIT", "routing_number"),
        ("2", "MALFORMED", "account_type"),
        ("4", "MALFORMED", "row"),
    ]


def test_a_column_there_is_not_stops_the_load(script: Script, tmp_path: Path) -> None:
    path = tmp_path / "cards.csv"
    path.write_text("pan,cvv\n4111111111111111,123\n")
    result = run(script, "load", str(path), "--kind", "card")
    assert result.exit_code == Exit.USAGE
    assert "cvv" in result.stderr
