"""The return file and the NOC file of a run, as bytes that leave as they are made.

Must not decide what is answered.
"""

from datetime import date, datetime
from typing import Final

from opencif.nacha import AnswerFile, Change, CorrectedData, Entry, FileHeader, Return
from opencif.v1.ach_pb2 import ResolveAchFileResponse
from server.resolution import Decision
from server.splice import embedded

__all__ = ["AnswerFiles"]

_FLUSH_BYTES: Final = 1 << 16


class _Answers:
    """One of the two files: what is not sent yet, and how long it is in all."""

    __slots__ = ("_field", "_file", "_unsent", "size_bytes")

    def __init__(self, file: AnswerFile, field: int) -> None:
        self._file = file
        self._field = field
        self._unsent = bytearray()
        self.size_bytes = 0

    def add(self, answer: Return | Change) -> None:
        self._unsent += self._file.add(answer)

    def taken(self, least_bytes: int) -> list[bytes]:
        """A response with what is unsent, if it is at least so much."""
        if len(self._unsent) < least_bytes:
            return []
        data, self._unsent = bytes(self._unsent), bytearray()
        self.size_bytes += len(data)
        return [embedded(self._field, data)]

    def close(self) -> list[bytes]:
        self._unsent += self._file.close()
        return self.taken(1)


class AnswerFiles:
    """Both files; without entries to answer they stay empty."""

    def __init__(self, original: FileHeader, created: datetime) -> None:
        returns, nocs = AnswerFile(original, created), AnswerFile(original, created)
        self._returns = _Answers(returns, ResolveAchFileResponse.RETURN_FILE_FIELD_NUMBER)
        self._nocs = _Answers(nocs, ResolveAchFileResponse.NOC_FILE_FIELD_NUMBER)

    @property
    def return_bytes(self) -> int:
        """The length of the return file so far."""
        return self._returns.size_bytes

    @property
    def noc_bytes(self) -> int:
        """The length of the notification-of-change file so far."""
        return self._nocs.size_bytes

    def add(self, entry: Entry, decision: Decision, corrected: CorrectedData | None) -> None:
        """Answer an entry as was decided; one that earns neither file is passed over."""
        if decision.return_code:
            died = decision.date_of_death
            day = date.fromisoformat(died) if died else None
            self._returns.add(Return(entry, decision.return_code, day))
        elif corrected is not None:
            self._nocs.add(Change(entry, decision.noc_code, corrected))

    def taken(self) -> list[bytes]:
        """Responses with what has come together."""
        return self._returns.taken(_FLUSH_BYTES) + self._nocs.taken(_FLUSH_BYTES)

    def close(self) -> list[bytes]:
        """Responses with the ends of both files."""
        return self._returns.close() + self._nocs.close()
