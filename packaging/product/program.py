"""Our own code in the tree."""

from __future__ import annotations

import shutil
from pathlib import Path

SHIPPED = (
    *("app", "core", "resources", "maskwright", "main.py", "CHANGELOG.md", "LICENSE"),
    *("docs/guide", "docs/images"),
)
"""What of the checkout is shipped; documents lie where the program looks for them."""

_NEVER = shutil.ignore_patterns("__pycache__", "*.pyc")


def lay_program(checkout: Path, target: Path, *, version: str) -> None:
    """Copy the program.

    Args:
        checkout: the sources.
        target: the program's folder; made.
        version: that it calls itself, which is read from the metadata written here.
    """
    target.mkdir(parents=True)
    for name in SHIPPED:
        source = checkout / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=_NEVER)
        else:
            shutil.copy(source, target / name)
    about = target / f"maskwright-{version}.dist-info" / "METADATA"
    about.parent.mkdir()
    text = f"Metadata-Version: 2.1\nName: maskwright\nVersion: {version}\n"
    about.write_text(text, encoding="utf-8", newline="\n")
