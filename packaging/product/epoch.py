"""The one time that a build knows: the sources', not the clock's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

VARIABLE = "SOURCE_DATE_EPOCH"


def source_date(root: Path) -> int:
    """Return ``SOURCE_DATE_EPOCH``, or the time of the last commit.

    Args:
        root: the checkout.

    Returns:
        Seconds since 1970.

    Raises:
        SystemExit: the variable is not set and this is no checkout.
    """
    if given := os.environ.get(VARIABLE):
        return int(given)
    asked = subprocess.run(
        ["git", "-C", str(root), "log", "-1", "--format=%ct"],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise SystemExit(f"Set {VARIABLE}: {root} is no checkout that has a last commit.")
    return int(asked.stdout)
