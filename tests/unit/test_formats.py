"""Tokens: reversible, told apart from numbers, naming their generation, batch equal to scalar."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.keyrings import KEK, ring, table
from tokenizer.formats import (
    NotAPan,
    NotAToken,
    NotTokenizable,
    Tokens,
    generation_class,
    is_pan,
    pan_token_generation_class,
)
from tokenizer.identity import Identity
from tokenizer.keyring import KeyRetired, Keyring, Purpose, UnknownGeneration
from tokenizer.normal import NotNormal, luhn_sum_mod10

ROUTING = "021000021"
DIGITS = "0123456789"


def with_check_digit(lead: str) -> str:
    return lead + str(-luhn_sum_mod10(lead + "0") % 10)


def pans(length: int, count: int, seed: int = 1) -> list[str]:
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, 10, (count, length - 1)).tolist()
    return [with_check_digit("".join(map(str, row))) for row in rows]


@pytest.fixture(scope="module")
def nine_generations() -> Tokens:
    """Every class of PAN token serves: generations 1 to 9."""
    return Tokens(ring(*[Purpose.TOKEN_PAN] * 8))


def slow_luhn(digits: str) -> int:
    """ISO/IEC 7812-1 annex B, spelt out."""
    total = 0
    for place, digit in enumerate(reversed(digits), start=1):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return total % 10


@given(st.text(DIGITS, min_size=1, max_size=30))
def test_luhn(digits):
    assert luhn_sum_mod10(digits) == slow_luhn(digits)


@pytest.mark.parametrize("generation", range(1, 10))
@pytest.mark.parametrize("length", range(12, 20))
def test_pan_tokens_of_every_length_and_generation(nine_generations, length, generation):
    numbers = pans(length, 50, seed=length)
    made = nine_generations.pan_tokens(numbers, generation)
    for number, token in zip(numbers, made, strict=True):
        assert len(token) == length
        assert token[-4:] == number[-4:]
        assert token != number
        assert not is_pan(token)
        assert slow_luhn(token) == 1 + generation % 9
        assert pan_token_generation_class(token) == generation_class(generation)
    assert nine_generations.pans(made) == numbers
    assert [nine_generations.pan_tokens([n], generation)[0] for n in numbers[:9]] == made[:9]
    assert [nine_generations.pans([token])[0] for token in made[:9]] == numbers[:9]


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_pan_batches_of_mixed_lengths_and_generations(nine_generations, data):
    leads = data.draw(st.lists(st.text(DIGITS, min_size=11, max_size=18), max_size=60))
    numbers = [with_check_digit(lead) for lead in leads]
    made = [
        nine_generations.pan_tokens([number], data.draw(st.integers(1, 9)))[0] for number in numbers
    ]
    assert nine_generations.pans(made) == numbers


def test_the_active_generation_is_the_default():
    tokens = Tokens(ring(Purpose.TOKEN_PAN, Purpose.TOKEN_ACCOUNT))
    number = pans(16, 1)
    assert tokens.pan_tokens(number) == tokens.pan_tokens(number, 2) != tokens.pan_tokens(number, 1)
    assert tokens.pan_generations == (2, 1)
    assert tokens.account_generations == (2, 1)
    assert tokens.identifier_generations("SSN") == (1,)


@pytest.mark.parametrize("size", [1, 40])
@pytest.mark.parametrize(
    "bad",
    [
        "4111111111111112",
        "411111111111",
        "41111111111",
        "4" * 20,
        "",
        "٤111111111111111",
        "411111111111111X",
        "4111 1111 1111 1111",
    ],
)
def test_what_is_not_a_pan_gets_no_token(nine_generations, size, bad):
    assert not is_pan(bad)
    numbers = [*pans(16, size), bad]
    with pytest.raises(NotAPan) as refused:
        nine_generations.pan_tokens(numbers)
    assert refused.value.position == size
    assert not bad or bad not in str(refused.value)


@pytest.mark.parametrize("size", [1, 40])
def test_a_token_is_not_tokenized_and_a_pan_not_opened(nine_generations, size):
    numbers = pans(16, size)
    made = nine_generations.pan_tokens(numbers)
    with pytest.raises(NotAPan):
        nine_generations.pan_tokens(made)
    with pytest.raises(NotAToken) as refused:
        nine_generations.pans([*made, numbers[0]])
    assert refused.value.position == size
    for bad in ("12345", "٤" * 16, "A" * 16, ""):
        with pytest.raises(NotAToken):
            nine_generations.pans([bad])


def test_a_pan_token_of_a_retired_or_unknown_generation_says_so():
    two = table(Purpose.TOKEN_PAN)
    number = pans(16, 1)
    made = Tokens(Keyring.open(KEK, two)).pan_tokens(number, 1)
    retired = Tokens(Keyring.open(KEK, two.with_retired(Purpose.TOKEN_PAN, 1, KEK)))
    with pytest.raises(KeyRetired):
        retired.pans(made)
    with pytest.raises(KeyRetired):
        retired.pan_tokens(number, 1)
    altered = made[0][:-5] + str((int(made[0][-5]) + 4) % 10) + made[0][-4:]
    with pytest.raises(UnknownGeneration):
        retired.pans([altered])


account_text = st.text(DIGITS, min_size=6, max_size=17) | st.text(
    DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=4, max_size=17
).filter(lambda text: not text.isdigit() or len(text) >= 6)
routing = st.sampled_from([ROUTING, "011401533", "091000019"])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(routing, account_text), max_size=60), st.integers(1, 2))
def test_account_tokens_round_trip_and_keep_their_form(pairs, generation):
    tokens = Tokens(ring(Purpose.TOKEN_ACCOUNT))
    routings, numbers = [r for r, _ in pairs], [n for _, n in pairs]
    made = tokens.account_tokens(routings, numbers, generation)
    for number, token in zip(numbers, made, strict=True):
        assert len(token) == len(number)
        assert token.isdigit() == number.isdigit()
    assert tokens.account_numbers(routings, made, generation) == numbers
    one_by_one = [tokens.account_tokens([r], [n], generation)[0] for r, n in pairs]
    assert one_by_one == made


def test_every_short_alphanumeric_walks_to_a_letter_and_back():
    """All 46,656 numbers A000 to AZZZ: some hundred pass through a result of digits only."""
    alphabet = DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    numbers = [f"A{a}{b}{c}" for a in alphabet for b in alphabet for c in alphabet]
    tokens = Tokens(ring())
    routings = [ROUTING] * len(numbers)
    made = tokens.account_tokens(routings, numbers)
    assert not any(token.isdigit() for token in made)
    assert len(set(made)) == len(numbers)
    assert tokens.account_numbers(routings, made, 1) == numbers


def test_the_routing_number_is_part_of_an_account_token():
    tokens = Tokens(ring())
    first, second = tokens.account_tokens([ROUTING, "011401533"], ["1234567890"] * 2)
    assert first != second


@pytest.mark.parametrize("number", ["12345", "1", "A12", "ABC", ""])
def test_a_number_below_the_floor_has_no_token(number):
    tokens = Tokens(ring())
    assert tokens.account_tokens([ROUTING] * 2, [number, "123456"])[0] is None
    assert tokens.identifier_tokens("PASSPORT", [number]) == [None]
    with pytest.raises(NotAToken):
        tokens.account_numbers([ROUTING], [number], 1)


@pytest.mark.parametrize("size", [1, 40])
@pytest.mark.parametrize("bad", ["12345678a", "1234-5678", "٤23456789", "é" * 9, "12345678\x00"])
def test_foreign_characters_are_refused_by_position(size, bad):
    tokens = Tokens(ring())
    values = ["A23456789"] * size + [bad]
    routings = [ROUTING] * len(values)
    with pytest.raises(NotTokenizable) as refused:
        tokens.account_tokens(routings, values)
    assert refused.value.position == size
    with pytest.raises(NotAToken) as refused_opening:
        tokens.account_numbers(routings, values, 1)
    assert refused_opening.value.position == size
    with pytest.raises(NotTokenizable):
        tokens.identifier_tokens("SSN", [bad])


@pytest.mark.parametrize("bad", ["", "12345678", "02100002A", "٤21000021"])
def test_a_routing_number_has_nine_digits(bad):
    with pytest.raises(NotNormal):
        Tokens(ring()).account_tokens([bad], ["123456"])


def test_identifier_tokens_bind_kind_and_generation():
    tokens = Tokens(ring(Purpose.TOKEN_SSN))
    values = [f"{n:09}" for n in range(100_000_000, 100_000_050)]
    ssn = tokens.identifier_tokens("SSN", values, 1)
    assert tokens.identifiers("SSN", ssn, 1) == values
    assert tokens.identifiers("SSN", ssn, 2) != values
    assert tokens.identifier_tokens("SSN", values) != ssn
    others = [tokens.identifier_tokens(kind, values) for kind in ("EIN", "TAX_ID", "DUNS")]
    assert len({tuple(made) for made in [ssn, *others]}) == 4
    assert tokens.identifiers("DUNS", others[2], 1) == values
    lei = ["5493001KJTIIGC8Y1R12"]
    assert tokens.identifiers("LEI", tokens.identifier_tokens("LEI", lei), 1) == lei
    with pytest.raises(UnknownGeneration):
        tokens.identifiers("SSN", ssn, 3)


def test_an_empty_batch_is_empty():
    tokens = Tokens(ring())
    assert tokens.pan_tokens([]) == tokens.pans([]) == tokens.account_tokens([], []) == []


def test_no_key_is_shown():
    assert repr(Tokens(ring())) == "Tokens(keys hidden)"


def test_one_text_is_a_token_of_two_numbers_under_two_generations():
    """FF1 fills its whole domain under every key: which one is meant, only a record can tell."""
    tokens = Tokens(ring(Purpose.TOKEN_ACCOUNT))
    older, newer = (tokens.account_numbers([ROUTING], ["1234567"], g)[0] for g in (1, 2))
    assert older != newer
    assert tokens.account_tokens([ROUTING], [older], 1) == ["1234567"]
    assert tokens.account_tokens([ROUTING], [newer], 2) == ["1234567"]


class Bank:
    """Accounts by computed id, each carrying the one token it was given."""

    def __init__(self, tokens: Tokens, identity: Identity) -> None:
        self.tokens = tokens
        self.identity = identity
        self.record_of: dict[bytes, int] = {}
        self.carried: list[str | None] = []

    def create(self, numbers: list[str], generation: int) -> None:
        """Add records; a token that a record of another generation carries is not given again."""
        routings = [ROUTING] * len(numbers)
        start = len(self.carried)
        tokens = self.tokens.account_tokens(routings, numbers, generation)
        made = [token for token in tokens if token is not None]
        assert len(made) == len(numbers)
        others = [g for g in self.tokens.account_generations if g != generation]
        taken, _ = self.find(made, others)
        ids = self.identity.account_ids(routings, numbers)
        self.record_of.update(zip(ids, range(start, start + len(ids)), strict=True))
        self.carried += [t if r is None else None for t, r in zip(made, taken, strict=True)]

    def find(self, asked: list[str], generations: Sequence[int]) -> tuple[list[int | None], int]:
        """Return the record each token is carried by, and how many hits were not confirmed."""
        found: list[int | None] = [None] * len(asked)
        unconfirmed = 0
        routings = [ROUTING] * len(asked)
        for generation in generations:
            candidates = self.tokens.account_numbers(routings, asked, generation)
            ids = self.identity.account_ids(routings, candidates)
            for position, record in enumerate(map(self.record_of.get, ids)):
                if record is not None and found[position] is None:
                    if self.carried[record] == asked[position]:
                        found[position] = record
                    else:
                        unconfirmed += 1
        return found, unconfirmed


def test_a_million_account_numbers_under_two_generations_each_find_their_own_record():
    """One in ten numbers of this length exists, so tokens often open to another's number.

    Half the accounts are older than the rotation. A hit counts only if the record carries exactly
    the token asked for, and a token is given only to one record: without either rule some tokens
    return another's account.
    """
    keyring = ring(Purpose.TOKEN_ACCOUNT)
    bank = Bank(Tokens(keyring), Identity(keyring))
    numbers = [f"{n:07}" for n in range(4_000_000, 5_000_000)]
    chunk = 100_000
    for at in range(0, len(numbers), chunk):
        bank.create(numbers[at : at + chunk], generation=1 if at < 500_000 else 2)
    assert len(bank.record_of) == 1_000_000

    unconfirmed = 0
    for at in range(0, len(numbers), chunk):
        given = [(r, bank.carried[r]) for r in range(at, at + chunk) if bank.carried[r] is not None]
        found, wrong = bank.find([t for _, t in given], bank.tokens.account_generations)
        assert found == [record for record, _ in given]
        unconfirmed += wrong
    assert unconfirmed > 20_000
    assert 20_000 < bank.carried.count(None) < 30_000  # 5 % of 500,000 met an older token
