"""By what customers are found: keyed identifiers and contacts, as links."""

from collections.abc import Set as AbstractSet

from repository.link import Relation
from server.identifier_rules import Claim
from server.work import Work
from tokenizer.identity import Identity

__all__ = ["CustomerLinks"]


class CustomerLinks:
    """Keys claims under every serving generation, so that old and new records are found alike."""

    __slots__ = ("_identity",)

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def keys(self, claim: Claim) -> list[bytes]:
        """The keys a claim is linked under, one for each generation."""
        return [
            self._identity.identifier_keys(claim.type, claim.country, [claim.value], generation)[0]
            for generation in self._identity.generations
        ]

    def relink(
        self, work: Work, id_: bytes, before: AbstractSet[Claim], after: AbstractSet[Claim]
    ) -> None:
        """Have a customer found by what it claims now, and no longer by what it claimed before.

        An exclusive claim of another customer ends the mutation: LinkTaken, ALREADY_EXISTS.
        """
        for claim in before - after:
            for key in self.keys(claim):
                work.unlink(Relation.IDENTIFIER_CUSTOMER, key, id_)
        for claim in after - before:
            for key in self.keys(claim):
                work.link(Relation.IDENTIFIER_CUSTOMER, key, id_, exclusive=claim.is_exclusive)
