"""Every error the repository raises on purpose; the server maps each to one status.

    RepositoryError
    ├── NotFound              no such record, revision or link
    ├── AlreadyExists         the record's key is taken
    │   └── LinkTaken         an exclusive key (SSN, LEI, DPAN ...) belongs to another record
    ├── VersionMismatch       the record is at another version than the caller believes
    ├── IdempotencyKeyReused  same request id, other payload
    ├── OperationInProgress   the same request, or a write of the same record, is running
    ├── CommitUnknown         COMMIT was sent; whether it happened is not known
    ├── Unavailable           the database cannot be asked, or nothing can be proven current
    │   ├── OtherLife         who answered lives another life of the database
    │   ├── Busy              all connections are in use, and have been for as long as one waits
    │   │   └── Stalled       and it is the database that is slow, not the callers who are many
    │   ├── TooStale          nothing was proven current for too long
    │   └── TimedOut          the caller's deadline passed before an answer came
    ├── MigrationAltered      an applied migration file no longer reads as it did
    ├── MigrationForbidden    the role may not change the schema
    ├── MigrationLocked       another process is migrating, or holds a table it needs
    └── MigrationOutOfTurn    a migration of another phase comes first

No message carries an id, a key or a value: ids of records are attributes, never text.
"""

__all__ = [
    "AlreadyExists",
    "Busy",
    "CommitUnknown",
    "IdempotencyKeyReused",
    "LinkTaken",
    "MigrationAltered",
    "MigrationForbidden",
    "MigrationLocked",
    "MigrationOutOfTurn",
    "NotFound",
    "OperationInProgress",
    "OtherLife",
    "RepositoryError",
    "Stalled",
    "TimedOut",
    "TooStale",
    "Unavailable",
    "VersionMismatch",
]


class RepositoryError(Exception):
    """What every error below is."""


class NotFound(RepositoryError):
    """No such record, revision or link."""

    def __init__(self, kind: int, id_: bytes) -> None:
        super().__init__("record not found")
        self.kind = kind
        self.id = id_


class AlreadyExists(RepositoryError):
    """The record's key is taken by a record that is not deleted."""

    def __init__(self, kind: int, id_: bytes, fact: str = "record exists") -> None:
        super().__init__(fact)
        self.kind = kind
        self.id = id_


class LinkTaken(AlreadyExists):
    """An exclusive key belongs to another record: `kind` is unknown (0), `id` is the holder's."""

    def __init__(self, relation: int, key: bytes, holder: bytes) -> None:
        super().__init__(0, holder, "an exclusive key belongs to another record")
        self.relation = relation
        self.key = key


class VersionMismatch(RepositoryError):
    """The record is at version `actual`, not at `expected` (versions, not etags)."""

    def __init__(self, kind: int, id_: bytes, expected: int, actual: int) -> None:
        super().__init__("record is at another version")
        self.kind = kind
        self.id = id_
        self.expected = expected
        self.actual = actual


class IdempotencyKeyReused(RepositoryError):
    """The same request id came before with another payload."""

    def __init__(self) -> None:
        super().__init__("request id was used with another payload")


class OperationInProgress(RepositoryError):
    """The same request is running now; its outcome is not known yet."""

    def __init__(self) -> None:
        super().__init__("the same request is still running")


class CommitUnknown(RepositoryError):
    """COMMIT was sent and its outcome is not known: repeat with the same request id."""

    def __init__(self) -> None:
        super().__init__("the outcome of the commit is not known")


class Unavailable(RepositoryError):
    """The database cannot be asked, or nothing it said is recent enough to be served."""


class OtherLife(Unavailable):
    """Who answered lives another life of the database than the one that the poll follows."""

    def __init__(self) -> None:
        super().__init__("a server of another life of the database answered")


class Busy(Unavailable):
    """All connections are in use, and have been for as long as anybody waits for one."""

    def __init__(self) -> None:
        super().__init__("all connections are in use")


class Stalled(Busy):
    """And it is the database that is slow: none has become free meanwhile, or only writes wait."""


class TooStale(Unavailable):
    """Nothing that is known was proven current for longer than may be."""

    def __init__(self) -> None:
        super().__init__("the change poll has been silent for too long")


class TimedOut(Unavailable):
    """The caller's deadline passed before the database answered; nothing was committed."""

    def __init__(self) -> None:
        super().__init__("the deadline passed before the database answered")


class MigrationAltered(RepositoryError):
    """An applied migration file no longer reads as it did when it was applied."""


class MigrationForbidden(RepositoryError):
    """The role has no right to change the schema: run `migrate` with one that has."""


class MigrationLocked(RepositoryError):
    """Another process is migrating, or a table stayed locked longer than lock_timeout."""


class MigrationOutOfTurn(RepositoryError):
    """A migration of another phase comes before those of this one."""
