"""Numbers of the sample bank: the same for the same seed, and nobody's in the real world.

Arithmetic only; it knows no record and no file.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from uuid import UUID

from opencif.nacha import check_digit

__all__ = [
    "ABROAD", "BILLION", "BRANDS", "CLEARING", "ELSEWHERE", "FROZEN_OUT", "LIMITED", "MAIN",
    "OFFSET", "OTHERS", "RETIRED", "SCATTER", "SECOND", "SOLD", "UNKNOWN", "Brand", "Dice",
    "account_number", "card_number", "employer_number", "with_luhn",
]  # fmt: skip


def _routing(first_eight: int) -> str:
    return f"{first_eight:08d}{check_digit(f'{first_eight:08d}')}"


# The American Bankers Association gives out routing numbers that begin with 00 to 12, 21 to 32, 61
# to 72 and 80. All of ours begin with 99, so that none is a bank's.
MAIN: Final = _routing(99000001)
"""Ours; account numbers have ten digits, the last a Luhn check digit."""
SECOND: Final = _routing(99000002)
"""Ours, from a merger; account numbers may have letters."""
RETIRED: Final = _routing(99000003)
"""Ours until the merger; the directory says to use MAIN."""
SOLD: Final = _routing(99000004)
"""Ours until its branches were sold."""
LIMITED: Final = _routing(99000005)
"""Ours, limited by its supervisor."""
FROZEN_OUT: Final = _routing(99000006)
"""Ours, but it takes no part in ACH."""
CLEARING: Final = _routing(99009999)
"""The clearing house that sends the files."""
OTHERS: Final = tuple(_routing(99010000 + n) for n in range(24))
"""Other banks'."""
ELSEWHERE: Final = OTHERS[0]
"""The bank that bought SOLD's branches."""
ABROAD: Final = OTHERS[1]
"""The gateway of international entries."""
UNKNOWN: Final = _routing(99099999)
"""In nobody's directory."""


@dataclass(frozen=True, slots=True)
class Brand:
    """A card network's test numbers: their first digits and how long they are."""

    network: str
    bin: str
    length: int


# The first six digits of the test numbers that card networks and processors publish
# (docs.stripe.com/testing, docs.adyen.com test card numbers): 4111 1111 1111 1111,
# 5555 5555 5555 4444, 2223 0031 2200 3222, 3782 822463 10005, 6011 1111 1111 1117.
BRANDS: Final = (
    Brand("VISA", "411111", 16),
    Brand("MASTERCARD", "555555", 16),
    Brand("MASTERCARD", "222300", 16),
    Brand("AMEX", "378282", 15),
    Brand("DISCOVER", "601111", 16),
)

BILLION: Final = 10**9
SCATTER: Final = 387_420_489  # 3**18: prime to ten, so that scattering is one to one
OFFSET: Final = 271_828_182
_EMPLOYER_PREFIXES: Final = ("07", "08", "09", "17", "18", "19", "28", "29")


class Dice:
    """Rolls that depend on the seed, a label and an index, never on what was rolled before."""

    __slots__ = ("_key",)

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(8, "big")

    def roll(self, label: str, index: int) -> int:
        """A number of 64 bits."""
        return int.from_bytes(self._digest(label, index, 8), "big")

    def uuid(self, label: str, index: int, milliseconds: int) -> str:
        """A UUIDv7 (RFC 9562) of this time, counted from 1970."""
        random = int.from_bytes(self._digest(label, index, 10), "big")
        low = (0b10 << 62) | (random & ((1 << 62) - 1))
        return str(UUID(int=milliseconds << 80 | 7 << 76 | (random >> 62 & 0xFFF) << 64 | low))

    def _digest(self, label: str, index: int, size: int) -> bytes:
        return blake2b(f"{label}/{index}".encode(), digest_size=size, key=self._key).digest()


def with_luhn(digits: str) -> str:
    """The digits and their Luhn check digit (ISO/IEC 7812-1)."""
    doubled = sum(sum(divmod(2 * int(d), 10)) for d in digits[::-2])
    return digits + str(-(doubled + sum(int(d) for d in digits[-2::-2])) % 10)


def account_number(index: int) -> str:
    """The `index`th account number of MAIN's kind: ten digits, no two alike below a billion."""
    return with_luhn(f"{(index * SCATTER + OFFSET) % BILLION:09d}")


def card_number(brand: Brand, index: int) -> str:
    """A test card number of this brand, no two of a brand alike below a hundred million."""
    width = brand.length - len(brand.bin) - 1
    scattered = (index * SCATTER + 314_159_265) % 10**width
    return with_luhn(f"{brand.bin}{scattered:0{width}d}")


def employer_number(index: int) -> str:
    """An EIN with a prefix that the IRS has never used (irs.gov, "How EINs are assigned")."""
    prefixes = len(_EMPLOYER_PREFIXES)
    return f"{_EMPLOYER_PREFIXES[index % prefixes]}{index // prefixes % 10**7:07d}"
