"""An account's number and what is computed from it: ids, tokens, mask.

Owns which natural key an account has; a number leaves here only into the sealed number segment.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from opencif.v1.account_pb2 import Account, NumberToken
from server.errors import InvalidArgument
from tokenizer import normal
from tokenizer.formats import Tokens
from tokenizer.identity import Identity

__all__ = ["AccountKey", "AccountNumbers", "AccountScheme", "mask", "routing_number"]

routing_number = lru_cache(4_096)(normal.routing_number)  # banks are few, their accounts many
MASK_SHOWN_MAX = 4
MASK_DOTS = "••••"


class AccountScheme(Protocol):
    """What account numbers under a routing number look like."""

    @property
    def strips_leading_zeros(self) -> bool:
        """Whether the written form has none."""

    def account_number(self, text: str) -> str:
        """The one written form of a number. Raises NotNormal."""

    def accepts(self, number: str) -> bool:
        """Whether a number in its written form can be one of this scheme."""


@dataclass(frozen=True, slots=True)
class AccountKey:
    """A natural key: routing number and number, or IBAN; ids newest generation first."""

    ids: list[bytes]
    tokens: list[NumberToken] = field(default_factory=list, repr=False)
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
        key = self.keys_of([account])[0]
        if isinstance(key, InvalidArgument):
            raise key
        return key

    def keys_of(self, accounts: Sequence[Account]) -> list[AccountKey | InvalidArgument]:
        """The natural keys of accounts, computed together; for each that has none, why."""
        found: list[AccountKey | InvalidArgument] = []
        for account in accounts:
            try:
                found.append(self._iban_key(account) if account.iban else self._written(account))
            except InvalidArgument as fault:
                found.append(fault)
        self._compute([key for key in found if isinstance(key, AccountKey) and key.number])
        return found

    def key(self, routing_number: str, text: str, number_field: str) -> AccountKey:
        """The key of a routing number and a number as it was given.

        Raises InvalidArgument naming `number_field` where the routing number's scheme has no such
        number: entries to it would be returned R04.
        """
        number = self._number(routing_number, text, number_field)
        key = AccountKey([], routing_number=routing_number, number=number)
        self._compute([key])
        return key

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

    def _written(self, account: Account) -> AccountKey:
        """The key of an account's routing number and number, without what is computed from them."""
        routing, text = account.routing_number, account.account_number
        if not routing:
            raise InvalidArgument("REQUIRED", "account.routing_number")
        if not text:
            raise InvalidArgument("REQUIRED", "account.account_number")
        number = self._number(routing, text, "account.account_number")
        return AccountKey([], routing_number=routing, number=number)

    def _number(self, routing_number: str, text: str, field: str) -> str:
        scheme = self._scheme_of(routing_number)
        try:
            number = scheme.account_number(text)
        except normal.NotNormal:
            raise InvalidArgument("MALFORMED", field) from None
        if not scheme.accepts(number):
            raise InvalidArgument("MALFORMED", field)
        return number

    def _iban_key(self, account: Account) -> AccountKey:
        if account.account_number or account.routing_number:
            raise InvalidArgument("MALFORMED", "account.iban")
        try:
            iban = normal.iban(account.iban)
        except normal.NotNormal:
            raise InvalidArgument("MALFORMED", "account.iban") from None
        generations = self._identity.generations
        ids = [self._identity.iban_ids([iban], generation)[0] for generation in generations]
        return AccountKey(ids, iban=iban)

    def _compute(self, keys: Sequence[AccountKey]) -> None:
        """Fill in ids, tokens and rivals, one batch for each generation."""
        routings, numbers = [key.routing_number for key in keys], [key.number for key in keys]
        for key, ids in zip(keys, self._ids(routings, numbers), strict=True):
            key.ids.extend(ids)
        for generation in self._tokens.account_generations:
            made = self._tokens.account_tokens(routings, numbers, generation)
            for key, token in zip(keys, made, strict=True):
                if token:  # a number can be too short for one
                    key.tokens.append(NumberToken(key_version=generation, value=token))
        for generation in self._tokens.account_generations:
            self._find_rivals(keys, generation)

    def _find_rivals(self, keys: Sequence[AccountKey], generation: int) -> None:
        """Name the accounts whose token of this generation reads like one of another's."""
        given = [
            (key, token.value)
            for key in keys
            for token in key.tokens
            if token.key_version != generation
        ]
        routings = [key.routing_number for key, _ in given]
        numbers = self._tokens.account_numbers(routings, [text for _, text in given], generation)
        every = self._ids(routings, numbers)
        for (key, _), number, ids in zip(given, numbers, every, strict=True):
            if number != key.number:
                key.rivals.extend(ids)

    def _ids(self, routings: Sequence[str], numbers: Sequence[str]) -> list[tuple[bytes, ...]]:
        """The ids of each number, one for each generation."""
        under_each = [
            self._identity.account_ids(routings, numbers, generation)
            for generation in self._identity.generations
        ]
        return list(zip(*under_each, strict=True))


def mask(number: str) -> str:
    """The last four characters behind dots; of a short number, no more than half."""
    shown = min(MASK_SHOWN_MAX, len(number) // 2)
    return MASK_DOTS + number[len(number) - shown :]
