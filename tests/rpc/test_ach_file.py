"""Clearing resolves files: journey 1 (DOMAIN, section F) as a stream of bytes."""

import hashlib
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from opencif import nacha
from opencif.client import Client
from opencif.errors import OpencifError
from opencif.nacha import make_entry
from opencif.nacha.addenda import ChangeAddenda, PaymentAddenda, ReturnAddenda
from opencif.v1 import ach_pb2
from tests.rpc.clearing import (
    HEADER,
    NOC,
    OURS,
    PAN,
    POST,
    RETURN,
    Answer,
    Bank,
    corrected,
    forward,
    header,
    number_of,
    planted,
    resolve,
    settled,
    told,
)

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "data" / "ach"


@pytest.fixture
async def bank(client: Client, addresses: list[str]) -> Bank:
    return await settled(client, addresses)


async def test_a_file_earns_what_was_planted(bank: Bank) -> None:
    data, expected = planted(bank)
    answer = await resolve(bank.client, data)
    assert [told(one) for one in answer.resolutions] == expected
    assert [one.entry_seq for one in answer.resolutions] == list(range(1, len(expected) + 1))
    assert all(
        data.split(b"\n")[one.line - 1][79:94].decode() == one.trace_number
        for one in answer.resolutions
    )
    assert [(one.sec_code, one.batch_number, one.more) for one in answer.batches] == [
        ("PPD", 1, False), ("CCD", 2, False), ("IAT", 3, False), ("SHR", 4, False),
    ]  # fmt: skip
    summary = answer.summary
    assert summary is not None
    assert summary.file_hash == hashlib.sha256(data).hexdigest()
    assert not summary.duplicate
    by_code = Counter(code for disposition, code in expected if disposition == RETURN)
    assert {one.code: one.entries for one in summary.returns} == by_code
    by_code = Counter(code for disposition, code in expected if disposition == NOC)
    assert {one.code: one.entries for one in summary.nocs} == by_code
    dispositions = Counter(disposition for disposition, _ in expected)
    assert (summary.posted, summary.returned) == (dispositions[POST], dispositions[RETURN])
    assert summary.entries == len(expected)
    totals = summary.totals
    assert totals.entry_hash == totals.entry_hash_stated
    known = sum(
        code != "R26" for _, code in expected
    )  # an unknown code is neither debit nor credit
    assert totals.credit_minor == totals.credit_minor_stated == 100 * known
    assert totals.entry_addenda_count == totals.entry_addenda_count_stated
    assert not any(one.noc.corrected_data for one in answer.resolutions)


async def test_the_files_answer_every_entry_that_earned_one_and_parse_clean(bank: Bank) -> None:
    data, expected = planted(bank)
    answer = await resolve(bank.client, data)
    assert answer.summary is not None
    assert len(answer.returns) == answer.summary.return_file_bytes
    assert len(answer.nocs) == answer.summary.noc_file_bytes
    returned = list(nacha.read([answer.returns]))
    changed = list(nacha.read([answer.nocs]))
    assert not [one for one in returned + changed if isinstance(one, nacha.Finding)]
    returns = [e.addenda[-1] for e in returned if isinstance(e, nacha.Entry)]
    assert [a.return_code for a in returns if isinstance(a, ReturnAddenda)] == [
        code for disposition, code in expected if disposition == RETURN
    ]
    changes = [e.addenda[-1] for e in changed if isinstance(e, nacha.Entry)]
    found = [(a.change_code, a.corrected_data) for a in changes if isinstance(a, ChangeAddenda)]
    assert found == [
        (code, corrected(bank, code)) for disposition, code in expected if disposition == NOC
    ]


async def test_the_stages_add_up_to_the_time_the_server_took(bank: Bank) -> None:
    data, _ = planted(bank)
    summary = (await resolve(bank.client, data, with_stages=True)).summary
    assert summary is not None
    taken_us = {stage.stage: stage.duration_us for stage in summary.stages}
    assert {"reading", "ids", "lookups", "deciding", "writing"} <= taken_us.keys()
    assert taken_us["reading"] > 0
    assert sum(taken_us.values()) >= summary.duration_ms * 1_000 - 1_000


