"""The table of faults: those that are made on a cluster, and those that a test makes by itself.

Numbers are those of the fault table in docs/availability.md.
"""

from typing import Final

from deploy.fault_disk import DISK_FAULTS
from deploy.fault_postgres import POSTGRES_FAULTS
from deploy.fault_service import SERVICE_FAULTS
from deploy.fault_stage import ByTest, Scenario
from deploy.fault_stored import STORED_FAULTS
from deploy.fault_valkey import VALKEY_FAULTS

__all__ = ["BY_TEST", "SCENARIOS", "SHORT"]

SCENARIOS: Final[tuple[Scenario, ...]] = tuple(
    sorted(
        (*POSTGRES_FAULTS, *DISK_FAULTS, *VALKEY_FAULTS, *SERVICE_FAULTS, *STORED_FAULTS),
        key=lambda one: (int(one.number.rstrip("abcd")), one.number),
    )
)
# The failover comes last but for what must not share its minute; what is quickest comes first.
_SHORT_ORDER: Final = (
    "13", "10c", "11a", "11b", "12", "10a", "8", "19b", "23", "24", "16", "17", "27", "5", "1",
)  # fmt: skip
SHORT: Final = tuple(
    next(one for one in SCENARIOS if one.number == number) for number in _SHORT_ORDER
)
"""What the short form makes, in its order: as many as fit into its five minutes."""

BY_TEST: Final = (
    ByTest("9", "the old primary rejoins", "at the end of every scenario: timelines, rows, sums"),
    ByTest(
        "14",
        "a slow fill after a newer write, and the stale read without the proof",
        "tests/contract/test_interleavings.py",
    ),
    ByTest("15", "many callers, one cold key", "tests/contract/test_flights.py"),
    ByTest("18", "errors before and after any call, by seed", "tests/faults"),
    ByTest("26", "backup, and restore to a point in time", "tests/faults/test_restore_drill.py"),
)
