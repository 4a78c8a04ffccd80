"""A card's number and its network tokens' numbers, and what is computed from them.

A number leaves here only into the sealed number segment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from opencif.v1.account_pb2 import NumberToken
from opencif.v1.card_pb2 import Card
from server.card_rules import network_of
from server.errors import InvalidArgument, reason_of
from tokenizer import normal
from tokenizer.formats import Tokens
from tokenizer.identity import Identity

__all__ = ["TOKEN_REFERENCE_TYPE", "CardKey", "CardNumbers"]

BIN_LONG: Final = 8  # ISO/IEC 7812-1:2017
BIN_SHORT: Final = 6
BIN_LONG_FROM: Final = 16
# Beside the contract's types of identifiers, which are numbered from 1: the provider's reference
# to a network token is looked up the same way.
TOKEN_REFERENCE_TYPE: Final = 0


@dataclass(frozen=True, slots=True)
class CardKey:
    """A card's natural key, its number; ids newest generation first."""

    ids: list[bytes]
    pan: str = field(repr=False)
    tokens: list[NumberToken] = field(default_factory=list, repr=False)


class CardNumbers:
    """Computes from numbers, under every generation that serves."""

    __slots__ = ("_identity", "_tokens")

    def __init__(self, identity: Identity, tokens: Tokens) -> None:
        self._identity = identity
        self._tokens = tokens

    def key(self, text: str, number_field: str) -> CardKey:
        """The key of a number as it was given. Raises InvalidArgument naming `number_field`."""
        key = self.keys([text], number_field)[0]
        if isinstance(key, InvalidArgument):
            raise key
        return key

    def keys(self, texts: Sequence[str], number_field: str) -> list[CardKey | InvalidArgument]:
        """The keys of numbers, computed together; for each that is none, why."""
        found: list[CardKey | InvalidArgument] = []
        for text in texts:
            try:
                found.append(CardKey([], _normal(text, number_field)))
            except InvalidArgument as fault:
                found.append(fault)
        keys = [key for key in found if isinstance(key, CardKey)]
        pans = [key.pan for key in keys]
        for generation in self._identity.generations:
            for key, id_ in zip(keys, self._identity.pan_ids(pans, generation), strict=True):
                key.ids.append(id_)
        for generation in self._tokens.pan_generations:
            for key, token in zip(keys, self._tokens.pan_tokens(pans, generation), strict=True):
                key.tokens.append(NumberToken(key_version=generation, value=token))
        return found

    def stamp(self, card: Card, key: CardKey) -> None:
        """Give a card its number, and what is computed from it."""
        pan = key.pan
        card.pan = pan
        card.bin = pan[: BIN_LONG if len(pan) >= BIN_LONG_FROM else BIN_SHORT]
        card.last4 = pan[-4:]
        card.pan_length = len(pan)
        card.network = card.network or network_of(pan)
        del card.tokens[:]
        card.tokens.extend(key.tokens)

    def dpan(self, text: str, number_field: str) -> str:
        """A network token's number in its one written form. Raises InvalidArgument."""
        return _normal(text, number_field)

    def dpan_keys(self, dpan: str) -> list[bytes]:
        """The lookup keys of a network token's number, newest generation first."""
        generations = self._identity.generations
        return [self._identity.dpan_ids([dpan], one)[0] for one in generations]

    def reference_keys(self, reference: str) -> list[bytes]:
        """The lookup keys of a provider's token reference, newest generation first."""
        return [
            self._identity.identifier_keys(TOKEN_REFERENCE_TYPE, "", [reference], one)[0]
            for one in self._identity.generations
        ]


def _normal(text: str, number_field: str) -> str:
    if not text:
        raise InvalidArgument("REQUIRED", number_field)
    try:
        return normal.pan(text)
    except normal.NotNormal as fault:
        raise InvalidArgument(reason_of(fault), number_field) from None