async def test_a_card_number_comes_back_as_its_token_and_in_the_return_file_only(
    bank: Bank,
) -> None:
    batch = header("SHR", 1)
    cards = [PAN, "4111111111111112"]
    entries = [
        forward(batch, n, number_of(bank, "closed"), card_number=pan, card_expiration="0728")
        for n, pan in enumerate(cards, 1)
    ]
    answer = await resolve(bank.client, b"".join(nacha.compose(HEADER, [(batch, entries)])))
    good, bad = answer.resolutions
    assert good.card_token.endswith(PAN[-4:])
    assert good.card_token != PAN
    assert bad.card_token == ""
    [finding] = answer.findings
    assert (finding.code, finding.column) == ("NUMBER_NOT_LUHN", 55)
    assert answer.returns.count(PAN.encode()) == 1
    assert b"4111111111111112" not in answer.returns
    assert all(pan not in str(answer.resolutions + answer.findings) for pan in cards)


async def test_parts_of_a_batch_follow_each_other_whatever_the_pieces(bank: Bank) -> None:
    batches = []
    for number, count in enumerate((1, 2_500, 1_000, 3), 1):
        batch = header("PPD", number)
        entry = forward(batch, 1, number_of(bank, "ok"))
        batches.append((batch, [entry] * count))
    data = b"".join(nacha.compose(HEADER, batches))
    answer = await resolve(bank.client, data, piece=77_777)
    assert len(answer.resolutions) == 3_504
    sizes: dict[int, list[int]] = {}
    for one in answer.batches:
        assert len(one.resolutions) <= 1_000
        sizes.setdefault(one.batch_number, []).append(len(one.resolutions))
    assert [sum(sizes[number]) for number in (1, 2, 3, 4)] == [1, 2_500, 1_000, 3]
    last = {one.batch_number: one.more for one in answer.batches}
    assert not any(last.values())
    assert sum(one.more for one in answer.batches) == len(answer.batches) - 4


async def test_addenda_and_empty_batches_do_not_pile_up(bank: Bank) -> None:
    number, said = number_of(bank, "ok"), {"individual_name": "ANN BELL"}
    remittance = [PaymentAddenda.build(information="RMR*IV*1")] * 9_000
    ctx = header("CTX", 1)
    entry = make_entry(
        ctx, 1, remittance, transaction_code=22, routing_number=OURS, account_number=number, **said
    )
    batches = [(ctx, [entry] * 4), *((header("PPD", n), []) for n in range(2, 22_000))]
    answer = await resolve(bank.client, b"".join(nacha.compose(HEADER, batches)))
    assert [told(one) for one in answer.resolutions] == [(POST, "")] * 4
    parts = [one for one in answer.batches if one.sec_code == "CTX"]
    assert len(parts) > 1, "a part ends before the batch does"
    assert [one.more for one in parts] == [True] * (len(parts) - 1) + [False]
    assert answer.summary is not None
    assert answer.summary.totals.batches == len(batches)


async def test_exceptions_leave_plain_posts_out(bank: Bank) -> None:
    data, expected = planted(bank)
    answer = await resolve(
        bank.client, data, detail=ach_pb2.RESULT_DETAIL_EXCEPTIONS, without_files=True
    )
    assert [told(one) for one in answer.resolutions] == [one for one in expected if one[1]]
    assert (answer.returns, answer.nocs) == (b"", b"")
    assert answer.summary is not None
    assert answer.summary.entries == len(expected)


