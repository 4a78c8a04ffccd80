"""The one written form of every number and identifier, before it is keyed or tokenized.

Owns what is stripped, folded and checked; a change of a rule here is a new kind of id. Digits are
ASCII 0-9 only (`str.isdigit` takes full-width and Arabic-Indic ones). No error holds the value.
"""

import re
import unicodedata

ACCOUNT_NUMBER_MAX = 17  # the NACHA field
PAN_LENGTHS = range(12, 20)  # ISO/IEC 7812-1, issuers in use
IBAN_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d{2})",
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29"
        "ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20"
        "LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29"
        "PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20"
        "YE30",
    )
}  # SWIFT IBAN registry

_SEPARATORS = str.maketrans("", "", " -")
_PHONE_SEPARATORS = str.maketrans("", "", " -.()")
_LUHN_PLAIN = bytes.maketrans(b"0123456789", bytes(range(10)))
_LUHN_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_ZEROS_WEIGHED = ord("0") * 3 * (3 + 7 + 1)
_AMEX = ("34", "37")
_AMEX_LENGTH = 15
_EMAIL_MAX = 254  # RFC 5321 section 4.5.3.1
_IDENTIFIER_MAX = 64
_MOD_97_DIGITS = {
    chr(code): str(int(chr(code), 36)) for code in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
}
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+\.[^\s@.\x00-\x1f\x7f]+")
_SSN = re.compile(r"(?!000|666|9)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}")
_ITIN = re.compile(r"9[0-9]{2}(5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-2]|9[4-9])[0-9]{4}")
_WORDS = re.compile(r"[^\W_]+")


class NotNormal(ValueError):
    """The value is not of the form its kind has. `reason` is a code; the value is never held."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_digits(text: str) -> bool:
    """Tell whether the text is one or more ASCII digits."""
    return text.isascii() and text.isdigit()


def luhn_sum_mod10(digits: str) -> int:
    """Return the Luhn sum modulo 10 of ASCII digits (ISO/IEC 7812-1 annex B): 0 is correct."""
    codes = digits.encode("ascii")[::-1]
    plain, doubled = codes[::2].translate(_LUHN_PLAIN), codes[1::2].translate(_LUHN_DOUBLED)
    return (sum(plain) + sum(doubled)) % 10


def account_number(text: str, *, strips_leading_zeros: bool = False) -> str:
    """Return 1 to 17 upper-case ASCII letters and digits; spaces and hyphens are stripped."""
    number = text
    if not is_digits(text):
        number = _ascii(text, "ACCOUNT_NUMBER_CHARACTERS").translate(_SEPARATORS).upper()
        if not number.isalnum():
            raise NotNormal("ACCOUNT_NUMBER_CHARACTERS")
    if strips_leading_zeros:
        number = number.lstrip("0") or "0"
    if len(number) > ACCOUNT_NUMBER_MAX:
        raise NotNormal("ACCOUNT_NUMBER_LENGTH")
    return number


def pan(text: str) -> str:
    """Return a PAN: 12 to 19 digits (15 under 34 and 37), Luhn-correct; spaces, dashes stripped."""
    digits = text if is_digits(text) else text.translate(_SEPARATORS)
    if not is_digits(digits):
        raise NotNormal("PAN_CHARACTERS")
    if len(digits) not in PAN_LENGTHS or (digits.startswith(_AMEX) and len(digits) != _AMEX_LENGTH):
        raise NotNormal("PAN_LENGTH")
    if luhn_sum_mod10(digits):
        raise NotNormal("PAN_CHECK_DIGIT")
    return digits


def routing_number(text: str) -> str:
    """Return an ABA routing number: 9 digits, weights 3-7-1, not all zeros."""
    number = text.strip(" ")
    if len(number) != 9 or not is_digits(number):
        raise NotNormal("ROUTING_NUMBER_CHARACTERS")
    codes = number.encode("ascii")
    weighed = 3 * sum(codes[::3]) + 7 * sum(codes[1::3]) + sum(codes[2::3]) - _ZEROS_WEIGHED
    if weighed % 10 or number == "000000000":
        raise NotNormal("ROUTING_NUMBER_CHECK_DIGIT")
    return number


def iban(text: str) -> str:
    """Return an IBAN (ISO 13616): upper case, its country's length, mod 97 = 1."""
    number = _ascii(text, "IBAN_CHARACTERS").translate(_SEPARATORS).upper()
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[0-9A-Z]+", number):
        raise NotNormal("IBAN_CHARACTERS")
    if number[:2] not in IBAN_LENGTHS:
        raise NotNormal("IBAN_COUNTRY")
    if len(number) != IBAN_LENGTHS[number[:2]]:
        raise NotNormal("IBAN_LENGTH")
    if _mod_97(number[4:] + number[:4]) != 1 or not 2 <= int(number[2:4]) <= 98:
        raise NotNormal("IBAN_CHECK_DIGITS")
    return number


