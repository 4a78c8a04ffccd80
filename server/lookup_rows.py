"""Plain keys of lookups as rows of bytes: what their ids are MACs of, a whole batch at once.

Written for speed: no string a key. A key that is not the common case is only marked odd: whoever
asks judges it by itself.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np

from server.account_numbers import AccountScheme
from server.lookup_wire import ROUTING_BEFORE, ROUTING_DIGITS, PlainKeys
from tokenizer import normal, rows
from tokenizer.formats import Tokens
from tokenizer.identity import IdKind
from tokenizer.keyring import KeyringError
from tokenizer.numerals import BATCH_MIN
from tokenizer.rows import TEXT_AT, TEXT_MAX, Flags, Octets, Places, Words

__all__ = ["account_numbers", "card_numbers", "card_tokens", "names"]

_ROUTINGS_KEPT: Final = 4_096
_ZERO, _NINE, _A, _Z = b"09AZ"
_THREES: Final = 0x3 << 60  # of the eighth digit's character, which a routing number's code drops
_CLASSES: Final = 16  # more than there are of PAN tokens
_AMEX: Final = [int.from_bytes(prefix, "little") for prefix in (b"34", b"37")]
_AMEX_DIGITS: Final = 15
# Bytes of a row that hold the routing number.
_ROUTING: Final = rows.texts(np.full((1, 4), -1).astype("<u8"), np.array([ROUTING_DIGITS]))


def account_numbers(
    keys: PlainKeys, scheme_of: Callable[[str], AccountScheme]
) -> tuple[Words, Flags]:
    """Rows of routing and account numbers; only distinct routing numbers' schemes are asked."""
    before = rows.rows_at(keys.data, keys.texts - ROUTING_BEFORE - TEXT_AT)
    codes = _routing_codes(before)
    malformed, stripping = _routings(codes, scheme_of)
    texts, lengths = keys.texts, keys.lengths
    if stripping:
        zeros = np.where(np.isin(codes, stripping), _leading_zeros(keys), 0)
        texts, lengths = texts + zeros, lengths - zeros
    behind = rows.rows_at(keys.data, texts - ROUTING_DIGITS - TEXT_AT)
    whole = np.minimum(lengths + ROUTING_DIGITS, TEXT_MAX)
    found = rows.texts(before & _ROUTING | behind & ~_ROUTING, whole)
    odd = lengths > normal.ACCOUNT_NUMBER_MAX
    if malformed:
        odd |= np.isin(codes, malformed)
    if not keys.is_digits:
        odd |= _foreign(rows.octets(found))
    rows.encode(IdKind.ACCOUNT, found, whole)
    return found, odd


def card_numbers(keys: PlainKeys) -> tuple[Words, Flags]:
    """Rows of card numbers."""
    found, sums, odd = _digits(keys)
    first_two = found[:, 0] >> np.uint64(8 * TEXT_AT) & np.uint64(0xFFFF)
    is_amex = (first_two == _AMEX[0]) | (first_two == _AMEX[1])
    odd |= (sums != 0) | is_amex & (keys.lengths != _AMEX_DIGITS)
    rows.encode(IdKind.PAN, found, keys.lengths)
    return found, odd


def card_tokens(keys: PlainKeys, tokens: Tokens) -> tuple[Words, Flags]:
    """Rows of the card numbers that tokens open to, a batch for each length and generation."""
    found, sums, odd = _digits(keys)
    octets = rows.octets(found)
    kinds = np.where(odd, 0, keys.lengths * _CLASSES + sums)
    for kind in np.flatnonzero(np.bincount(kinds)).tolist():
        length, named = divmod(kind, _CLASSES)
        same = np.flatnonzero(kinds == kind)
        if not named or len(same) < BATCH_MIN:
            odd[same] = True
            continue
        try:
            generation = tokens.pan_generation(named)
        except KeyringError:
            odd[same] = True
            continue
        text = slice(TEXT_AT, TEXT_AT + length)
        opened = tokens.pans_of_digits(octets[same, text] - _ZERO, generation)
        octets[same, text] = opened + _ZERO
    rows.encode(IdKind.PAN, found, keys.lengths)
    return found, odd


def names(keys: PlainKeys) -> tuple[list[bytes], Flags]:
    """The ids that names stand for."""
    ids, spelt = rows.spelt_ids(rows.rows_at(keys.data, keys.texts))
    return ids, ~spelt


def _digits(keys: PlainKeys) -> tuple[Words, Octets, Flags]:
    """Rows of digits, their Luhn sums, and which cannot be card numbers."""
    found = rows.texts(rows.rows_at(keys.data, keys.texts - TEXT_AT), keys.lengths)
    lengths = normal.PAN_LENGTHS
    odd = (keys.lengths < lengths.start) | (keys.lengths >= lengths.stop)
    if not keys.is_digits:
        odd |= (rows.octets(found) > _NINE).any(axis=1)
    return found, rows.luhn_sums(found, keys.lengths), odd


def _routing_codes(before: Words) -> Words:
    """Routing numbers, a word each: eight characters, less half of the eighth, and a digit."""
    eight = before[:, 0] >> np.uint64(16) | before[:, 1] << np.uint64(48)
    ninth = before[:, 1] >> np.uint64(16) & np.uint64(0xF)
    codes: Words = eight << np.uint64(4) | ninth
    return codes


@lru_cache(_ROUTINGS_KEPT)
def _routing_number(code: int) -> str:
    """The routing number that a code is of. Raises NotNormal, and keeps nothing malformed."""
    characters = (code >> 4 | _THREES).to_bytes(8, "little") + bytes((_ZERO + (code & 0xF),))
    return normal.routing_number(characters.decode("latin-1"))


def _routings(
    codes: Words, scheme_of: Callable[[str], AccountScheme]
) -> tuple[list[int], list[int]]:
    """Codes of routing numbers that are malformed, and of those whose scheme strips zeros."""
    malformed, stripping = list[int](), list[int]()
    for code in np.unique(codes).tolist():
        try:
            if scheme_of(_routing_number(code)).strips_leading_zeros:
                stripping.append(code)
        except normal.NotNormal:
            malformed.append(code)
    return malformed, stripping


def _leading_zeros(keys: PlainKeys) -> Places:
    """How many zeros each account number begins with, the last digit aside."""
    is_other = rows.octets(rows.rows_at(keys.data, keys.texts)) != _ZERO
    zeros: Places = np.minimum(is_other.argmax(axis=1), keys.lengths - 1)
    return zeros


def _foreign(octets: Octets) -> Flags:
    """Rows with other characters than digits, and letters in the account number."""
    foreign: Flags = (octets > _Z) | (octets > _NINE) & (octets < _A)
    routing = slice(TEXT_AT, TEXT_AT + ROUTING_DIGITS)
    foreign[:, routing] |= octets[:, routing] > _NINE
    return np.asarray(foreign.any(axis=1))
