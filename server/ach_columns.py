"""Entries of a file by the thousand: columns to ids, to accounts' rows, to plain decisions.

Written for speed. What it decides is what resolution.py says of the same entry; everything that is
not plain it leaves to be decided there.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from opencif.v1 import ach_pb2, routing_pb2
from server.account_facts import NO_LEDGER, PLAIN_LEDGER_OF
from server.account_table import ABSENT, ROW, AccountTable, Ids, Rows, packed
from server.ach_accounts import AccountResolver, Terms
from server.ach_stages import Stage, Stages
from server.name_columns import compared
from server.resolution import Judge
from server.routing_table import Route, Scheme
from tokenizer.blobs import split
from tokenizer.identity import ID_BYTES, IdKind
from tokenizer.normal import ACCOUNT_NUMBER_MAX
from tokenizer.rows import ROW_BYTES, TEXT_AT, Words, encode, luhn_sums, texts

__all__ = ["WALK", "ColumnResolver", "Columns", "Plain"]

WALK: Final = -1
"""In the place of a name match: the entry is not plain."""
_ROUTING_DIGITS: Final = 9
_ROUTING: Final = slice(3, 12)
_NUMBER: Final = slice(12, 29)
_NAME: Final = slice(54, 76)
_ROUTING_TEXT: Final = slice(TEXT_AT, TEXT_AT + _ROUTING_DIGITS)
_NUMBER_TEXT: Final = slice(_ROUTING_TEXT.stop, _ROUTING_TEXT.stop + ACCOUNT_NUMBER_MAX)
_LEDGER_OF: Final = np.array([PLAIN_LEDGER_OF.get(code, NO_LEDGER) for code in range(100)], "u1")
_WEIGHTS: Final = np.array([(3, 7, 1)[i % 3] for i in range(ACCOUNT_NUMBER_MAX)], np.uint8)
_SEPARATOR: Final = 1
_WRITTEN: Final = np.zeros(0x100, np.uint8)  # of a character of an account number; 0 may not be
_WRITTEN[[ord(" "), ord("-")]] = _SEPARATOR
for _letter in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz":
    _WRITTEN[_letter] = ord(chr(_letter).upper())
_MATCH, _NO_NAME, _IGNORED = (
    ach_pb2.NAME_MATCH_MATCH, ach_pb2.NAME_MATCH_NO_NAME, ach_pb2.NAME_MATCH_UNSPECIFIED,
)  # fmt: skip


class Columns(NamedTuple):
    """Entries with number and name where PPD has them: records [n, 94], codes and routings [n]."""

    records: NDArray[np.uint8]
    codes: NDArray[np.int64]
    routings: NDArray[np.int64]


class Plain(NamedTuple):
    """For each entry: how the name compares where it posts with nothing to say, else WALK.

    `accounts` and `ids` are of those that post.
    """

    matches: NDArray[np.int8]
    accounts: Rows
    ids: Ids


class _Keys(NamedTuple):
    """What accounts are looked up by, encoded as ids are MACs of, and whose entries' they are."""

    entries: NDArray[np.intp]
    encoded: Words


class ColumnResolver:
    """Decides plain entries from the worker's table of accounts, filling it as it goes.

    A row counts while it is in the table: it was proven current when it was put there, and what
    has changed since then is taken out (ADR 4).
    """

    def __init__(self, resolver: AccountResolver, table: AccountTable) -> None:
        self._resolver = resolver
        self._table = table

    async def resolve(
        self,
        columns: Columns,
        route_of: Callable[[str], Route],
        judge: Judge,
        terms: Terms,
        stages: Stages,
    ) -> Plain:
        """Decide what is plain. Raises TimedOut, Unavailable, TooStale, SealBroken."""
        with stages.during(Stage.IDS):
            keys = _keys(columns, route_of)
        ids, rows = await self._accounts(keys.encoded, terms, stages)
        with stages.during(Stage.DECIDING):
            plain = Plain(
                np.full(len(columns.codes), WALK, np.int8),
                np.zeros(len(columns.codes), ROW),
                np.zeros((len(columns.codes), ID_BYTES), np.uint8),
            )
            plain.accounts[keys.entries] = rows
            plain.ids[keys.entries] = ids
            plain.matches[:] = self._decided(columns, plain.accounts, judge)
        return plain

    def _decided(self, columns: Columns, accounts: Rows, judge: Judge) -> NDArray[np.int8]:
        """As `Judge.plain`, of entries whose route is plain and whose number can be one."""
        ledgers = _LEDGER_OF[columns.codes]
        posts = (accounts["ledger"] == ledgers) & (ledgers != NO_LEDGER)
        posts &= accounts["plain_from"] <= int(judge.day.replace("-", ""))
        matches = np.full(len(posts), WALK, np.int8)
        if not judge.compares_names:
            matches[posts] = _IGNORED
            return matches
        named = np.flatnonzero(posts & (accounts["is_named"] == 1))
        names = compared(
            self._resolver.identity, columns.records[named, _NAME], accounts["words"][named]
        )
        matches[posts] = _NO_NAME
        matches[named[names.has_words]] = WALK
        matches[named[names.matches]] = _MATCH
        return matches

    async def _accounts(self, encoded: Words, terms: Terms, stages: Stages) -> tuple[Ids, Rows]:
        """Ids and rows of accounts, under the newest generation of the ids' key that has one."""
        found = np.zeros((len(encoded), ID_BYTES), np.uint8), np.zeros(len(encoded), ROW)
        left = np.arange(len(encoded))
        self._resolver.check_age()
        for generation in self._resolver.identity.generations:
            with stages.during(Stage.IDS):
                ids = self._resolver.identity.ids_of(encoded[left], generation)
            with stages.during(Stage.LOOKUPS):
                rows, known = self._table.get(ids)
                unknown = np.flatnonzero(~known)
            if len(unknown):
                rows[unknown] = await self._read(ids[unknown], terms, stages)
            found[0][left], found[1][left] = ids, rows
            left = left[rows["exists"] == 0]
            if not len(left):
                break
        return found

    async def _read(self, ids: Ids, terms: Terms, stages: Stages) -> Rows:
        """Rows that the table does not have; those that are proven current it has from now on."""
        wanted = split(ids.tobytes(), ID_BYTES)
        places = {id_: place for place, id_ in enumerate(dict.fromkeys(wanted))}
        distinct = list(places)
        entries, accounts = await self._resolver.read(distinct, terms, stages)
        with stages.during(Stage.OPENING):
            rows = np.frombuffer(
                b"".join([ABSENT if one is None else packed(one) for one in accounts]), ROW
            )
            self._table.put(distinct, rows, entries)
            return rows[[places[id_] for id_ in wanted]]


