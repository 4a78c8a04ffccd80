"""What a lookup's keys can lead to: ids, computed for the whole batch, or why there is none.

Pure; written for speed. A key that cannot be any record's is refused alone, by its reason.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message

from opencif.v1.lookup_pb2 import (
    AccountKey,
    AccountTokenKey,
    CardKey,
    LookupAccountsRequest,
    LookupCardsRequest,
)
from repository.record import Kind
from server import lookup_one, lookup_rows, lookup_wire, names, pans
from server.account_numbers import AccountScheme, routing_number
from server.errors import InvalidArgument, reason_of
from server.lookup_wire import PlainKeys
from server.validation import validate
from server.wanted import Wanted
from tokenizer import normal
from tokenizer.formats import Tokens
from tokenizer.identity import Identity
from tokenizer.keyring import KeyringError
from tokenizer.rows import Flags

__all__ = ["AccountKeys", "CardKeys", "Wanted"]

# Numbers shorter than this have no token (SP 800-38G r1: a domain of a million).
_TOKEN: Final = re.compile(r"[0-9]{6,17}|(?=[0-9]*[A-Z])[0-9A-Z]{4,17}")
_NOT_FOUND: Final = "NOT_FOUND"

Request = TypeVar("Request", LookupAccountsRequest, LookupCardsRequest)
Key = TypeVar("Key", AccountKey, CardKey)


class AccountKeys:
    """Leads accounts' keys to ids; `scheme_of` is the routing table's word on a routing number."""

    __slots__ = ("_identity", "_scheme_of", "_tokens")

    def __init__(
        self, identity: Identity, tokens: Tokens, scheme_of: Callable[[str], AccountScheme]
    ) -> None:
        self._identity = identity
        self._tokens = tokens
        self._scheme_of = scheme_of

    def one(self, data: bytes) -> bytes | None:
        """The id that a request leads to which has one plain key and nothing else."""
        return lookup_one.account_id(data, self._identity, self._scheme_of)

    def read(self, data: bytes) -> tuple[Wanted, LookupAccountsRequest]:
        """What the keys of a request's bytes lead to, and its other fields.

        The request is not to be changed. Raises InvalidArgument as `validate` does.
        """
        keys = lookup_wire.find(data, lookup_wire.FRAMES_OF_ACCOUNTS)
        if keys is not None:
            others = _others(LookupAccountsRequest, data[keys.end :])
            if others is not None:
                return self._plain(keys), others
        request = _checked(LookupAccountsRequest, data)
        wanted = self.wanted(request.keys)
        wanted.settle()
        request.ClearField("keys")
        return wanted, request

    def wanted(self, keys: Sequence[AccountKey]) -> Wanted:
        """What the keys lead to, each kind of key in one batch."""
        wanted = Wanted([()] * len(keys))
        numbers = _Batch()
        ibans = _Batch()
        tokens: list[tuple[int, str, AccountTokenKey]] = []
        for position, key in enumerate(keys):
            kind = key.WhichOneof("key")
            try:
                if kind == "number":
                    given = key.number
                    routing = routing_number(given.routing_number)
                    number = self._scheme_of(routing).account_number(given.account_number)
                    numbers.add(position, number, routing)
                elif kind == "name":
                    wanted.ids[position] = (names.parse(Kind.ACCOUNT, key.name),)
                elif kind == "token":
                    tokens.append((position, routing_number(key.token.routing_number), key.token))
                elif kind == "iban":
                    ibans.add(position, normal.iban(key.iban))
                else:
                    wanted.refuse(position, "REQUIRED")
            except (normal.NotNormal, InvalidArgument) as error:
                wanted.refuse(position, _reason(key, error))
        if numbers.texts:
            numbers.lead(wanted, self._ids(numbers.routings, numbers.texts))
        if ibans.texts:
            ids = _under_each(self._identity, lambda one: self._identity.iban_ids(ibans.texts, one))
            ibans.lead(wanted, ids)
        if tokens:
            self._add_tokens(wanted, tokens)
        return wanted

    def _plain(self, keys: PlainKeys) -> Wanted:
        """What plain keys lead to."""
        if keys.kind == "name":
            ids, odd = lookup_rows.names(keys)
            every = [ids]
        else:
            rows, odd = lookup_rows.account_numbers(keys, self._scheme_of)
            every = [self._identity.row_ids(rows, one) for one in self._identity.generations]
        return _led(every, odd, lambda chosen: self.wanted(_messages(AccountKey, keys, chosen)))

    def _add_tokens(
        self, wanted: Wanted, given: Sequence[tuple[int, str, AccountTokenKey]]
    ) -> None:
        """Open tokens under the generation they name, or under each, the newest first."""
        batches = {generation: _Batch() for generation in self._tokens.account_generations}
        for position, routing, key in given:
            if not _TOKEN.fullmatch(key.token):
                wanted.refuse(position, _token_reason(key))
                continue
            wanted.tokens[position] = (key.token, {})
            named = [key.key_version] if key.key_version else self._tokens.account_generations
            for generation in named:
                batches.setdefault(generation, _Batch()).add(position, key.token, routing)
        for generation, batch in batches.items():
            self._open_tokens(wanted, generation, batch)

    def _open_tokens(self, wanted: Wanted, generation: int, batch: "_Batch") -> None:
        try:
            numbers = self._tokens.account_numbers(batch.routings, batch.texts, generation)
        except KeyringError as error:
            for position in batch.positions:
                wanted.refuse(position, reason_of(error))
            return
        every = self._ids(batch.routings, numbers)
        for position, ids in zip(batch.positions, every, strict=True):
            wanted.tokens[position][1].update(dict.fromkeys(ids, generation))
            wanted.ids[position] = [*wanted.ids[position], *ids]

    def _ids(self, routings: Sequence[str], numbers: Sequence[str]) -> Iterable[Sequence[bytes]]:
        return _under_each(
            self._identity, lambda one: self._identity.account_ids(routings, numbers, one)
        )


class CardKeys:
    """Leads cards' keys to ids."""

    __slots__ = ("_identity", "_tokens")

    def __init__(self, identity: Identity, tokens: Tokens) -> None:
        self._identity = identity
        self._tokens = tokens

    def one(self, data: bytes) -> bytes | None:
        """The id that a request leads to which has one plain key and nothing else."""
        return lookup_one.card_id(data, self._identity)

    def read(self, data: bytes) -> tuple[Wanted, dict[int, Sequence[bytes]], LookupCardsRequest]:
        """What the keys of a request's bytes lead to, as `wanted` says, and its other fields.

        The request is not to be changed. Raises InvalidArgument as `validate` does.
        """
        keys = lookup_wire.find(data, lookup_wire.FRAMES_OF_CARDS)
        if keys is not None:
            others = _others(LookupCardsRequest, data[keys.end :])
            if others is not None:
                return self._plain(keys), {}, others
        request = _checked(LookupCardsRequest, data)
        wanted, dpans = self.wanted(request.keys)
        wanted.settle()
        request.ClearField("keys")
        return wanted, dpans, request

    def wanted(self, keys: Sequence[CardKey]) -> tuple[Wanted, dict[int, Sequence[bytes]]]:
        """What the keys lead to; of device PANs, by position, the keys that their links have."""
        wanted = Wanted([()] * len(keys))
        numbers, tokens, dpans = _Batch(), _Batch(), _Batch()
        for position, key in enumerate(keys):
            kind = key.WhichOneof("key")
            if kind == "pan":
                self._add_pan(wanted, numbers, position, key.pan)
            elif kind == "token":
                try:
                    pans.token_generation(self._tokens, key.token)
                    tokens.add(position, key.token)
                except (InvalidArgument, KeyringError) as error:
                    wanted.refuse(position, reason_of(error))
            elif kind == "dpan":
                self._add_pan(wanted, dpans, position, key.dpan)
            elif kind == "name":
                try:
                    wanted.ids[position] = (names.parse(Kind.CARD, key.name),)
                except InvalidArgument as error:
                    wanted.refuse(position, error.reason)
            else:
                wanted.refuse(position, "REQUIRED")
        if tokens.texts:
            numbers.extend(tokens.positions, self._tokens.pans(tokens.texts))
        if numbers.texts:
            ids = _under_each(
                self._identity, lambda one: self._identity.pan_ids(numbers.texts, one)
            )
            numbers.lead(wanted, ids)
        if not dpans.texts:
            return wanted, {}
        links = _under_each(self._identity, lambda one: self._identity.dpan_ids(dpans.texts, one))
        return wanted, dict(zip(dpans.positions, links, strict=True))

    def _plain(self, keys: PlainKeys) -> Wanted:
        """What plain keys lead to."""
        if keys.kind == "name":
            ids, odd = lookup_rows.names(keys)
            every = [ids]
        else:
            rows, odd = (
                lookup_rows.card_tokens(keys, self._tokens)
                if keys.kind == "token"
                else lookup_rows.card_numbers(keys)
            )
            every = [self._identity.row_ids(rows, one) for one in self._identity.generations]
        return _led(every, odd, lambda chosen: self.wanted(_messages(CardKey, keys, chosen))[0])

    def _add_pan(self, wanted: Wanted, batch: "_Batch", position: int, text: str) -> None:
        try:
            batch.add(position, normal.pan(text))
        except normal.NotNormal as error:
            reason = "REQUIRED" if not text else pans.number_fault(self._tokens, text, error)
            wanted.refuse(position, reason)


