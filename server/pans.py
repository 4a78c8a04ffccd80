"""Tells card numbers from their tokens, and what is wrong with what is neither.

Knows no record; no text it is given goes anywhere.
"""

from server.errors import InvalidArgument, reason_of
from tokenizer.formats import Tokens, pan_token_generation_class
from tokenizer.keyring import KeyRetired, KeyringError
from tokenizer.normal import NotNormal

__all__ = ["number_fault", "token_generation"]


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


def token_generation(tokens: Tokens, text: str) -> int:
    """The generation that a card number's token names.

    Raises InvalidArgument IS_A_NUMBER or MALFORMED for text that is no such token, KeyringError
    for one of a generation that does not serve.
    """
    named = pan_token_generation_class(text)
    if named is None:
        raise InvalidArgument("MALFORMED")
    if named == 0:
        raise InvalidArgument("IS_A_NUMBER")
    return tokens.pan_generation(named)
