"""`resolve`: a NACHA file goes up as a stream; results, findings and answer files come back."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated, Any, Final

import typer
from google.protobuf.descriptor import EnumDescriptor

from opencif.client import Client
from opencif.commands.files import PendingFile, chunks, progress
from opencif.commands.forms import described, enum_names, setter
from opencif.commands.session import Exit, Session, session_of
from opencif.commands.show import Output, as_dict
from opencif.commands.stages import Stages
from opencif.v1 import account_pb2, ach_pb2

_FINDINGS_SHOWN: Final = 20


def _names(kind: EnumDescriptor) -> dict[int, str]:
    return {number: name for name, number in enum_names(kind).items()}


_DISPOSITIONS: Final = _names(ach_pb2.Disposition.DESCRIPTOR)
_MATCHES: Final = _names(ach_pb2.NameMatch.DESCRIPTOR)
_SEVERITIES: Final = _names(ach_pb2.FindingSeverity.DESCRIPTOR)
_STATES: Final = _names(account_pb2.AccountState.DESCRIPTOR)
_TYPES: Final = _names(account_pb2.AccountType.DESCRIPTOR)
_NAME_POLICIES: Final = ", ".join(enum_names(ach_pb2.NamePolicy.DESCRIPTOR))


class _Run:
    """What has come back so far: findings are shown or counted, never piled up."""

    def __init__(
        self, output: Output, outputs: dict[str, IO[bytes] | None], stages: Stages
    ) -> None:
        self.findings: list[ach_pb2.AchFinding] = []
        self.found = self.controls = 0
        self.summary: ach_pb2.AchFileSummary | None = None
        self._output = output
        self._outputs = outputs
        self._stages = stages

    def take(self, part: ach_pb2.ResolveAchFileResponse) -> None:
        """One part of the answer, to where it belongs."""
        with self._stages.during("writing"):
            self._take(part)

    def _take(self, part: ach_pb2.ResolveAchFileResponse) -> None:
        kind = part.WhichOneof("part") or ""
        if kind == "batch":
            results = self._outputs["results"]
            if results is not None:
                results.write(b"".join(_lines(part.batch)))
        elif kind == "finding":
            self._find(part.finding)
        elif kind == "summary":
            self.summary = part.summary
        else:
            file = self._outputs[kind]
            if file is not None:
                file.write(getattr(part, kind))

    def _find(self, finding: ach_pb2.AchFinding) -> None:
        self.found += 1
        self.controls += finding.severity == ach_pb2.FINDING_SEVERITY_CONTROL
        if self._output.as_json:
            self._output.line({"finding": as_dict(finding)})
        elif len(self.findings) < _FINDINGS_SHOWN:
            self.findings.append(finding)


def _resolve(  # noqa: PLR0913  the command's options
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The NACHA file; - for standard input.")],
    *,
    return_file: Annotated[Path | None, typer.Option(help="Write the return file here.")] = None,
    noc_file: Annotated[
        Path | None, typer.Option(help="Write the file of notifications of change here.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Write every entry's result here, a JSON object a line.")
    ] = None,
    name_policy: Annotated[
        str, typer.Option(help=f"For names that match no owner: {_NAME_POLICIES}.")
    ] = "",
    survivor_returns: Annotated[
        bool, typer.Option("--survivor-returns", help="Federal benefits after a death: R15.")
    ] = False,
    close_match_noc: Annotated[
        bool, typer.Option("--close-match-noc", help="C04 where the name is close, not equal.")
    ] = False,
    as_of: Annotated[str, typer.Option(help="Judge as of then, in RFC 3339.")] = "",
    request_id: Annotated[
        str, typer.Option(help="A UUID: the same file under the same id is no duplicate.")
    ] = "",
) -> None:
    """Say which entries of a NACHA file post, go back or earn a notification of change.

    Output files appear whole or not at all; one with nothing in it is empty.
    """
    session = session_of(context)

    async def action(client: Client) -> Exit:
        options = ach_pb2.ResolveAchFileOptions(
            policy=ach_pb2.AchPolicy(
                federal_benefit_survivor_returns=survivor_returns, close_match_noc=close_match_noc
            ),
            detail=ach_pb2.RESULT_DETAIL_ALL if results else ach_pb2.RESULT_DETAIL_EXCEPTIONS,
            request_id=request_id,
            without_files=not (return_file or noc_file),
            with_stages=True,
        )
        for name, text in (("policy.name_policy", name_policy), ("as_of", as_of)):
            if text:
                setter(described(options), name)(options, text)
        paths = {"return_file": return_file, "noc_file": noc_file, "results": results}
        return await _run(client, session, file, options, paths)

    session.run(action)


async def _run(
    client: Client,
    session: Session,
    file: Path,
    options: ach_pb2.ResolveAchFileOptions,
    paths: dict[str, Path | None],
) -> Exit:
    stages = Stages()
    with ExitStack() as stack:
        pending = {
            name: stack.enter_context(PendingFile(path)) if path else None
            for name, path in paths.items()
        }
        outputs: dict[str, IO[bytes] | None] = {
            name: each.file if each else None for name, each in pending.items()
        }
        run = _Run(session.output, outputs, stages)
        try:
            with progress(session, file, "resolving") as advance:
                pieces = stages.read(chunks(file, advance))
                async for part in client.resolve_file(pieces, options=options):
                    run.take(part)
        finally:
            _show_findings(session, run)
        with stages.during("writing"):
            for each in pending.values():
                if each is not None:
                    each.keep()
    summary = run.summary
    assert summary is not None, "the client raises where there is none"
    _show(session, summary, stages, [path for path in paths.values() if path])
    if run.controls and not session.output.as_json:
        session.output.complain(f"CONTROL: {run.controls:,} findings, shown above")
    return Exit.NEGATIVE if summary.duplicate or run.controls else Exit.OK


def _show_findings(session: Session, run: _Run) -> None:
    if run.findings:
        session.output.rows(
            ("severity", "code", "#line", "#column", "what"),
            (
                (_SEVERITIES.get(f.severity, ""), f.code, str(f.line), str(f.column), f.message)
                for f in run.findings
            ),
            title=f"Findings: {len(run.findings)} of {run.found}",
        )


def _show(
    session: Session, summary: ach_pb2.AchFileSummary, stages: Stages, paths: list[Path]
) -> None:
    elapsed_s = stages.elapsed_s
    rate = summary.entries / max(elapsed_s, 1e-9)
    spent = {
        "server": {stage.stage: stage.duration_us / 1e6 for stage in summary.stages},
        "client": stages.told(),
    }
    if session.output.as_json:
        session.output.line(
            {
                "summary": as_dict(summary),
                "elapsed_s": round(elapsed_s, 3),
                "entries_per_s": round(rate),
                "stages_s": {
                    side: {stage: round(seconds, 3) for stage, seconds in told.items()}
                    for side, told in spent.items()
                },
            }
        )
        return
    session.output.rows(("disposition", "code", "#entries"), _outcomes(summary), title="Entries")
    session.output.rows(("control total", "#stated", "#counted", ""), _totals(summary.totals))
    for path in paths:
        session.output.say(f"wrote {path} ({path.stat().st_size:,} bytes)")
    if summary.duplicate:
        session.output.complain("DUPLICATE_FILE: the same bytes were resolved before")
    for side, told in spent.items():
        shares = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in told.items())
        session.output.say(f"{side}, seconds: {shares}")
    session.output.say(f"{summary.entries:,} entries in {elapsed_s:.2f} s: {rate:,.0f} entries/s")


def _outcomes(summary: ach_pb2.AchFileSummary) -> Iterator[tuple[str, str, str]]:
    yield "POST", "", f"{summary.posted:,}"
    for noc in summary.nocs:
        yield "POST_WITH_NOC", noc.code, f"{noc.entries:,}"
    for returned in summary.returns:
        yield "RETURN", returned.code, f"{returned.entries:,}"
    yield "REVIEW", "", f"{summary.review:,}"
    yield "NOT_OURS", "", f"{summary.not_ours:,}"
    yield "all", "", f"{summary.entries:,}"


def _totals(totals: ach_pb2.ControlTotals) -> Iterator[tuple[str, str, str, str]]:
    for name, text in (
        ("batches", _count),
        ("entry_addenda_count", _count),
        ("entry_hash", str),
        ("debit_minor", _money),
        ("credit_minor", _money),
    ):
        stated, counted = getattr(totals, f"{name}_stated"), getattr(totals, name)
        label = name.removesuffix("_minor").replace("_", " ")
        yield label, text(stated), text(counted), "agree" if stated == counted else "DIFFER"


def _count(number: int) -> str:
    return f"{number:,}"


def _money(minor: int) -> str:
    return f"{minor // 100:,}.{minor % 100:02d}"


def _lines(batch: ach_pb2.AchBatchResult) -> Iterator[bytes]:
    """Every result as a line of JSON; by hand, since protobuf's own takes ten times as long."""
    for result in batch.resolutions:
        fields: dict[str, Any] = {
            "entry_seq": result.entry_seq,
            "line": result.line,
            "trace_number": result.trace_number,
            "batch_number": batch.batch_number,
            "sec_code": batch.sec_code,
            "disposition": _DISPOSITIONS.get(result.disposition, ""),
            "return_code": result.return_code,
            "noc_code": result.noc.code,
            "return_by_date": result.return_by_date,
            "date_of_death": result.date_of_death,
            "name_match": _MATCHES.get(result.name_match, ""),
            "findings": list(result.findings),
            "account": result.account,
            "account_state": _STATES.get(result.account_state, ""),
            "account_type": _TYPES.get(result.account_type, ""),
            "master_version": result.master_version,
        }
        told = {name: value for name, value in fields.items() if value}
        yield json.dumps(told, separators=(",", ":")).encode() + b"\n"


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        "resolve",
        epilog="Example: opencif resolve today.ach --return-file r.ach --results out.jsonl",
    )(_resolve)
