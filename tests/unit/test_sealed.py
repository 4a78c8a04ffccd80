from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card
from opencif.v1.customer_pb2 import Customer
from repository.record import Record
from server.customer_keys import CustomerSealers
from server.sealed import Opened, SealedRecords
from server.shape import SHAPES, hide_inputs, shape_of, wire_fields
from tests.unit.keyrings import ring
from tokenizer.customer import CustomerKeys
from tokenizer.sealing import (
    OPENED_TEXT,
    SealBroken,
    Sealer,
    Segment,
    Versions,
    operational_versions,
)

ID = bytes(range(16))
NOW = datetime(2026, 1, 2, tzinfo=UTC)
CUSTOMER, ACCOUNT, CARD = 1, 2, 3
RING = ring()


class KeysInMemory:
    """Stands for the key database, and counts how often it is asked."""

    def __init__(self):
        self.rows = {}
        self.asked = 0

    async def get_many(self, ids, *, deadline=None):
        self.asked += 1
        return {id_: self.rows[id_] for id_ in ids if id_ in self.rows}

    async def insert_many(self, keys, *, deadline=None):
        new = keys.keys() - self.rows.keys()
        self.rows.update({id_: keys[id_] for id_ in new})
        return new


def records(store=None):
    sealers = CustomerSealers(CustomerKeys(RING), store or KeysInMemory())
    return SealedRecords(Sealer(RING), sealers)


def row(kind, version, parts, former=None, id_=ID):
    """The row that the parts make of a former one: None keeps a segment."""
    return Record(
        kind=kind,
        id=id_,
        uid=UUID(bytes=id_),
        version=version,
        state=1,
        branch="",
        create_time=NOW,
        update_time=NOW,
        operational=parts.operational,
        private=_kept(parts.private, former and former.private),
        number=_kept(parts.number, former and former.number),
    )


def _kept(sealed, former):
    return former if sealed is None else sealed or None


def person(version=1, **fields):
    customer = Customer(version=version, kind=1, branch="NORTH", **fields)
    customer.person.given_name, customer.person.family_name = "Ann", "Bell"
    customer.identifier_values.add(identifier_id="i", value="078051120")
    return customer


def test_every_field_of_a_record_has_a_segment():
    for shape in SHAPES.values():
        assert set(shape.segments) == {field.number for field in shape.message.DESCRIPTOR.fields}
    assert shape_of(Account).segments[40] is Segment.NUMBER
    assert shape_of(Customer).segments[41] is Segment.PRIVATE


def test_a_message_is_split_without_loss_or_overlap():
    customer = person()
    parts = shape_of(Customer).split(customer, {})
    assert Customer.FromString(b"".join(parts.values())) == customer
    assert not Customer.FromString(parts[Segment.OPERATIONAL]).HasField("person")
    assert not Customer.FromString(parts[Segment.PRIVATE]).identifier_values
    assert Customer.FromString(parts[Segment.NUMBER]).identifier_values[0].value == "078051120"


async def test_a_customer_opens_as_it_was_sealed_and_basic_without_the_key_database():
    store = KeysInMemory()
    sealed = records(store)
    customer = person()
    made = row(CUSTOMER, 1, await sealed.seal(ID, customer, None))
    full = (await sealed.open_many(Customer, [ID], [made], private=True))[0]
    assert full.person == customer.person
    assert not full.identifier_values
    asked = store.asked
    basic = (await sealed.open_many(Customer, [ID], [made], private=False))[0]
    assert basic.branch == "NORTH"
    assert not basic.HasField("person")
    assert store.asked == asked


async def test_what_is_left_of_a_record_is_not_sound():
    """It would be kept as if it said nothing: only whole ones may be."""
    sealed = records()
    whole = row(CUSTOMER, 1, await sealed.seal(ID, person(), None))
    left, gone = replace(whole, operational=None), replace(whole, operational=None, private=None)
    opened = sealed.opened(CUSTOMER, [ID] * 3, [whole, left, gone])
    assert opened[1:] == [None, b""]
    assert opened[0] is not None
    assert opened[0][OPENED_TEXT] == sealed.current(CUSTOMER, [ID], [whole])[0]
    assert operational_versions(opened[0]) == operational_versions(whole.operational or b"")


