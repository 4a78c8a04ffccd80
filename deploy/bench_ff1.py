"""FF1 beside the libraries that others use, and beside the AES blocks that it cannot do without.

Strings in, strings out, on one core; knows nothing of OpenCIF's records.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import ffx
import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from fastfpe import ff1 as fastfpe

from loadtests.bench_machine import CpuWatch
from tokenizer.ff1 import FF1
from tokenizer.ff1_words import ROUNDS
from tokenizer.numerals import DIGITS, to_numerals, to_texts

__all__ = ["NAMES", "measure"]

_KEY: Final = bytes(range(32))
_TWEAK: Final = b"\x011234"
_LENGTH: Final = 15  # a card number without its Luhn digit
_BATCH: Final = 1_000
_ALPHABET: Final = "0123456789"
_TEXTS: Final = [f"{n * 7_654_321_098_765 % 10**_LENGTH:0{_LENGTH}d}" for n in range(1, 1 + _BATCH)]
_TWEAKS: Final = np.tile(np.frombuffer(_TWEAK, np.uint8), (_BATCH, 1))
_AES_BYTES: Final = 1 << 16  # stays in the L2 cache
_AES_BLOCK: Final = 16

Work = Callable[[], int]
"""Does some, and tells how many values."""


def _works() -> Iterator[tuple[str, Work]]:
    ours, pure = FF1(_KEY, DIGITS), ffx.FF1(_KEY, radix=DIGITS)
    ecb = Cipher(algorithms.AES(_KEY), modes.ECB()).encryptor()  # noqa: S305  the raw permutation
    zeros, out = bytes(_AES_BYTES), bytearray(_AES_BYTES + _AES_BLOCK)
    hex_key, hex_tweak = _KEY.hex(), _TWEAK.hex()
    some = _TEXTS[:20]

    def batch() -> int:
        return len(to_texts(ours.encrypt_batch(to_numerals(_TEXTS), _TWEAKS)))

    def one_by_one() -> int:
        return len([ours.encrypt_text(text, _TWEAK) for text in some])

    def libffx() -> int:
        return len([pure.encrypt(text, tweak=_TWEAK) for text in some])

    def native() -> int:
        return len([fastfpe.encrypt(hex_key, hex_tweak, _ALPHABET, text) for text in some])

    def blocks() -> int:
        return ecb.update_into(zeros, out) // _AES_BLOCK // ROUNDS

    first = ours.encrypt_text(_TEXTS[0], _TWEAK)
    others = (
        to_texts(ours.encrypt_batch(to_numerals(_TEXTS), _TWEAKS))[0],
        pure.encrypt(_TEXTS[0], tweak=_TWEAK),
        fastfpe.encrypt(hex_key, hex_tweak, _ALPHABET, _TEXTS[0]),
    )
    assert others == (first,) * len(others), "all of them do the same"
    yield "OpenCIF, batch of 1,000", batch
    yield "OpenCIF, one by one", one_by_one
    yield "libffx", libffx
    yield "fastfpe", native
    yield "ten AES blocks a token, the limit", blocks


_WORKS: Final = dict(_works())
NAMES: Final = tuple(_WORKS)
"""What can be measured."""


def measure(name: str, watch: CpuWatch, seconds: float) -> dict[str, Any]:
    """Tokens made in so many seconds, the seconds it took, and the CPU."""
    work = _WORKS[name]
    work()
    done, began, used = 0, time.perf_counter(), watch.seconds()
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        done += work()
    took, spent = time.perf_counter() - began, watch.seconds()
    return {
        "done": done,
        "seconds": took,
        "cpu_s": {role: spent[role] - used[role] for role in used},
    }
