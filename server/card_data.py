"""Tells whether text holds card data: a card number, track data or a verification value.

It refuses text that may go to storage (PCI DSS 3.3.1, 3.5.1); it must not be used to validate a
field that is meant to hold a number.
"""

import re
import unicodedata
from typing import Final

from tokenizer.normal import luhn_sum_mod10

__all__ = ["holds_card_data", "metadata_holds_card_data"]

# Groups of digits parted by single spaces, hyphens or dots; \d takes every script's digits.
_RUN: Final = re.compile(r"\+?\d+(?:[ .\-]\d+)*")
_DIGIT: Final = re.compile(r"\d")
_GROUP: Final = re.compile(r"\d+")
_DIGITS_MIN, _DIGITS_MAX = 13, 19
_E164_MAX: Final = 15
# What issuers' numbers begin with (ISO/IEC 7812), by length: a trace number, a phone number or an
# account number that happens to pass Luhn seldom passes this too.
_PREFIXES: Final = {
    13: re.compile("4"),
    14: re.compile("3(?:0[0-5]|095|[689])"),
    15: re.compile("3[47]"),
    16: re.compile("4|5|6|3[05]|2(?:20[0-4]|22[1-9]|2[3-9]|[3-6]|7[01]|720)|8[12]|9792"),
    17: re.compile("4|5[0678]|6|81|220[0-4]"),
    18: re.compile("4|5[0678]|6|81|220[0-4]"),
    19: re.compile("4|5[0678]|6|81|220[0-4]"),
}
# Track 1 and track 2 (ISO/IEC 7813), and verification values and PINs that are named as such.
_TRACK: Final = re.compile(r"%?B\d{12,19}\^|;?\d{12,19}[=D]\d{7}")
_VERIFICATION: Final = re.compile(
    r"\b(?:c(?:vv2?|vc2?|sc|vn2?|av2?)[\s:=#]{0,3}\d{3,4}|pin[\s:=#]{1,3}\d{4})\b", re.IGNORECASE
)
# Metadata is full of ids: words of hexadecimal digits that have a letter.
_HEX_ID: Final = re.compile(r"\b(?=[0-9-]*[a-f])[0-9a-f-]{32,}\b")


def holds_card_data(text: str) -> bool:
    """Tell whether free text holds a card number, track data or a named verification value.

    A number is 13 to 19 digits with single separators, Luhn-correct, with a prefix that issuers
    use; a leading + makes up to 15 digits a phone number (E.164).
    """
    if not _DIGIT.search(text):
        return False
    if _VERIFICATION.search(text) or _TRACK.search(text):
        return True
    return any(_is_card_number(run.group()) for run in _RUN.finditer(text))


def metadata_holds_card_data(value: str | bytes) -> bool:
    """Tell the same of a metadata value, in which ids of hexadecimal digits are let pass."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return holds_card_data(_HEX_ID.sub(" ", text))


def _is_card_number(run: str) -> bool:
    """Tell whether some whole groups of the run, side by side, are a card number."""
    groups = _GROUP.findall(run)
    if run.startswith("+") and sum(map(len, groups)) <= _E164_MAX:
        return False
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > _DIGITS_MAX:
                break
            if len(digits) >= _DIGITS_MIN and _passes(digits):
                return True
    return False


def _passes(digits: str) -> bool:
    ascii_digits = "".join([str(unicodedata.digit(digit)) for digit in digits])
    prefix = _PREFIXES[len(digits)].match(ascii_digits)
    return prefix is not None and luhn_sum_mod10(ascii_digits) == 0