async def test_the_keys_of_many_customers_are_fetched_at_once():
    store = KeysInMemory()
    ids = [bytes([n]) * 16 for n in range(3)]
    parts = await records(store).seal_new(Customer, ids, [person() for _ in ids])
    rows = [row(CUSTOMER, 1, made, id_=id_) for id_, made in zip(ids, parts, strict=True)]
    elsewhere, asked = records(store), store.asked
    await elsewhere.fetch_keys(rows)
    for each in rows:
        assert (await elsewhere.open(Customer, each)).message.person.given_name == "Ann"
    assert store.asked == asked + 1


async def test_an_operational_change_keeps_the_other_segments_bytes_and_versions():
    sealed = records()
    first = await sealed.seal(ID, person(), None)
    opened = await sealed.open(Customer, row(CUSTOMER, 1, first))
    opened.message.branch, opened.message.version = "SOUTH", 2
    second = await sealed.seal(ID, opened.message, opened)
    assert second.private is None
    assert second.number is None
    assert second.paths == ["branch"]
    assert operational_versions(second.operational) == Versions(2, 1, 1)


async def test_a_private_change_reseals_that_segment_alone():
    sealed = records()
    first = row(CUSTOMER, 1, await sealed.seal(ID, person(), None))
    opened = await sealed.open(Customer, first)
    opened.message.version = 2
    opened.message.person.family_name = "Reed"
    parts = await sealed.seal(ID, opened.message, opened)
    assert parts.paths == ["person"]
    assert parts.number is None
    assert operational_versions(parts.operational) == Versions(2, 2, 1)
    second = row(CUSTOMER, 2, parts, first)
    assert (await sealed.open(Customer, second)).message.person.family_name == "Reed"


async def test_numbers_are_opened_on_request_only_and_removed_when_cleared():
    sealed = records()
    card = Card(version=1, pan="4111111111111111", last4="1111")
    first = row(CARD, 1, await sealed.seal(ID, card, None))
    opened = await sealed.open(Card, first)
    assert not opened.message.pan
    await sealed.open_numbers(opened, first)
    assert opened.message.pan == card.pan
    opened.message.ClearField("pan")
    opened.message.version = 2
    parts = await sealed.seal(ID, opened.message, opened)
    assert parts.number == b""
    assert operational_versions(parts.operational) == Versions(2, 0, 0)


async def test_an_older_partner_or_another_records_segment_is_noticed():
    sealed = records()
    first = row(CUSTOMER, 1, await sealed.seal(ID, person(), None))
    opened = await sealed.open(Customer, first)
    opened.message.person.family_name, opened.message.version = "Reed", 2
    second = row(CUSTOMER, 2, await sealed.seal(ID, opened.message, opened), first)
    mixed = SimpleNamespace(version=2, operational=second.operational, private=first.private)
    missing = SimpleNamespace(version=2, operational=second.operational, private=None)
    behind = SimpleNamespace(version=2, operational=first.operational, private=first.private)
    for broken in (mixed, missing, behind):
        with pytest.raises(SealBroken):
            await sealed.open_many(Customer, [ID], [broken], private=True)
    with pytest.raises(SealBroken):
        await sealed.open_many(Customer, [ID[::-1]], [second], private=False)


async def test_a_customer_whose_key_is_gone_does_not_open():
    store = KeysInMemory()
    made = row(CUSTOMER, 1, await records(store).seal(ID, person(), None))
    store.rows.clear()
    with pytest.raises(SealBroken):
        await records(store).open_many(Customer, [ID], [made], private=True)