async def test_the_same_file_again_is_a_duplicate_and_the_same_request_is_not(bank: Bank) -> None:
    data, _ = planted(bank)
    request_id = str(uuid.uuid4())
    first = await resolve(bank.client, data, request_id=request_id)
    repeated = await resolve(bank.client, data, request_id=request_id)
    assert repeated == first
    again = await resolve(bank.client, data)
    assert again.codes() == [*first.codes(), "DUPLICATE_FILE"]
    assert again.summary is not None
    assert again.summary.duplicate
    assert await resolve(bank.client, data, request_id=request_id) == first


async def test_another_file_under_the_same_request_id_is_refused(bank: Bank) -> None:
    data, _ = planted(bank)
    request_id = str(uuid.uuid4())
    await resolve(bank.client, data, request_id=request_id)
    with pytest.raises(OpencifError) as refused:
        await resolve(bank.client, data.replace(b"PAYMENT", b"ANOTHER"), request_id=request_id)
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_control_that_does_not_agree_is_a_finding(bank: Bank) -> None:
    data, expected = planted(bank)
    lines = data.split(b"\n")
    at = next(i for i, line in enumerate(lines) if line.startswith(b"9") and line[1:2] != b"9")
    lines[at] = lines[at][:21] + b"0000000001" + lines[at][31:]
    answer = await resolve(bank.client, b"\n".join(lines))
    assert "ENTRY_HASH" in answer.codes()
    found = next(one for one in answer.findings if one.code == "ENTRY_HASH")
    assert (found.line, found.severity) == (at + 1, ach_pb2.FINDING_SEVERITY_CONTROL)
    assert len(answer.resolutions) == len(expected)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda data: b"", "EMPTY_FILE"),
        (lambda data: data[:1_000], "BAD_LENGTH"),
        (lambda data: data.replace(b"ANN", b"A\x01N", 1), "BAD_CHARACTER"),
        (lambda data: data.replace(b"\n8220", b"\n4220", 1), "UNKNOWN_RECORD_TYPE"),
        (lambda data: data[95:], "OUT_OF_SEQUENCE"),
    ],
)
async def test_a_broken_file_ends_with_where_it_is_broken(
    bank: Bank, spoil: Any, code: str
) -> None:
    data, _ = planted(bank)
    answer = Answer()
    with pytest.raises(OpencifError) as refused:
        await resolve(bank.client, spoil(data), answer=answer)
    assert refused.value.reason == "INVALID_FILE"
    assert "line" in str(refused.value)
    [finding] = [
        one for one in answer.findings if one.severity == ach_pb2.FINDING_SEVERITY_STRUCTURAL
    ]
    assert finding.code == code
    assert answer.summary is None


async def test_options_come_first_or_not_at_all(bank: Bank) -> None:
    data, _ = planted(bank)
    request = ach_pb2.ResolveAchFileRequest

    async def call(*requests: ach_pb2.ResolveAchFileRequest) -> int:
        return len([one async for one in bank.client.ach.ResolveAchFile(iter(requests))])

    assert await call(request(data=data)) > 1
    for requests in ([request(data=data), request(options={})], [request()], []):
        with pytest.raises(OpencifError) as refused:
            await call(*requests)
        assert refused.value.code.name == "INVALID_ARGUMENT"


@pytest.mark.parametrize("detail", [ach_pb2.RESULT_DETAIL_ALL, ach_pb2.RESULT_DETAIL_EXCEPTIONS])
async def test_every_kind_of_file_is_resolved_or_refused_with_a_place(
    bank: Bank, detail: Any
) -> None:
    """The public samples, where they are at hand, and whatever stands in them."""
    for path in sorted(SAMPLES.glob("*.ach")):
        answer = await resolve(bank.client, path.read_bytes(), detail=detail)
        assert answer.summary is not None, path.name
        assert answer.summary.entries == answer.summary.not_ours + answer.summary.returned + (
            answer.summary.review + answer.summary.posted + answer.summary.posted_with_noc
        )
        parsed = list(nacha.read([answer.returns])) if answer.returns else []
        assert not [one for one in parsed if isinstance(one, nacha.Finding)], path.name