class _Batch:
    """Texts of one kind of key, with their positions and, for accounts, routing numbers."""

    __slots__ = ("positions", "routings", "texts")

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.routings: list[str] = []
        self.texts: list[str] = []

    def add(self, position: int, text: str, routing: str = "") -> None:
        """Add a text, for accounts with its routing number."""
        self.positions.append(position)
        self.texts.append(text)
        self.routings.append(routing)

    def lead(self, wanted: Wanted, every: Iterable[Sequence[bytes]]) -> None:
        """Have the keys of these texts lead to ids."""
        ids = wanted.ids
        for position, candidates in zip(self.positions, every, strict=True):
            ids[position] = candidates

    def extend(self, positions: Sequence[int], texts: Sequence[str]) -> None:
        """Add texts without routing numbers."""
        self.positions += positions
        self.texts += texts
        self.routings += [""] * len(texts)


def _under_each(
    identity: Identity, compute: Callable[[int], list[bytes]]
) -> Iterable[Sequence[bytes]]:
    """The ids of each value under every generation that serves, newest first."""
    return zip(*[compute(generation) for generation in identity.generations], strict=True)


def _led(every: list[list[bytes]], odd: Flags, judge: Callable[[list[int]], Wanted]) -> Wanted:
    """What keys lead to whose ids are `every`, of each generation; odd ones are judged alone."""
    positions: list[int] = np.flatnonzero(odd).tolist()
    if len(every) == 1 and not positions:
        return Wanted(single=every[0])
    wanted = Wanted(list(zip(*every, strict=True)))
    if positions:
        judged = judge(positions)
        for position, ids in zip(positions, judged.ids, strict=True):
            wanted.ids[position] = ids
        wanted.refused = {positions[at]: reason for at, reason in judged.refused.items()}
        wanted.settle()
    return wanted


