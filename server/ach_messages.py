"""What the resolution of entries looks like on the wire: parts serialized once are spliced in.

Must not decide anything.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final, NamedTuple

from opencif.nacha import Finding
from opencif.v1.ach_pb2 import (
    DISPOSITION_POST,
    AchBatchResult,
    AchFinding,
    AchNoc,
    AchResolution,
    ResolveAchFileResponse,
)
from repository.record import Kind
from server import names
from server.account_facts import AccountFacts
from server.ach_accounts import Resolved
from server.resolution import return_by
from server.splice import embedded

__all__ = ["Place", "batch_part", "file_finding", "posting", "resolution"]

_RESOLUTIONS: Final = AchBatchResult.RESOLUTIONS_FIELD_NUMBER
_BATCH: Final = ResolveAchFileResponse.BATCH_FIELD_NUMBER


class Place(NamedTuple):
    """Where an entry stands: its number, its trace number, and in a file its line."""

    entry_seq: int
    trace_number: str
    line: int = 0
    card_token: str = ""
    """The token of the card number that stands in it, for SHR."""


def resolution(
    place: Place, resolved: Resolved, settlement_date: str, corrected_data: str = ""
) -> bytes:
    """An AchResolution. Settlement is YYYY-MM-DD."""
    decision, account = resolved
    message = AchResolution(
        entry_seq=place.entry_seq,
        line=place.line,
        trace_number=place.trace_number,
        disposition=decision.disposition,  # type: ignore[arg-type]  # an enum's number
        name_match=decision.name_match,  # type: ignore[arg-type]  # an enum's number
    )
    if decision.findings or place.card_token:
        answer = decision.return_code or decision.noc_code
        message.return_code = decision.return_code
        message.return_by_date = _return_by(settlement_date, answer) if answer else ""
        message.date_of_death = decision.date_of_death
        message.findings.extend(decision.findings)
        message.card_token = place.card_token
    if decision.noc_code:
        message.noc.CopyFrom(AchNoc(code=decision.noc_code, corrected_data=corrected_data))
    own = message.SerializeToString()
    return own if account is None else own + _shown(account)


def posting(place: Place, name_match: int, id_: bytes, account: Any) -> bytes:
    """An AchResolution of a plain entry; `account` is its row of account_table.py."""
    return AchResolution(
        entry_seq=place.entry_seq,
        line=place.line,
        trace_number=place.trace_number,
        disposition=DISPOSITION_POST,
        name_match=name_match,  # type: ignore[arg-type]  # an enum's number
        account=names.format(Kind.ACCOUNT, id_),
        account_state=int(account["state"]),  # type: ignore[arg-type]  # an enum's number
        account_type=int(account["account_type"]),  # type: ignore[arg-type]  # an enum's number
        master_version=int(account["version"]),
    ).SerializeToString()


def batch_part(head: AchBatchResult, resolutions: Sequence[bytes]) -> bytes:
    """A ResolveAchFileResponse with results; `head` is the rest of their batch's message."""
    results = b"".join([embedded(_RESOLUTIONS, one) for one in resolutions])
    return embedded(_BATCH, head.SerializeToString() + results)


def file_finding(finding: Finding) -> bytes:
    """A ResolveAchFileResponse with a finding of the codec."""
    message = AchFinding(
        code=finding.code,
        severity=finding.severity,  # type: ignore[arg-type]  # an enum's number
        line=finding.line,
        column=finding.column,
        message=finding.message,
    )
    return ResolveAchFileResponse(finding=message).SerializeToString()


def _shown(account: AccountFacts) -> bytes:
    """What a result says of its account, serialized once for each version."""
    if not account.shown:
        account.shown = AchResolution(
            account=account.message.name,
            account_state=account.state,
            account_type=account.account_type,
            master_version=account.version,
        ).SerializeToString()
    return account.shown


@lru_cache(maxsize=1024)
def _return_by(settlement_date: str, code: str) -> str:
    return return_by(date.fromisoformat(settlement_date), code).isoformat()
