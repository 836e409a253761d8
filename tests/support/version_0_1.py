"""What version 0.1 left on the disk: see ``tests/data/version_0_1/README.md``."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

ARCHIVE = Path(__file__).parents[1] / "data" / "version_0_1" / "inspection.tar.xz"
_MADE_IN = "/srv/inspection"
_TEXTS = ("*.json", "*.jsonl", "*_list.txt")


def unpack(folder: Path) -> Path:
    """Unpack a copy; its run folders name the files where they are now.

    The project itself is left as it was written: it finds out that it was moved.
    """
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    for pattern in _TEXTS:
        for file in (folder / "plates" / "runs").rglob(pattern):
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace(_MADE_IN, folder.as_posix()), encoding="utf-8")
    return folder


def expected(folder: Path) -> dict[str, Any]:
    """Return what version 0.1 said of the project: classes, images, runs."""
    content: dict[str, Any] = json.loads(
        (folder / "expected" / "expected.json").read_text(encoding="utf-8")
    )
    return content
