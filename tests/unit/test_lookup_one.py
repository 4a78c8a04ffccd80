"""A request of one plain key: led where the generated class and one key at a time lead it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencif.v1.lookup_pb2 import AccountKey, CardKey, LookupAccountsRequest, LookupCardsRequest
from tests.unit import test_lookup_wire as wire
from tests.unit.card_numbers import AMEX, VISA
from tokenizer.identity import ID_BYTES, id_to_text

KINDS = st.sampled_from([LookupAccountsRequest, LookupCardsRequest])
NAME = id_to_text(bytes(range(ID_BYTES)))
PLAIN = {
    "number": LookupAccountsRequest(keys=[wire.number(wire.KEEPING, "0012345")]),
    "shortest number": LookupAccountsRequest(keys=[wire.number(wire.KEEPING, "7")]),
    "longest number": LookupAccountsRequest(keys=[wire.number(wire.KEEPING, "9" * 17)]),
    "zeros stripped": LookupAccountsRequest(keys=[wire.number(wire.STRIPPING, "0012345")]),
    "nothing but zeros": LookupAccountsRequest(keys=[wire.number(wire.STRIPPING, "000")]),
    "account's name": LookupAccountsRequest(keys=[AccountKey(name=f"accounts/{NAME}")]),
    "card's number": LookupCardsRequest(keys=[CardKey(pan=VISA)]),
    "card's number of 15 digits": LookupCardsRequest(keys=[CardKey(pan=AMEX)]),
    "card's name": LookupCardsRequest(keys=[CardKey(name=f"cards/{NAME}")]),
}
one_account = wire.requests(
    LookupAccountsRequest,
    st.lists(st.one_of(wire.numbers, wire.account_names, wire.account_others), max_size=2),
    "with_owners",
)
one_card = wire.requests(
    LookupCardsRequest,
    st.lists(st.one_of(wire.pan_keys, wire.card_names, wire.token_keys(wire.ONE)), max_size=2),
    "with_accounts",
)


def agrees(kind, data: bytes, keyring=wire.ONE) -> bytes | None:
    """What one plain key leads to, held to what the whole request does."""
    id_ = wire.READERS[id(keyring)][kind].one(data)
    if id_ is not None:
        slowly = wire.read_slowly(kind, data, keyring)
        assert slowly == ([[id_]], {}, {}, [id_], {}, kind())
    return id_


@pytest.mark.parametrize("name", PLAIN)
def test_plain_keys_are_read(name):
    request = PLAIN[name]
    assert agrees(type(request), request.SerializeToString())


@pytest.mark.parametrize("name", [name for name in PLAIN if "name" not in name])
def test_numbers_that_have_several_ids_are_left_to_who_asks_for_all_of_them(name):
    request = PLAIN[name]
    assert agrees(type(request), request.SerializeToString(), wire.MANY) is None


@settings(deadline=None, max_examples=500)
@given(st.one_of(one_account, one_card), wire.keyrings)
def test_any_request_is_led_where_the_generated_class_leads_it(request, keyring):
    agrees(type(request), request.SerializeToString(), keyring)


@settings(deadline=None, max_examples=500)
@given(st.sampled_from([*PLAIN.values()]), wire.cuts)
def test_damaged_bytes_are_read_as_the_generated_class_reads_them(request, cuts):
    agrees(type(request), wire.mutated(request.SerializeToString(), cuts))


@pytest.mark.parametrize("name", PLAIN)
def test_one_wrong_byte_anywhere_is_read_as_the_generated_class_reads_it(name):
    request = PLAIN[name]
    whole = request.SerializeToString()
    for at in range(len(whole)):
        assert agrees(type(request), whole[:at]) is None
        for octet in wire.OCTETS:
            agrees(type(request), whole[:at] + bytes([octet]) + whole[at + 1 :])


@settings(deadline=None, max_examples=300)
@given(KINDS, st.binary(max_size=45))
def test_any_bytes_are_read_as_the_generated_class_reads_them(kind, data):
    agrees(kind, data)