def _messages(kind: type[Key], keys: PlainKeys, positions: Sequence[int]) -> list[Key]:
    return [kind.FromString(keys.message(position)) for position in positions]


def _others(kind: type[Request], data: bytes) -> Request | None:
    """A request's fields behind its keys; None where there are more keys, or what is no message.

    Raises InvalidArgument.
    """
    if not data:
        return kind()
    try:
        request = kind.FromString(data)
    except (DecodeError, RecursionError):
        return None
    if request.keys:
        return None
    request.DiscardUnknownFields()
    request.keys.add()  # so many as to be no error
    validate(request)
    request.ClearField("keys")
    return request


def _checked(kind: type[Request], data: bytes) -> Request:
    """A request by its generated class, held to its contract. Raises InvalidArgument."""
    try:
        request = kind.FromString(data)
    except (DecodeError, RecursionError):
        raise InvalidArgument("MALFORMED") from None
    request.DiscardUnknownFields()
    validate(request)
    return request


def _reason(key: Message, error: Exception) -> str:
    """What is wrong with a key: as its contract says, else as its normal form does."""
    try:
        validate(key)
    except InvalidArgument as fault:
        return fault.reason
    return reason_of(error)


def _token_reason(key: AccountTokenKey) -> str:
    """What is wrong with a token; one too short to be anybody's is merely unknown."""
    try:
        validate(key)
    except InvalidArgument as fault:
        return fault.reason
    return _NOT_FOUND
