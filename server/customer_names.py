"""A customer's names as others need them: one to show, and keyed digests of their words to match.

Pure; nobody's name leaves the customer's own record other than as a digest.
"""

from typing import Final

from opencif.v1.customer_pb2 import Customer
from tokenizer.identity import Identity
from tokenizer.normal import name_words

__all__ = ["DIGESTS_MAX", "digests_of", "display_name", "words_of"]

DIGESTS_MAX: Final = 16


def display_name(customer: Customer) -> str:
    """The name to show, made from the parts: given, middle, family, suffix; or the legal name."""
    if customer.HasField("organization"):
        return _shortened(customer.organization.legal_name)
    person = customer.person
    parts = (person.given_name, person.middle_name, person.family_name, person.suffix)
    return _shortened(" ".join(part for part in parts if part))


def words_of(customer: Customer) -> list[str]:
    """The words a payer may know the customer by, normalised, the likeliest 16 first."""
    person, organization = customer.person, customer.organization
    texts = (
        person.family_name,
        person.given_name,
        organization.legal_name,
        *organization.trading_names,
        customer.display_name,
        person.middle_name,
        *person.former_names,
    )
    words = (word for text in texts for word in name_words(text))
    return list(dict.fromkeys(words))[:DIGESTS_MAX]


def digests_of(identity: Identity, customer: Customer) -> list[int]:
    """What an account's party holds of a customer's names: at most 16 digests of 32 bits."""
    return identity.name_digests(words_of(customer))


def _shortened(text: str) -> str:
    """The text within display_name's 350 bytes."""
    return text.encode()[:350].decode(errors="ignore")
