"""TokenizationService: numbers to FF1 tokens and back, without any record.

What is wrong with an item is that item's result. Numbers come and go in messages only: nothing
here stores or logs one.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from opencif.v1 import tokenization_pb2
from opencif.v1.tokenization_pb2 import (
    DetokenizeRequest,
    DetokenizeResponse,
    Plain,
    PlainResult,
    Token,
    TokenizeRequest,
    TokenizeResponse,
    TokenType,
)
from server import pans
from server.account_numbers import AccountScheme, routing_number
from server.errors import InvalidArgument, reason_of
from server.rpc import Call
from server.validation import validate
from tokenizer import normal
from tokenizer.formats import Tokens
from tokenizer.keyring import KeyringError
from tokenizer.numerals import LENGTH_MIN, length_and_radix

__all__ = ["TokenizationServicer"]

PAN: Final = tokenization_pb2.TOKEN_TYPE_PAN
ACCOUNT: Final = tokenization_pb2.TOKEN_TYPE_ACCOUNT
# Numbers with one form wherever they come from, and the name their tokens are bound to.
_IDENTIFIERS: Final[dict[int, tuple[str, Callable[[str], str]]]] = {
    tokenization_pb2.TOKEN_TYPE_SSN: ("SSN", normal.ssn),
    tokenization_pb2.TOKEN_TYPE_EIN: ("EIN", normal.ein),
    tokenization_pb2.TOKEN_TYPE_IDENTIFIER: ("IDENTIFIER", normal.identifier),
}
_TYPES: Final = frozenset({PAN, ACCOUNT, *_IDENTIFIERS})
_TOKENIZABLE: Final = re.compile(r"[0-9A-Z]{1,64}")


class _Refused(Exception):
    """An item cannot be served: the reason's name."""


class _Item(NamedTuple):
    """One item, in its written form. Never shown: a NamedTuple's repr would hold the number."""

    position: int
    text: str
    routing: str

    def __repr__(self) -> str:
        return f"_Item({self.position}, hidden)"


