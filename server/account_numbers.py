"""An account's number and what is computed from it: ids, tokens, mask.

Owns which natural key an account has; a number leaves here only into the sealed number segment.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from opencif.v1.account_pb2 import Account, NumberToken
from server.errors import InvalidArgument
from tokenizer import normal
from tokenizer.formats import Tokens
from tokenizer.identity import Identity

__all__ = ["AccountKey", "AccountNumbers", "AccountScheme", "mask"]

MASK_SHOWN_MAX = 4
MASK_DOTS = "••••"


class AccountScheme(Protocol):
    """What account numbers under a routing number look like."""

    def account_number(self, text: str) -> str:
        """The one written form of a number. Raises NotNormal."""

    def accepts(self, number: str) -> bool:
        """Whether a number in its written form can be one of this scheme."""


@dataclass(frozen=True, slots=True)
class AccountKey:
    """A natural key: routing number and number, or IBAN; ids newest generation first."""

    ids: list[bytes]
    tokens: list[NumberToken] = field(default_factory=list)
    rivals: list[bytes] = field(default_factory=list)
    """Ids of accounts to which one of these tokens may have been given (ADR 8)."""
    routing_number: str = ""
    number: str = field(default="", repr=False)
    iban: str = field(default="", repr=False)


class AccountNumbers:
    """Computes from numbers; `scheme_of` is the routing table's word on a routing number."""

    __slots__ = ("_identity", "_scheme_of", "_tokens")

    def __init__(
        self, identity: Identity, tokens: Tokens, scheme_of: Callable[[str], AccountScheme]
    ) -> None:
        self._identity = identity
        self._tokens = tokens
        self._scheme_of = scheme_of

    def key_of(self, account: Account) -> AccountKey:
        """The natural key that a request gives an account.

        Raises InvalidArgument for none, half of one, or both.
        """
        if account.iban:
            if account.account_number or account.routing_number:
                raise InvalidArgument("MALFORMED", "account.iban")
            return self._iban_key(account.iban)
        if not account.routing_number:
            raise InvalidArgument("REQUIRED", "account.routing_number")
        if not account.account_number:
            raise InvalidArgument("REQUIRED", "account.account_number")
        return self.key(account.routing_number, account.account_number, "account.account_number")

    def key(self, routing_number: str, text: str, number_field: str) -> AccountKey:
        """The key of a routing number and a number as it was given.

        Raises InvalidArgument naming `number_field` where the routing number's scheme has no such
        number: entries to it would be returned R04.
        """
        scheme = self._scheme_of(routing_number)
        try:
            number = scheme.account_number(text)
        except normal.NotNormal:
            raise InvalidArgument("MALFORMED", number_field) from None
        if not scheme.accepts(number):
            raise InvalidArgument("MALFORMED", number_field)
        ids = self._ids(routing_number, number)
        tokens = self._tokens_of(routing_number, number)
        rivals = self._rivals(routing_number, number, tokens)
        return AccountKey(ids, tokens, rivals, routing_number, number)

    def stamp(self, account: Account, key: AccountKey, rivals: Iterable[Account] = ()) -> None:
        """Give an account its number, and what is computed from it.

        A token that one of `rivals` carries is not given twice.
        """
        account.routing_number = key.routing_number
        account.account_number = key.number
        account.iban = key.iban
        account.number_mask = mask(key.number or key.iban)
        taken = {token.value for rival in rivals for token in rival.tokens}
        del account.tokens[:]
        account.tokens.extend(token for token in key.tokens if token.value not in taken)

    def _iban_key(self, text: str) -> AccountKey:
        try:
            iban = normal.iban(text)
        except normal.NotNormal:
            raise InvalidArgument("MALFORMED", "account.iban") from None
        generations = self._identity.generations
        ids = [self._identity.iban_ids([iban], generation)[0] for generation in generations]
        return AccountKey(ids, iban=iban)

    def _ids(self, routing_number: str, number: str) -> list[bytes]:
        return [
            self._identity.account_ids([routing_number], [number], generation)[0]
            for generation in self._identity.generations
        ]

    def _tokens_of(self, routing_number: str, number: str) -> list[NumberToken]:
        """One token per live generation; none for a number that is too short for one."""
        return [
            NumberToken(key_version=generation, value=token)
            for generation in self._tokens.account_generations
            for token in self._tokens.account_tokens([routing_number], [number], generation)
            if token
        ]

    def _rivals(
        self, routing_number: str, number: str, tokens: Iterable[NumberToken]
    ) -> list[bytes]:
        """Ids of the accounts whose token of another generation reads like one of `tokens`."""
        generations = self._tokens.account_generations
        others = {
            opened
            for token in tokens
            for generation in generations
            if generation != token.key_version
            for opened in self._tokens.account_numbers([routing_number], [token.value], generation)
        }
        return [id_ for other in others - {number} for id_ in self._ids(routing_number, other)]


def mask(number: str) -> str:
    """The last four characters behind dots; of a short number, no more than half."""
    shown = min(MASK_SHOWN_MAX, len(number) // 2)
    return MASK_DOTS + number[len(number) - shown :]
