"""The routing table: schemes, successors, the FedACH directory's rows and the overlay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencif.v1 import routing_pb2
from opencif.v1.routing_pb2 import AccountScheme, RoutingNumber
from repository.routing import RoutingRow
from server.fedach import DirectoryReader
from server.routing_rows import overlaid, to_message, to_row
from server.routing_table import RoutingTable, Scheme
from tokenizer.normal import NotNormal

OURS, OTHER, OLD, OLDER = "076401251", "011000015", "026009593", "061000146"
DAY = "2026-11-23"
LUHN = routing_pb2.CHECK_ALGORITHM_LUHN
WEIGHTED = routing_pb2.CHECK_ALGORITHM_MOD_10_WEIGHTED_371


def row(number: str = OTHER, **fields: str) -> bytes:
    """A directory row, column by column as the Federal Reserve prints them."""
    said = {
        "office": "O",
        "frb": "061000146",
        "type": "1",
        "changed": "061526",
        "new": "000000000",
        "name": "FIRST BANK OF EXAMPLE",
        "address": "1 MAIN ST",
        "city": "SPRINGFIELD",
        "state": "IL",
        "zip": "627010000",
        "phone": "2175550100",
        "status": "1",
        "view": "1",
    } | fields
    return (
        f"{number}{said['office']}{said['frb']}{said['type']}{said['changed']}{said['new']}"
        f"{said['name']:36}{said['address']:36}{said['city']:20}{said['state']:2}{said['zip']}"
        f"{said['phone']}{said['status']}{said['view']}     "
    ).encode()


def read(*lines: bytes, end: bytes = b"\r\n") -> DirectoryReader:
    reader = DirectoryReader()
    reader.feed(end.join(lines) + end)
    reader.close()
    return reader


def test_a_directory_row_is_read_by_its_columns() -> None:
    assert len(row()) == 155
    message = to_message(read(row()).rows[OTHER])
    assert message == RoutingNumber(
        routing_number=OTHER,
        office_code="O",
        servicing_frb="061000146",
        record_type=1,
        change_date="2026-06-15",
        customer_name="FIRST BANK OF EXAMPLE",
        town="SPRINGFIELD",
        region="IL",
        participates=True,
    )


def test_a_retired_row_names_its_successor() -> None:
    found = read(row(OLD, type="2", new=OURS)).rows[OLD]
    assert (found.record_type, found.new_routing_number) == (2, OURS)


@given(st.integers(1, 400), st.sampled_from([b"\n", b"\r\n"]))
def test_rows_do_not_depend_on_where_chunks_are_cut(size: int, end: bytes) -> None:
    data = end.join([row(OTHER), row(OURS), row(OLD)])
    reader = DirectoryReader()
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    reader.close()
    assert list(reader.rows) == [OTHER, OURS, OLD]
    assert not reader.refused


@pytest.mark.parametrize(
    ("line", "reason", "field"),
    [
        (b"short", "MALFORMED", ""),
        (row(name="caf\u00e9"), "MALFORMED", ""),
        (row("011000016"), "CHECK_DIGIT", "routing_number"),
        (row("01100001X"), "MALFORMED", "routing_number"),
        (row(type="7"), "MALFORMED", "record_type"),
        (row(type="2", new="076401252"), "CHECK_DIGIT", "new_routing_number"),
        (row(changed="023026"), "INVALID_DATE", "change_date"),
        (row(OURS), "ALREADY_EXISTS", "routing_number"),
    ],
)
def test_a_bad_row_is_refused_and_the_others_are_taken(
    line: bytes, reason: str, field: str
) -> None:
    reader = read(row(OURS), line, row(OLD))
    assert set(reader.rows) == {OURS, OLD}
    [(number, refused)] = reader.refused
    assert (number, refused.reason, refused.field) == (2, reason, field)


def test_the_bank_lays_its_own_over_the_directory() -> None:
    addition = RoutingNumber(
        routing_number=OTHER,
        ours=True,
        participates=True,
        customer_name="OUR BANK",
        account_scheme=AccountScheme(min_length=6, digits_only=True, check_algorithm=LUHN),
    )
    [laid] = overlaid([to_row(addition), read(row()).rows[OTHER]])
    assert (laid.customer_name, laid.town, laid.ours) == ("OUR BANK", "SPRINGFIELD", True)
    assert laid.account_scheme == addition.account_scheme


def test_what_only_the_bank_can_say_is_never_the_directorys() -> None:
    [laid] = overlaid([to_row(RoutingNumber(routing_number=OTHER)), read(row()).rows[OTHER]])
    assert not laid.participates


def test_an_addition_survives_its_row() -> None:
    addition = RoutingNumber(
        routing_number=OURS,
        ours=True,
        change_date="2026-01-31",
        sold_to_routing_number=OTHER,
        account_scheme=AccountScheme(max_length=12, strip_leading_zeros=True),
    )
    assert to_message(RoutingRow(*to_row(addition))) == addition


@pytest.mark.parametrize(
    ("scheme", "text", "expected"),
    [
        (AccountScheme(), "12-34 ab", "1234AB"),
        (AccountScheme(), "0012", "0012"),
        (AccountScheme(strip_leading_zeros=True), "0012", "12"),
        (AccountScheme(strip_leading_zeros=True, min_length=3), "0012", ""),
        (AccountScheme(digits_only=True), "12A", ""),
        (AccountScheme(max_length=4), "12345", ""),
        (AccountScheme(check_algorithm=LUHN), "79927398713", "79927398713"),
        (AccountScheme(check_algorithm=LUHN), "79927398714", ""),
        (AccountScheme(check_algorithm=LUHN), "7992739871A", ""),
        (AccountScheme(check_algorithm=WEIGHTED), OURS, OURS),
        (AccountScheme(check_algorithm=WEIGHTED), "076401252", ""),
        (AccountScheme(), "123456789012345678", ""),
        (AccountScheme(), "", ""),
        (AccountScheme(), "12*4", ""),
        (AccountScheme(), "\uff11\uff12", ""),
    ],
)
def test_an_entrys_number_is_held_to_its_scheme(
    scheme: AccountScheme, text: str, expected: str
) -> None:
    assert Scheme.of(scheme).entry_number(text) == expected


@given(st.text("0129aA -*\uff11\u0662", max_size=20), st.booleans())
def test_written_forms_of_entries_are_those_of_lookups(text: str, strips: bool) -> None:
    scheme = Scheme(strips_leading_zeros=strips)
    try:
        expected = scheme.account_number(text)
    except NotNormal:
        expected = ""
    assert scheme.entry_number(text) == expected


def test_lookups_normalise_without_holding_to_the_scheme() -> None:
    table = RoutingTable(
        [
            RoutingNumber(
                routing_number=OURS,
                account_scheme=AccountScheme(strip_leading_zeros=True, min_length=9),
            )
        ]
    )
    assert table.scheme(OURS).account_number("00 12") == "12"
    assert table.scheme(OTHER).account_number("00 12") == "0012"
    with pytest.raises(NotNormal):
        table.scheme(OURS).account_number("1\u0662")


def retired(number: str, heir: str, since: str = "2026-01-01") -> RoutingNumber:
    return RoutingNumber(
        routing_number=number,
        record_type=2,
        new_routing_number=heir,
        change_date=since,
        participates=True,
    )


def ours(number: str = OURS) -> RoutingNumber:
    return RoutingNumber(routing_number=number, ours=True, participates=True)


def test_successors_are_followed_to_the_last_one() -> None:
    table = RoutingTable([ours(), retired(OLD, OURS), retired(OLDER, OLD)])
    route = table.route(OLDER, DAY)
    assert (route.routing_number, route.is_retired, route.is_ours) == (OURS, True, True)


@pytest.mark.parametrize(
    ("since", "heir"), [("2026-11-22", OURS), (DAY, OURS), ("2026-11-24", OLD)]
)
def test_a_change_has_happened_from_its_day_on(since: str, heir: str) -> None:
    route = RoutingTable([ours(), retired(OLD, OURS, since)]).route(OLD, DAY)
    assert route.routing_number == heir


def test_a_circle_of_successors_ends() -> None:
    route = RoutingTable([retired(OLD, OLDER), retired(OLDER, OLD)]).route(OLD, DAY)
    assert not route.is_ours


def test_a_number_of_ours_whose_heir_is_not_is_sold() -> None:
    old = retired(OLD, OTHER)
    old.ours = True
    route = RoutingTable([old]).route(OLD, DAY)
    assert (route.routing_number, route.is_sold, route.is_retired) == (OLD, True, False)


@pytest.mark.parametrize("number", ["", "07640125", "076401252", "07640125A", "\uff10" * 9])
def test_what_is_no_routing_number_is_not_well_formed(number: str) -> None:
    assert not RoutingTable([ours()]).route(number, DAY).is_well_formed
