"""Customers' own keys, fetched from the key database and kept opened in bounded number.

Must not know what they seal, and never logs or returns a key: only sealers.
"""

from collections.abc import Iterable
from typing import Final

from repository.keys import CustomerKey, KeyStore
from server.recent import Recent
from tokenizer.customer import CustomerKeys, CustomerSealer, WrappedKey
from tokenizer.sealing import SealBroken

__all__ = ["CustomerSealers"]

KEPT_MAX: Final = 20_000


class CustomerSealers:
    """Sealers of customers, at most `kept_max` of them in memory: those asked for lately."""

    __slots__ = ("_kept", "_keys", "_store")

    def __init__(self, keys: CustomerKeys, store: KeyStore, kept_max: int = KEPT_MAX) -> None:
        self._keys = keys
        self._store = store
        self._kept: Recent[bytes, CustomerSealer] = Recent(kept_max)

    def __repr__(self) -> str:
        return f"CustomerSealers({len(self._kept)} keys hidden)"

    async def get_many(
        self, ids: Iterable[bytes], deadline: float | None = None
    ) -> dict[bytes, CustomerSealer]:
        """Customer id -> sealer, with one statement for all that are not in memory.

        Raises SealBroken for a customer without a key: what was sealed under it is lost.
        """
        found: dict[bytes, CustomerSealer] = {}
        missing: list[bytes] = []
        for id_ in dict.fromkeys(ids):
            if (kept := self._kept.get(id_)) is None:
                missing.append(id_)
            else:
                found[id_] = kept
        if missing:
            rows = await self._store.get_many(missing, deadline=deadline)
            for position, id_ in enumerate(missing):
                if id_ not in rows:
                    raise SealBroken(position)
                found[id_] = self._keep(id_, self._keys.unwrap(id_, WrappedKey(*rows[id_])))
        return found

    async def create_many(
        self, ids: Iterable[bytes], deadline: float | None = None
    ) -> dict[bytes, CustomerSealer]:
        """Customer id -> sealer of new customers, keys stored before anything is sealed with them.

        If a customer is not written after all, the key stands for nobody and harms nothing: one
        that was stored before stays that customer's.
        """
        made = {id_: self._keys.create(id_) for id_ in ids}
        rows = {
            id_: CustomerKey(wrapped.generation, wrapped.wrapped)
            for id_, (_, wrapped) in made.items()
        }
        stored = await self._store.insert_many(rows, deadline=deadline)
        found = {id_: self._keep(id_, made[id_][0]) for id_ in stored}
        if len(found) < len(made):
            found |= await self.get_many(made.keys() - stored, deadline)
        return found

    def _keep(self, id_: bytes, sealer: CustomerSealer) -> CustomerSealer:
        self._kept.put(id_, sealer)
        return sealer
