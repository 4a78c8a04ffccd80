"""The forms of tokens: PANs, account numbers and identifiers under FF1.

Owns what of a number stays in clear and what the tweak binds. FF1 has no integrity: a token
opened under the wrong generation gives a plausible number, so callers prove what they find.

Errors: `TokenError` is the parent of `NotAPan`, `NotAToken` and `NotTokenizable`; each names the
position in its batch, none the value.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tokenizer.ff1 import FF1
from tokenizer.keyring import PAN_TOKEN_CLASSES, KeyRetired, Keyring, Purpose, UnknownGeneration
from tokenizer.normal import PAN_LENGTHS, NotNormal, is_digits, luhn_sum_mod10
from tokenizer.numerals import (
    BATCH_MIN,
    DIGITS,
    LENGTH_MIN,
    Array,
    by_group,
    first_foreign,
    length_and_radix,
    luhn_rows,
    to_numerals,
    to_texts,
    walked,
)

LAST_KEPT = 4

_TWEAK_PAN = b"\x01"
_TWEAK_ACCOUNT = b"\x02"
_TWEAK_IDENTIFIER = b"\x03"


class TokenError(ValueError):
    """A value of a batch cannot be tokenized or detokenized. `position` counts from 0."""

    def __init__(self, position: int) -> None:
        super().__init__(f"value {position} of the batch")
        self.position = position


class NotAPan(TokenError):
    """The value is not 12 to 19 Luhn-correct digits."""


class NotAToken(TokenError):
    """The value does not have the form of such a token."""


class NotTokenizable(TokenError):
    """The value has other characters than 0-9 and A-Z."""


def is_pan(text: str) -> bool:
    """Tell whether the text is 12 to 19 Luhn-correct ASCII digits."""
    return pan_token_generation_class(text) == 0


def pan_token_generation_class(text: str) -> int | None:
    """Return the class 1 to 9 a PAN token names, 0 for a PAN, None for anything else."""
    if len(text) not in PAN_LENGTHS or not is_digits(text):
        return None
    return luhn_sum_mod10(text)


def generation_class(generation: int) -> int:
    """Return k, 1 to 9: what a token of this generation adds to the Luhn-correct digit."""
    return 1 + generation % PAN_TOKEN_CLASSES


class Tokens:
    """Tokenizes and opens batches of strings; lengths may be mixed, order is kept.

    `generation` defaults to the active one. Raises KeyRetired and UnknownGeneration besides the
    errors named.
    """

    __slots__ = ("_keyring", "_made")

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._made: dict[tuple[Purpose, int, int], FF1] = {}

    def __repr__(self) -> str:
        return "Tokens(keys hidden)"

    @property
    def pan_generations(self) -> tuple[int, ...]:
        """Generations of PAN tokens that serve, newest first."""
        return self._keyring.generations(Purpose.TOKEN_PAN)

    @property
    def account_generations(self) -> tuple[int, ...]:
        """Generations of account tokens that serve, newest first."""
        return self._keyring.generations(Purpose.TOKEN_ACCOUNT)

    def identifier_generations(self, kind: str) -> tuple[int, ...]:
        """Generations of tokens of one kind of identifier that serve, newest first."""
        return self._keyring.generations(_purpose(kind))

    def pan_tokens(self, pans: Sequence[str], generation: int | None = None) -> list[str]:
        """Return tokens that keep length and last 4, fail Luhn and name their generation.

        Raises NotAPan, for a token too.
        """
        serving = self._generation(Purpose.TOKEN_PAN, generation)
        k = generation_class(serving)

        def group(positions: list[int], texts: list[str]) -> list[str]:
            sums = _luhn_sums(positions, texts, NotAPan)
            for position, luhn_sum in zip(positions, sums, strict=True):
                if luhn_sum:
                    raise NotAPan(position)
            return self._pan_group(texts, serving, k, opening=False)

        return by_group(pans, len, group)

    def pans(self, tokens: Sequence[str]) -> list[str]:
        """Return the PANs of PAN tokens, each under the generation it names; raises NotAToken."""
        if len(tokens) < BATCH_MIN:
            return [self._pan(position, token) for position, token in enumerate(tokens)]

        def group(positions: list[int], texts: list[str]) -> list[str]:
            classes = _luhn_sums(positions, texts, NotAToken)
            if 0 in classes:
                raise NotAToken(positions[classes.index(0)])
            opened = dict[int, str]()
            for k in sorted(set(classes)):
                rows = [row for row, found in enumerate(classes) if found == k]
                generation = self.pan_generation(k)
                same = [texts[row] for row in rows]
                found = self._pan_group(same, generation, 0, opening=True)
                opened.update(zip(rows, found, strict=True))
            return [opened[row] for row in range(len(texts))]

        return by_group(tokens, len, group)

    def pans_of_digits(self, tokens: Array, generation: int) -> Array:
        """Return the PANs of tokens of one length and generation, both as digits [n, length].

        Does not look whether the tokens name this generation, or have a length of PANs.
        """
        return self._pan_rows(tokens, generation, 0, opening=True)

    def pan_generation(self, k: int) -> int:
        """Return the generation of class k; raises KeyRetired, UnknownGeneration."""
        for generation in self.pan_generations:
            if generation_class(generation) == k:
                return generation
        if any(generation_class(g) == k for g in self._keyring.retired(Purpose.TOKEN_PAN)):
            raise KeyRetired(f"the PAN tokens of class {k} are retired")
        raise UnknownGeneration(f"no PAN token has class {k}")

    def account_tokens(
        self, routings: Sequence[str], numbers: Sequence[str], generation: int | None = None
    ) -> list[str | None]:
        """Return tokens of account numbers, None for one too short (6 digits, 4 alphanumerics).

        Digits stay digits; any other number's token has a letter. Raises NotTokenizable.
        """
        tweaks = _routing_tweaks(routings)
        return self._tokens(Purpose.TOKEN_ACCOUNT, generation, numbers, tweaks)

    def account_numbers(
        self, routings: Sequence[str], tokens: Sequence[str], generation: int
    ) -> list[str]:
        """Return what account tokens open to under one generation; raises NotAToken.

        A token of another generation opens to something plausible: only a record that carries
        exactly this token confirms it.
        """
        return self._opened(Purpose.TOKEN_ACCOUNT, generation, tokens, _routing_tweaks(routings))

    def identifier_tokens(
        self, kind: str, values: Sequence[str], generation: int | None = None
    ) -> list[str | None]:
        """Return tokens of SSN, EIN or another kind of identifier, None for one too short.

        `kind` is the contract's name and part of the tweak. Raises NotTokenizable.
        """
        tweaks = [_TWEAK_IDENTIFIER + kind.encode("ascii")] * len(values)
        return self._tokens(_purpose(kind), generation, values, tweaks)

    def identifiers(self, kind: str, tokens: Sequence[str], generation: int) -> list[str]:
        """Return what identifier tokens open to under one generation; raises NotAToken."""
        tweaks = [_TWEAK_IDENTIFIER + kind.encode("ascii")] * len(tokens)
        return self._opened(_purpose(kind), generation, tokens, tweaks)

    def _pan(self, position: int, token: str) -> str:
        k = pan_token_generation_class(token)
        if not k:
            raise NotAToken(position)
        cipher = self._cipher(Purpose.TOKEN_PAN, self.pan_generation(k), DIGITS)
        return _pan_one(token, cipher.decrypt_text, 0)

    def _pan_group(self, texts: list[str], generation: int, k: int, *, opening: bool) -> list[str]:
        """Translate numbers of one length and set the fifth digit from the end to Luhn sum k."""
        cipher = self._cipher(Purpose.TOKEN_PAN, generation, DIGITS)
        if len(texts) < BATCH_MIN:
            translate = cipher.decrypt_text if opening else cipher.encrypt_text
            return [_pan_one(text, translate, k) for text in texts]
        return to_texts(self._pan_rows(to_numerals(texts), generation, k, opening=opening))

    def _pan_rows(self, digits: Array, generation: int, k: int, *, opening: bool) -> Array:
        """Translate digits [n, length] as `_pan_group` does."""
        cipher = self._cipher(Purpose.TOKEN_PAN, generation, DIGITS)
        tweaks = np.empty((len(digits), 1 + LAST_KEPT), np.uint8)
        tweaks[:, 0] = _TWEAK_PAN[0]
        tweaks[:, 1:] = digits[:, -LAST_KEPT:] + ord("0")
        translate = cipher.decrypt_batch if opening else cipher.encrypt_batch
        out = digits.copy()
        out[:, : -LAST_KEPT - 1] = translate(digits[:, : -LAST_KEPT - 1], tweaks)
        out[:, -LAST_KEPT - 1] = 0
        out[:, -LAST_KEPT - 1] = (10 + k - luhn_rows(out)) % 10
        return out

    def _tokens(
        self,
        purpose: Purpose,
        generation: int | None,
        texts: Sequence[str],
        tweaks: Sequence[bytes],
    ) -> list[str | None]:
        serving = self._generation(purpose, generation)

        def group(positions: list[int], same: list[str]) -> list[str | None]:
            _, radix = length_and_radix(same[0])
            if len(same[0]) < LENGTH_MIN[radix]:
                return [None] * len(same)
            _refuse_characters(positions, same, NotTokenizable)
            chosen = [tweaks[position] for position in positions]
            return [*walked(self._cipher(purpose, serving, radix), same, chosen, opening=False)]

        return by_group(texts, length_and_radix, group)

    def _opened(
        self, purpose: Purpose, generation: int, tokens: Sequence[str], tweaks: Sequence[bytes]
    ) -> list[str]:
        self._keyring.require(purpose, generation)

        def group(positions: list[int], same: list[str]) -> list[str]:
            _, radix = length_and_radix(same[0])
            if len(same[0]) < LENGTH_MIN[radix]:
                raise NotAToken(positions[0])
            _refuse_characters(positions, same, NotAToken)
            chosen = [tweaks[position] for position in positions]
            return walked(self._cipher(purpose, generation, radix), same, chosen, opening=True)

        return by_group(tokens, length_and_radix, group)

    def _generation(self, purpose: Purpose, generation: int | None) -> int:
        return self._keyring.active(purpose) if generation is None else generation

    def _cipher(self, purpose: Purpose, generation: int, radix: int) -> FF1:
        cipher = self._made.get((purpose, generation, radix))
        if cipher is None:
            cipher = FF1(self._keyring.subkey(purpose, generation, b"ff1"), radix)
            self._made[purpose, generation, radix] = cipher
        return cipher


def _purpose(kind: str) -> Purpose:
    return {"SSN": Purpose.TOKEN_SSN, "EIN": Purpose.TOKEN_EIN}.get(kind, Purpose.TOKEN_IDENTIFIER)


def _routing_tweaks(routings: Sequence[str]) -> list[bytes]:
    """Return type byte and routing number as 4 bytes; raises NotNormal unless 9 digits."""
    known = set(routings)
    if not all(len(routing) == 9 and is_digits(routing) for routing in known):
        raise NotNormal("ROUTING_NUMBER_CHARACTERS")
    tweaks = {routing: _TWEAK_ACCOUNT + int(routing).to_bytes(4) for routing in known}
    return [tweaks[routing] for routing in routings]


def _pan_one(text: str, translate: Callable[[str, bytes], str], k: int) -> str:
    """Return one number with its lead translated and its Luhn sum set to k."""
    last = text[-LAST_KEPT:]
    lead = translate(text[: -LAST_KEPT - 1], _TWEAK_PAN + last.encode("ascii"))
    return f"{lead}{(k - luhn_sum_mod10(f'{lead}0{last}')) % 10}{last}"


def _luhn_sums(positions: list[int], texts: list[str], error: type[TokenError]) -> list[int]:
    """Return Luhn sums modulo 10 of numbers of one length; raises `error` for other texts."""
    if len(texts[0]) not in PAN_LENGTHS:
        raise error(positions[0])
    if not is_digits("".join(texts)):
        raise error(
            next(p for p, text in zip(positions, texts, strict=True) if not is_digits(text))
        )
    if len(texts) < BATCH_MIN:
        return [luhn_sum_mod10(text) for text in texts]
    sums: list[int] = luhn_rows(to_numerals(texts)).tolist()
    return sums


def _refuse_characters(positions: list[int], texts: list[str], error: type[TokenError]) -> None:
    """Raise `error` for a text of other characters than 0-9A-Z; texts are of one radix."""
    foreign = None if is_digits(texts[0]) else first_foreign(texts)
    if foreign is not None:
        raise error(positions[foreign])