def ssn(text: str) -> str:
    """Return a US social security number: 9 digits, of a group that can be issued."""
    return _matching(text, _SSN, "SSN")


def itin(text: str) -> str:
    """Return a US individual taxpayer number: 9 digits, 9 first, fourth and fifth as issued."""
    return _matching(text, _ITIN, "ITIN")


def ein(text: str) -> str:
    """Return a US employer number: 9 digits, prefix not 00 (it has no check digit)."""
    return _matching(text, re.compile(r"(?!00)[0-9]{9}"), "EIN")


def lei(text: str) -> str:
    """Return a legal entity identifier (ISO 17442): 20 characters, mod 97 = 1."""
    number = _ascii(text, "LEI_CHARACTERS").translate(_SEPARATORS).upper()
    if not re.fullmatch(r"[0-9A-Z]{18}[0-9]{2}", number):
        raise NotNormal("LEI_CHARACTERS")
    if _mod_97(number) != 1:
        raise NotNormal("LEI_CHECK_DIGITS")
    return number


def bic(text: str) -> str:
    """Return a BIC (ISO 9362) of 11 characters: eight mean the head office, XXX."""
    number = _ascii(text, "BIC_CHARACTERS").strip(" ").upper()
    if not re.fullmatch(r"[0-9A-Z]{4}[A-Z]{2}[0-9A-Z]{2}([0-9A-Z]{3})?", number):
        raise NotNormal("BIC_CHARACTERS")
    return number.ljust(11, "X")


def email(text: str) -> str:
    """Return an e-mail address: NFC, lower case, one @, a dotted domain, at most 254 bytes."""
    address = unicodedata.normalize("NFC", text.strip(" ")).lower()
    if not _EMAIL.fullmatch(address):
        raise NotNormal("EMAIL_FORM")
    if len(_utf8(address, "EMAIL_FORM")) > _EMAIL_MAX:
        raise NotNormal("EMAIL_LENGTH")
    return address


def phone(text: str) -> str:
    """Return an E.164 number: + and 7 to 15 digits, the first not 0."""
    number = text.translate(_PHONE_SEPARATORS)
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise NotNormal("PHONE_FORM")
    return number


def identifier(text: str) -> str:
    """Return any other identifier: upper case, no spaces or hyphens, 1 to 64 printable ASCII."""
    value = _ascii(text, "IDENTIFIER_CHARACTERS").translate(_SEPARATORS).upper()
    if not value.isprintable():
        raise NotNormal("IDENTIFIER_CHARACTERS")
    if not 1 <= len(value) <= _IDENTIFIER_MAX:
        raise NotNormal("IDENTIFIER_LENGTH")
    return value


def name_words(text: str) -> list[str]:
    """Return a name's words for matching: NFKD, marks stripped, case folded, split elsewhere."""
    if text.isascii():  # nothing to fold but case: most names of a NACHA file, on the hot path
        return _WORDS.findall(text.lower())
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join([c for c in folded if not unicodedata.category(c).startswith("M")])
    return _WORDS.findall(bare)


def _ascii(text: str, reason: str) -> str:
    if not text.isascii():
        raise NotNormal(reason)
    return text


def _utf8(text: str, reason: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        raise NotNormal(reason) from None


def _matching(text: str, form: re.Pattern[str], name: str) -> str:
    number = text.translate(_SEPARATORS)
    if len(number) != 9 or not is_digits(number):
        raise NotNormal(f"{name}_CHARACTERS")
    if not form.fullmatch(number):
        raise NotNormal(f"{name}_NOT_ISSUED")
    return number


def _mod_97(text: str) -> int:
    """Return ISO 7064 mod 97 of upper-case ASCII letters and digits, letters as 10 to 35."""
    return int("".join([_MOD_97_DIGITS[character] for character in text])) % 97
