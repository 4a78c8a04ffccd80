"""Keys read from a request's bytes: the same as generated classes and one key at a time give."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opencif.v1.lookup_pb2 import (
    AccountKey,
    CardKey,
    LookupAccountsRequest,
    LookupCardsRequest,
)
from opencif.v1.record_pb2 import VIEW_FULL
from server import lookup_wire
from server.errors import InvalidArgument
from server.lookup_keys import AccountKeys, CardKeys
from server.routing_table import ANY_SCHEME, Scheme
from server.validation import validate
from tests.unit.card_numbers import AMEX, MASTERCARD, VISA
from tests.unit.keyrings import KEK, ring, table
from tokenizer.formats import Tokens
from tokenizer.identity import ID_BYTES, Identity, id_to_text
from tokenizer.keyring import Keyring, Purpose
from tokenizer.normal import luhn_sum_mod10

STRIPPING, KEEPING, BAD_ROUTING = "021000021", "011000015", "021000022"
ONE = ring()
MANY = ring(Purpose.IDENTITY, Purpose.TOKEN_PAN, Purpose.TOKEN_PAN)
RETIRED = Keyring.open(KEK, table(Purpose.TOKEN_PAN).with_retired(Purpose.TOKEN_PAN, 1, KEK))


def scheme_of(routing: str) -> Scheme:
    return Scheme(strips_leading_zeros=True) if routing == STRIPPING else ANY_SCHEME


def readers(keyring: Keyring) -> dict:
    identity, tokens = Identity(keyring), Tokens(keyring)
    return {
        LookupAccountsRequest: AccountKeys(identity, tokens, scheme_of),
        LookupCardsRequest: CardKeys(identity, tokens),
    }


READERS = {id(keyring): readers(keyring) for keyring in (ONE, MANY, RETIRED)}
keyrings = st.sampled_from([ONE, MANY, RETIRED])


@pytest.fixture(autouse=True)
def of_any_size(monkeypatch):
    """Have small batches read as large ones are."""
    monkeypatch.setattr(lookup_wire, "BYTES_MIN", 3)


def told(wanted, dpans, request) -> tuple:
    ids = [list(each) for each in wanted.ids]
    return ids, wanted.refused, wanted.tokens, wanted.single, dpans, request


def read(kind, data: bytes, keyring: Keyring = ONE) -> tuple:
    try:
        found = READERS[id(keyring)][kind].read(data)
    except InvalidArgument as fault:
        return fault.reason, fault.field
    wanted, request = found[0], found[-1]
    return told(wanted, found[1] if len(found) == 3 else {}, request)


def read_slowly(kind, data: bytes, keyring: Keyring = ONE) -> tuple:
    """By the generated class, one key at a time."""
    try:
        request = kind.FromString(data)
    except Exception:
        return "MALFORMED", ""
    request.DiscardUnknownFields()
    keys = READERS[id(keyring)][kind]
    try:
        validate(request)
        wanted = keys.wanted(request.keys)
    except InvalidArgument as fault:
        return fault.reason, fault.field
    wanted, dpans = wanted if kind is LookupCardsRequest else (wanted, {})
    wanted.settle()
    request.ClearField("keys")
    return told(wanted, dpans, request)


def with_check_digit(lead: str) -> str:
    return lead + str(-luhn_sum_mod10(lead + "0") % 10)


def pan_tokens(keyring: Keyring):
    tokens = Tokens(keyring)
    generations = st.sampled_from(tokens.pan_generations)
    return st.builds(lambda pan, one: tokens.pan_tokens([pan], one)[0], pans, generations)


digits = st.text("0123456789", min_size=1, max_size=17)
pans = st.one_of(
    st.integers(11, 18)
    .flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n))
    .map(lambda lead: "6" + lead[1:])
    .map(with_check_digit),
    st.sampled_from([VISA, MASTERCARD, AMEX]),
)
# As callers have sent them, and as none should.
odd_texts = st.one_of(
    st.text("0123456789ABCXYZ", max_size=20),
    st.text("0123456789abz -:@[\0é\uff10", max_size=20),
    st.text("0", max_size=31),
    st.text("05", min_size=15, max_size=48),
    digits.map(lambda text: "000" + text),
    pans,
    st.sampled_from(["34" + VISA[2:], with_check_digit("37" + "1" * 13), VISA[:-1] + "0"]),
)
routings = st.sampled_from(
    [STRIPPING, KEEPING] * 4 + [BAD_ROUTING, "", "02100002A", "02100002", "0" * 9]
)
account_texts = st.one_of(digits, digits, odd_texts)
numbers = st.builds(
    lambda routing, text: AccountKey(number={"routing_number": routing, "account_number": text}),
    routings,
    account_texts,
)
spelt = st.binary(min_size=ID_BYTES, max_size=ID_BYTES).map(id_to_text)
misspelt = st.one_of(
    st.text("abz27189-/A\0", min_size=26, max_size=26),
    spelt.map(lambda text: text[:-1] + "b"),
    spelt.map(lambda text: text[:13] + "8" + text[14:]),
    spelt.map(str.upper),
    odd_texts,
)
ids = st.one_of(spelt, spelt, misspelt)
account_names = ids.map(lambda text: AccountKey(name=f"accounts/{text}"))
card_names = ids.map(lambda text: CardKey(name=f"cards/{text}"))
card_texts = st.one_of(pans, pans, pan_tokens(MANY), odd_texts)
pan_keys = card_texts.map(lambda text: CardKey(pan=text))
account_others = st.one_of(
    st.just(AccountKey()),
    st.just(AccountKey(iban="DE89370400440532013000")),
    st.builds(
        lambda text: AccountKey(token={"routing_number": KEEPING, "token": text}), account_texts
    ),
)
consistencies = st.sampled_from(
    [{}, {"fully_consistent": True}, {"at_least_as_fresh": "\n\x0f\x12\rzo:Z9="}]
)


def token_keys(keyring: Keyring):
    texts = st.one_of(pan_tokens(keyring), pan_tokens(keyring), card_texts)
    return texts.map(lambda text: CardKey(token=text))


def lists(keys):
    """Short batches, and long ones of the same few keys."""
    few = st.lists(keys, min_size=1, max_size=6)
    return st.one_of(few, st.builds(lambda some, times: some * times, few, st.integers(2, 20)))


account_keys = st.one_of(
    lists(numbers), lists(account_names), lists(st.one_of(numbers, account_names, account_others))
)


def card_keys(keyring: Keyring):
    tokens = token_keys(keyring)
    dpans = pans.map(lambda text: CardKey(dpan=text))
    return st.one_of(
        lists(pan_keys),
        lists(tokens),
        lists(card_names),
        lists(st.one_of(pan_keys, tokens, card_names, dpans, st.just(CardKey()))),
    )


def requests(kind, keys, linked: str):
    return st.builds(
        lambda keys, view, consistency, flag: kind(
            keys=keys, view=view, consistency=consistency, **{linked: flag}
        ),
        keys,
        st.sampled_from([0, 0, 0, VIEW_FULL, 77]),
        consistencies,
        st.booleans(),
    )


account_requests = requests(LookupAccountsRequest, account_keys, "with_owners")


@settings(deadline=None, max_examples=300)
@given(account_requests, keyrings)
def test_accounts_are_led_where_one_key_at_a_time_leads(request, keyring):
    data = request.SerializeToString()
    kind = LookupAccountsRequest
    assert read(kind, data, keyring) == read_slowly(kind, data, keyring)


@settings(deadline=None, max_examples=300)
@given(st.data(), keyrings)
def test_cards_are_led_where_one_key_at_a_time_leads(data, keyring):
    made = data.draw(requests(LookupCardsRequest, card_keys(keyring), "with_accounts"))
    octets = made.SerializeToString()
    kind = LookupCardsRequest
    assert read(kind, octets, keyring) == read_slowly(kind, octets, keyring)


def mutated(data: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    for at, length, put in cuts:
        start = at % (len(data) + 1)
        data = data[:start] + put + data[start + length :]
    return data


cuts = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=3
)


@settings(deadline=None, max_examples=500)
@given(
    st.one_of(account_requests, requests(LookupCardsRequest, card_keys(ONE), "with_accounts")), cuts
)
def test_damaged_bytes_are_read_as_the_generated_class_reads_them(request, cuts):
    data = mutated(request.SerializeToString(), cuts)
    assert read(type(request), data) == read_slowly(type(request), data)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from([LookupAccountsRequest, LookupCardsRequest]), st.binary(max_size=80))
@example(LookupAccountsRequest, b"")
@example(LookupCardsRequest, b"\n\0")
@example(
    LookupCardsRequest, b"0" + LookupCardsRequest(keys=[CardKey(pan=VISA)]).SerializeToString()
)
def test_any_bytes_are_read_as_the_generated_class_reads_them(kind, data):
    assert read(kind, data) == read_slowly(kind, data)


def number(routing: str, text: str) -> AccountKey:
    return AccountKey(number={"routing_number": routing, "account_number": text})


SAMPLES = {
    "number": LookupAccountsRequest(keys=[number(KEEPING, "0012345"), number(STRIPPING, "00X")]),
    "account name": LookupAccountsRequest(
        keys=[AccountKey(name=f"accounts/{id_to_text(bytes([at] * ID_BYTES))}") for at in (7, 255)]
    ),
    "pan": LookupCardsRequest(keys=[CardKey(pan=VISA), CardKey(pan=AMEX)]),
    "token": LookupCardsRequest(
        keys=[CardKey(token=token) for token in Tokens(ONE).pan_tokens([VISA, AMEX])]
    ),
    "card name": LookupCardsRequest(keys=[CardKey(name=f"cards/{id_to_text(b'0' * ID_BYTES)}")]),
}
OCTETS = [*range(0x21), *b"-/09:@AZ[az", 0x7F, 0x80, 0xC3, 0xFF]


@pytest.mark.parametrize("sample", SAMPLES)
def test_one_wrong_byte_anywhere_is_read_as_the_generated_class_reads_it(sample):
    request = SAMPLES[sample]
    whole = request.SerializeToString()
    for at in range(len(whole)):
        for octet in OCTETS:
            data = whole[:at] + bytes([octet]) + whole[at + 1 :]
            assert read(type(request), data) == read_slowly(type(request), data), (at, octet)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_request_cut_off_anywhere_is_read_as_the_generated_class_reads_it(sample):
    request = SAMPLES[sample]
    whole = request.SerializeToString()
    for end in range(len(whole) + 1):
        assert read(type(request), whole[:end]) == read_slowly(type(request), whole[:end])


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_other_fields_stand_where_they_like(order):
    keys = SAMPLES["number"].SerializeToString()
    others = LookupAccountsRequest(view=VIEW_FULL, with_owners=True)
    parts = [keys, others.SerializeToString()]
    found, request = READERS[id(ONE)][LookupAccountsRequest].read(
        b"".join(parts[at] for at in order)
    )
    assert request == others
    assert len(found.single) == len(found) == 2


THOUSAND = [f"{at * 7919:010}" for at in range(1000)]
WRONG = ["", "1" * 40, "12\x0034", "12 34", "1234-5", "12\uff10", "abc", "12;34", "1" * 18]


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("position", [0, 500, 999])
def test_a_wrong_number_is_its_own_result_and_the_other_999_are_right(text, position):
    numbers = [*THOUSAND[:position], text, *THOUSAND[position + 1 :]]
    data = LookupAccountsRequest(keys=[number(KEEPING, each) for each in numbers])
    wanted, _ = READERS[id(ONE)][LookupAccountsRequest].read(data.SerializeToString())
    expected = Identity(ONE).account_ids([KEEPING] * 1000, THOUSAND)
    found = [each[0] if each else None for each in wanted.ids]
    assert (
        found[:position] + found[position + 1 :] == expected[:position] + expected[position + 1 :]
    )
    assert found[position] != expected[position]
    assert (position in wanted.refused) == (found[position] is None)
    assert told(wanted, {}, None)[:4] == read_slowly(type(data), data.SerializeToString())[:4]


@pytest.mark.parametrize("text", [*WRONG, VISA[:-1] + "0", "34" + VISA[2:]])
def test_a_wrong_card_number_is_its_own_result_and_the_other_999_are_right(text):
    pans = [with_check_digit(f"4{at:014}") for at in range(1000)]
    keys = [CardKey(pan=pan) for pan in pans]
    keys[321] = CardKey(pan=text)
    data = LookupCardsRequest(keys=keys).SerializeToString()
    wanted, _, _ = READERS[id(ONE)][LookupCardsRequest].read(data)
    expected = [(id_,) for id_ in Identity(ONE).pan_ids(pans)]
    assert wanted.ids[:321] + wanted.ids[322:] == expected[:321] + expected[322:]
    assert not wanted.ids[321]
    assert list(wanted.refused) == [321]
    assert wanted.single is None


def test_no_number_is_in_a_repr():
    data = SAMPLES["number"].SerializeToString()
    keys = lookup_wire.find(data, lookup_wire.FRAMES_OF_ACCOUNTS)
    wanted, _ = READERS[id(ONE)][LookupAccountsRequest].read(data)
    assert "12345" not in repr(keys)
    assert "12345" not in repr(wanted)
