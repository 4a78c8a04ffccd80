"""By what customers are found: keyed identifiers and contacts, as links."""

from collections.abc import Iterable
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
        return self.keys_of([claim])[claim]

    def keys_of(self, claims: Iterable[Claim]) -> dict[Claim, list[bytes]]:
        """The keys of each claim, one for each generation, computed together."""
        found: dict[Claim, list[bytes]] = {claim: [] for claim in claims}
        groups: dict[tuple[int, str], list[Claim]] = {}
        for claim in found:
            groups.setdefault((claim.type, claim.country), []).append(claim)
        for (type_, country), group in groups.items():
            values = [claim.value for claim in group]
            for generation in self._identity.generations:
                keys = self._identity.identifier_keys(type_, country, values, generation)
                for claim, key in zip(group, keys, strict=True):
                    found[claim].append(key)
        return found

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
