"""Tells card numbers from their tokens, and what is wrong with what is neither.

Knows no record; no text it is given goes anywhere.
"""

from server.errors import reason_of
from tokenizer.formats import Tokens, pan_token_generation_class
from tokenizer.keyring import KeyRetired, KeyringError
from tokenizer.normal import NotNormal

__all__ = ["generation_of", "number_fault", "token_fault"]


def number_fault(tokens: Tokens, text: str, error: NotNormal) -> str:
    """The reason why text that `normal.pan` refused is no card number: IS_A_TOKEN where it is one.

    A number with a wrong check digit is taken for a token if a generation made here, retired or
    not, makes such tokens.
    """
    if named := pan_token_generation_class(text):
        try:
            tokens.pan_generation(named)
        except KeyRetired:
            return "IS_A_TOKEN"
        except KeyringError:
            return reason_of(error)
        return "IS_A_TOKEN"
    return reason_of(error)


def token_fault(tokens: Tokens, text: str) -> str | None:
    """The reason why text is no card number's token that opens; None when it opens.

    IS_A_NUMBER, MALFORMED, KEY_RETIRED, or NOT_FOUND for a generation that never was.
    """
    named = pan_token_generation_class(text)
    if named is None:
        return "MALFORMED"
    if named == 0:
        return "IS_A_NUMBER"
    try:
        tokens.pan_generation(named)
    except KeyringError as error:
        return reason_of(error)
    return None


def generation_of(tokens: Tokens, token: str) -> int:
    """The generation that a card number's token names. Raises KeyRetired, UnknownGeneration."""
    return tokens.pan_generation(pan_token_generation_class(token) or 0)