def _keys(columns: Columns, route_of: Callable[[str], Route]) -> _Keys:
    """The keys of entries for plain routing numbers whose account number is as its scheme wants."""
    numbers = _numbers(columns.records[:, _NUMBER])
    distinct, of_each = np.unique(columns.routings, return_inverse=True)
    chosen = np.zeros(len(columns.records), np.bool_)
    for place, routing in enumerate(distinct.tolist()):
        route = route_of(f"{routing:0{_ROUTING_DIGITS}d}")
        if route.is_plain:
            mine = np.flatnonzero(of_each == place)
            chosen[mine] = _accepted(route.scheme, numbers.of(mine))
    entries = np.flatnonzero(chosen)
    texts_of = np.zeros((len(entries), ROW_BYTES), np.uint8)
    texts_of[:, _ROUTING_TEXT] = columns.records[entries, _ROUTING]
    texts_of[:, _NUMBER_TEXT] = numbers.text[entries]
    return _Keys(entries, _encoded(texts_of, numbers.lengths[entries] + _ROUTING_DIGITS))


class _Numbers(NamedTuple):
    """Account numbers in their written form, [n, 17], how long each is, and if it is digits.

    One that cannot be one has no length.
    """

    text: NDArray[np.uint8]
    lengths: NDArray[np.intp]
    are_digits: NDArray[np.bool_]

    def of(self, entries: NDArray[np.intp]) -> "_Numbers":
        """Those of some entries."""
        return _Numbers(self.text[entries], self.lengths[entries], self.are_digits[entries])


def _numbers(fields: NDArray[np.uint8]) -> _Numbers:
    """As `normal.account_number` of fields as they stand in records, [n, 17].

    Nearly all are digits with blanks behind them, which are in their written form already.
    """
    columns = np.ascontiguousarray(fields.T)
    is_digit = columns - np.uint8(ord("0")) <= 9
    lengths = is_digit.sum(axis=0, dtype=np.intp)
    are_digits = is_digit[0] & ~(is_digit[1:] > is_digit[:-1]).any(axis=0)
    are_digits &= (is_digit | (columns == ord(" "))).all(axis=0)
    if are_digits.all():
        return _Numbers(fields, lengths, are_digits)
    others = np.flatnonzero(~are_digits)
    written = _WRITTEN[fields[others]]
    is_kept = written > _SEPARATOR
    order = np.argsort(~is_kept, axis=1, kind="stable")
    text = fields.copy()
    text[others] = np.take_along_axis(written, order, axis=1)
    lengths[others] = np.where((written > 0).all(axis=1), is_kept.sum(axis=1), 0)
    is_digit = (text[others] - np.uint8(ord("0")) <= 9) | ~np.take_along_axis(
        is_kept, order, axis=1
    )
    are_digits[others] = is_digit.all(axis=1)
    return _Numbers(text, lengths, are_digits)


def _accepted(scheme: Scheme, numbers: _Numbers) -> NDArray[np.bool_]:
    """As `Scheme.accepts`; where a leading zero would have to go it is not said."""
    text, lengths, are_digits = numbers
    fits = (max(scheme.length_min, 1) <= lengths) & (lengths <= scheme.length_max)
    if scheme.strips_leading_zeros:
        fits &= text[:, 0] != ord("0")
    if scheme.digits_only or scheme.check:
        fits &= are_digits
    if scheme.check == routing_pb2.CHECK_ALGORITHM_LUHN:
        digits = np.zeros((len(text), ROW_BYTES), np.uint8)
        digits[:, TEXT_AT : TEXT_AT + text.shape[1]] = text
        fits &= luhn_sums(texts(digits.view("<u8"), lengths), lengths) == 0
    elif scheme.check == routing_pb2.CHECK_ALGORITHM_MOD_10_WEIGHTED_371:
        is_text = np.arange(text.shape[1]) < lengths[:, None]
        digits = np.where(is_text, text - np.uint8(ord("0")), 0)
        fits &= (digits * _WEIGHTS).sum(axis=1) % 10 == 0
    return fits


def _encoded(rows: NDArray[np.uint8], lengths: NDArray[np.intp]) -> Words:
    """Rows of 32 bytes with their text in place as ids are MACs of."""
    encoded = texts(rows.view("<u8"), lengths)
    encode(IdKind.ACCOUNT, encoded, lengths)
    return encoded
