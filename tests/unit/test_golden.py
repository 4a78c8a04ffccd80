"""What operators and clients rely on, as files: a change of them is seen in review.

`OPENCIF_WRITE_GOLDEN=1 pytest tests/unit/test_golden.py` writes them anew.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic_core import PydanticUndefined

from repository.cache import CacheStats
from server.errors import REASONS
from server.metrics import Metrics
from server.settings import Settings

GOLDEN = Path(__file__).parents[1] / "golden"


def errors() -> str:
    """The error catalogue: reason, status, retry hint, words."""
    return "".join(
        f"{name:<26} {reason.code.name:<20} {reason.retry_ms:>5} ms  {reason.words}\n"
        for name, reason in REASONS.items()
    )


def settings() -> str:
    """The settings table: variable, default, what it is for."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "(required)" if default is PydanticUndefined else repr(default)
        lines.append(f"OPENCIF_{name.upper():<26} {shown:<14} {field.description}\n")
    return "".join(lines)


def metrics() -> str:
    """The names of a worker's own metrics, their types and labels."""
    counted = Metrics()
    counted.gauges.cache = CacheStats(misses={"absent": 1})
    stats = counted.method("CardService/GetCard")
    stats.finish("OK", stats.start())
    stats.batch_items.observe(1)
    lines = []
    for family in text_string_to_metric_families(counted.exposition().decode()):
        if family.name.startswith("opencif_"):
            labels = ", ".join(sorted({label for s in family.samples for label in s.labels}))
            lines.append(
                f"{family.name:<34} {family.type:<10} {labels:<16} {family.documentation}\n"
            )
    return "".join(lines)


@pytest.mark.parametrize("made", [errors, metrics, settings])
def test_golden(made: Callable[[], str]) -> None:
    path = GOLDEN / f"{made.__name__}.txt"
    text = made()
    if os.environ.get("OPENCIF_WRITE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text