async def test_fields_of_a_newer_release_stay_in_their_segment():
    sealed = records()
    newer_operational = Account(version=1, branch="NORTH").SerializeToString() + _field(900, b"op")
    newer_number = Account(account_number="12345678").SerializeToString() + _field(901, b"no")
    sealer = Sealer(RING)
    operational = sealer.seal_operational(ACCOUNT, ID, (1, 0, 1), newer_operational)
    number = sealer.seal_number(ACCOUNT, ID, 1, newer_number)
    first = row(ACCOUNT, 1, SimpleNamespace(operational=operational, private=None, number=number))
    opened = await sealed.open(Account, first)
    await sealed.open_numbers(opened, first)
    opened.message.version, opened.message.account_number = 2, "87654321"
    second = row(ACCOUNT, 2, await sealed.seal(ID, opened.message, opened), first)
    again = await sealed.open(Account, second)
    assert _numbers(again.plaintexts[Segment.OPERATIONAL]) >= {900}
    await sealed.open_numbers(again, second)
    assert _numbers(again.plaintexts[Segment.NUMBER]) == {40, 901}


async def test_an_unknown_field_from_a_request_is_not_stored():
    account = Account.FromString(Account(version=1).SerializeToString() + _field(900, b"sent"))
    sealed = records()
    made = row(ACCOUNT, 1, await sealed.seal(ID, account, None))
    opened = await sealed.open(Account, made)
    assert 900 not in _numbers(opened.plaintexts[Segment.OPERATIONAL])


def test_numbers_within_children_are_never_stored_where_they_were_given():
    card = Card()
    card.card_tokens.add(dpan="4111111111111111", dpan_last4="1111")
    hide_inputs(card)
    assert not card.card_tokens[0].dpan
    assert card.card_tokens[0].dpan_last4 == "1111"


def test_answers_have_no_numbers():
    card = Card(pan="4111111111111111", last4="1111")
    card.dpans.add(dpan="4111111111111111")
    shape_of(Card).hide_numbers(card)
    assert card == Card(last4="1111")


def test_nothing_that_was_opened_shows_in_a_repr():
    opened = Opened(
        Card(pan="4111111111111111"), Versions(1), {Segment.NUMBER: b"4111111111111111"}
    )
    assert "4111" not in repr(opened)


@given(st.binary(max_size=40))
def test_bytes_that_are_no_message_are_refused_never_misread(data):
    try:
        found = list(wire_fields(data))
    except SealBroken:
        return
    assert b"".join(data[start:end] for _, start, end in found) == data


async def test_customer_keys_in_memory_are_bounded():
    store = KeysInMemory()
    sealers = CustomerSealers(CustomerKeys(ring()), store, kept_max=2)
    ids = [bytes([n]) * 16 for n in range(3)]
    for id_ in ids:
        await sealers.create_many([id_])
    await sealers.get_many(ids[1:])
    assert store.asked == 0
    await sealers.get_many(ids[:1])
    assert store.asked == 1


async def test_a_key_that_was_stored_before_stays_the_customers():
    store = KeysInMemory()
    id_ = bytes(16)
    (first,) = (await CustomerSealers(CustomerKeys(RING), store).create_many([id_])).values()
    blob = first.seal_private(1, b"said before")
    (again,) = (await CustomerSealers(CustomerKeys(RING), store).create_many([id_])).values()
    assert again.open_private(1, blob) == b"said before"


def _field(number, value):
    tag = number << 3 | 2
    return bytes((tag & 0x7F | 0x80, tag >> 7, len(value))) + value


def _numbers(plaintext):
    return {number for number, _, _ in wire_fields(plaintext)}


_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(number=_TEXT, iban=_TEXT, branch=_TEXT, unknown=st.sampled_from([b"", b"\xc2\x3e\x01x"]))
def test_what_is_split_at_the_end_is_what_a_walk_splits(number, iban, branch, unknown):
    """Unknown fields, of which there may be one, are nobody's to store."""
    account = Account(account_number=number, iban=iban, branch=branch, version=3)
    card = Card(pan=number, branch=branch, dpans=[{"token_id": iban, "dpan": number}] * 2)
    for message in (account, card):
        message.MergeFromString(unknown)
        shape = shape_of(type(message))
        assert shape.tail
        data = message.SerializeToString(deterministic=True)
        assert shape.split(message, {}) == shape._walked(data, {})
