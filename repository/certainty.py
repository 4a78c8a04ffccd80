"""What a driver's error means: which typed error it is, and whether a commit may have happened."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

import asyncpg

from repository.errors import (
    CommitUnknown,
    OperationInProgress,
    RepositoryError,
    TimedOut,
    Unavailable,
)

__all__ = ["NO_ANSWER", "Connection", "certain", "commit", "translate"]

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

# All that a statement ends with that brought no rows, whoever is to blame.
NO_ANSWER = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

# What asyncpg and the operating system raise when the server is not there to answer.
GONE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def translate(error: BaseException) -> RepositoryError | None:
    """The typed error for a driver's error; None when it is not about reaching the database."""
    if isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
        return OperationInProgress()
    if isinstance(error, TimeoutError | asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
        return TimedOut()
    if isinstance(error, GONE):
        return Unavailable("the database cannot be reached")
    return None


# Whoever answers a COMMIT with anything else has rolled it back.
OPEN_QUESTIONS = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@contextmanager
def certain(connection: Connection) -> Iterator[None]:
    """Round a statement that commits. Raises CommitUnknown when its answer leaves that open.

    Raises Unavailable when the connection is gone before the statement.

    That is a lost connection, and a warning: a cancelled wait for a synchronous standby means
    committed here, and perhaps nowhere else.
    """
    doubts: list[object] = []

    def doubt(_: object, message: object) -> None:
        doubts.append(message)

    try:
        connection.add_log_listener(doubt)
    except asyncpg.InterfaceError as error:  # lost before: nothing has been sent that commits
        raise Unavailable("the database cannot be reached") from error
    try:
        yield
    except OPEN_QUESTIONS as error:
        raise CommitUnknown from error
    finally:
        with suppress(asyncpg.InterfaceError):  # the pool has taken a broken connection back
            connection.remove_log_listener(doubt)
    if doubts:
        raise CommitUnknown


async def commit(connection: Connection) -> None:
    """COMMIT the open transaction; the caller sees to it that nothing cancels this.

    Raises CommitUnknown, and RepositoryError where an earlier failure had ended the transaction.
    """
    with certain(connection):
        status = await connection.execute("COMMIT")
    if status != "COMMIT":
        raise RepositoryError("the transaction had failed before its COMMIT")