class TokenizationServicer:
    """Implements opencif.v1.TokenizationService; `scheme_of` is the routing table's word."""

    def __init__(self, tokens: Tokens, scheme_of: Callable[[str], AccountScheme]) -> None:
        self._tokens = tokens
        self._scheme_of = scheme_of

    async def Tokenize(self, request: TokenizeRequest, call: Call) -> TokenizeResponse:
        """Tokenize each number under the active key of its type."""
        answer = TokenizeResponse()
        results = [answer.results.add() for _ in request.items]
        batches: dict[TokenType, list[_Item]] = defaultdict(list)
        for position, plain in enumerate(request.items):
            try:
                item = self._item(position, plain)
            except _Refused as refused:
                results[position].error_reason = str(refused)
            else:
                batches[plain.type].append(item)
        for type_, items in batches.items():
            generation = self._generations(type_)[0]
            made = self._made(type_, [item.text for item in items], [i.routing for i in items])
            for item, value in zip(items, made, strict=True):
                result = results[item.position]
                if value is None:
                    result.error_reason = "DOMAIN_TOO_SMALL"
                    continue
                token = result.token
                token.type = type_
                token.key_version = generation
                token.value = value
                token.routing_number = item.routing
        return answer

    async def Detokenize(self, request: DetokenizeRequest, call: Call) -> DetokenizeResponse:
        """Give numbers back. A token that opens to what no number can be is NOT_FOUND.

        Others' tokens cannot be told from ours: FF1 has no integrity, an altered token may open to
        another number.
        """
        answer = DetokenizeResponse()
        results = [answer.results.add() for _ in request.tokens]
        batches: dict[tuple[int, int], list[_Item]] = defaultdict(list)
        for position, token in enumerate(request.tokens):
            try:
                generation = self._checked(token)
            except _Refused as refused:
                results[position].error_reason = str(refused)
            else:
                item = _Item(position, token.value, _routing(token))
                batches[token.type, generation].append(item)
        for (type_, generation), items in batches.items():
            self._open(type_, generation, items, results)
        return answer

    def _item(self, position: int, plain: Plain) -> _Item:
        """The number in its written form. Raises _Refused."""
        _hold_to_contract(plain)
        if plain.type == ACCOUNT and not plain.routing_number:
            raise _Refused("REQUIRED")
        try:
            routing = _routing(plain)
            text = self._written(plain.type, plain.value, routing)
        except normal.NotNormal as error:
            if plain.type == PAN:
                raise _Refused(pans.number_fault(self._tokens, plain.value, error)) from None
            raise _Refused(reason_of(error)) from None
        if not _TOKENIZABLE.fullmatch(text):
            raise _Refused("MALFORMED")
        return _Item(position, text, routing)

    def _written(self, type_: int, text: str, routing: str) -> str:
        """The one written form of a number. Raises NotNormal."""
        if type_ == PAN:
            return normal.pan(text)
        if type_ == ACCOUNT:
            return self._scheme_of(routing).account_number(text)
        return _IDENTIFIERS[type_][1](text)

    def _made(
        self, type_: int, texts: Sequence[str], routings: Sequence[str]
    ) -> Sequence[str | None]:
        if type_ == PAN:
            return self._tokens.pan_tokens(texts)
        if type_ == ACCOUNT:
            return self._tokens.account_tokens(routings, texts)
        return self._tokens.identifier_tokens(_IDENTIFIERS[type_][0], texts)

    def _checked(self, token: Token) -> int:
        """The generation to open a token under. Raises _Refused."""
        _hold_to_contract(token)
        if token.type == PAN:
            try:
                generation = pans.token_generation(self._tokens, token.value)
            except (InvalidArgument, KeyringError) as error:
                raise _Refused(reason_of(error)) from None
            if token.key_version not in (0, generation):
                raise _Refused("NOT_FOUND")
            return generation
        if not token.key_version or (token.type == ACCOUNT and not token.routing_number):
            raise _Refused("REQUIRED")
        length, radix = length_and_radix(token.value)
        if length < LENGTH_MIN[radix]:
            raise _Refused("NOT_FOUND")
        return token.key_version

    def _open(
        self, type_: int, generation: int, items: Sequence[_Item], results: list[PlainResult]
    ) -> None:
        """Open tokens of one type and generation, and see that what comes out is a number."""
        texts, routings = [item.text for item in items], [item.routing for item in items]
        try:
            numbers = self._opened(type_, generation, texts, routings)
        except KeyringError as error:
            for item in items:
                results[item.position].error_reason = reason_of(error)
            return
        for item, number in zip(items, numbers, strict=True):
            if self._can_be(type_, number, item.routing):
                results[item.position].value = number
            else:
                results[item.position].error_reason = "NOT_FOUND"

    def _opened(
        self, type_: int, generation: int, texts: Sequence[str], routings: Sequence[str]
    ) -> list[str]:
        if type_ == PAN:
            return self._tokens.pans(texts)
        if type_ == ACCOUNT:
            return self._tokens.account_numbers(routings, texts, generation)
        return self._tokens.identifiers(_IDENTIFIERS[type_][0], texts, generation)

    def _can_be(self, type_: int, number: str, routing: str) -> bool:
        """Whether a token can have been made of this number: made of its written form, always."""
        try:
            return self._written(type_, number, routing) == number
        except normal.NotNormal:
            return False

    def _generations(self, type_: int) -> tuple[int, ...]:
        """The generations of a type's key that serve, the active one first."""
        if type_ == PAN:
            return self._tokens.pan_generations
        if type_ == ACCOUNT:
            return self._tokens.account_generations
        return self._tokens.identifier_generations(_IDENTIFIERS[type_][0])


def _routing(item: Plain | Token) -> str:
    """The routing number in its written form; empty where the type has none."""
    return routing_number(item.routing_number) if item.type == ACCOUNT else ""


def _hold_to_contract(item: Plain | Token) -> None:
    """Raise _Refused with the reason for which an item breaks its contract."""
    if _is_plain(item):
        return  # as nearly all are: `validate` would take long to find nothing
    try:
        validate(item)
    except InvalidArgument as fault:
        raise _Refused(fault.reason) from None


def _is_plain(item: Plain | Token) -> bool:
    """Whether an item is so plain that its contract cannot be broken."""
    try:
        is_routed = not item.routing_number or bool(routing_number(item.routing_number))
    except normal.NotNormal:
        return False
    return is_routed and item.type in _TYPES and bool(_TOKENIZABLE.fullmatch(item.value))
