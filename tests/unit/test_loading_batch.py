"""Rejected rows of an import: all are counted, the first thousand are told."""

from server.errors import InvalidArgument
from server.loading_batch import REJECTS_SHOWN_MAX, Rejects


def test_rejects_are_counted_beyond_those_that_are_told() -> None:
    rejects = Rejects()
    for row in range(REJECTS_SHOWN_MAX + 5, 0, -1):
        rejects.add(row, InvalidArgument("MALFORMED", "card.pan"))
    told = rejects.shown()
    assert rejects.count == REJECTS_SHOWN_MAX + 5
    assert [rejected.row for rejected in told] == list(range(6, REJECTS_SHOWN_MAX + 6))
    assert (told[0].reason, told[0].field) == ("MALFORMED", "card.pan")
