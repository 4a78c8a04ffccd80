"""What git calls the tree that a measurement is made of."""

import subprocess
from pathlib import Path

__all__ = ["revision"]


def revision() -> str:
    """As `git describe` has it; a question mark where there is no clone."""
    root = Path(__file__).resolve().parents[1]
    git = ["git", "-c", f"safe.directory={root}", "-C", str(root)]
    described = subprocess.run(
        [*git, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "?"
