"""Refresh the exact version pins in pyproject.toml.

Pins stand under ``[tool.uv] constraint-dependencies`` because a lock file would record download
addresses. Run ``uv run scripts/pin_versions.py`` to move everything to the newest versions that
the ranges in ``[project]`` allow; review the difference and run the tests before committing it.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
BLOCK = re.compile(r"^constraint-dependencies = \[\n.*?^\]\n", re.MULTILINE | re.DOTALL)
EXPORT = [
    "uv",
    "export",
    "--no-hashes",
    "--no-annotate",
    "--no-header",
    "--no-emit-project",
    "--all-groups",
]


def main() -> None:
    """Resolve afresh and write the pins; on any failure the file is as it was."""
    text = PYPROJECT.read_text(encoding="utf-8")
    unpinned = BLOCK.sub("", text)
    try:
        PYPROJECT.write_text(unpinned, encoding="utf-8")
        subprocess.run(["uv", "lock", "--upgrade"], check=True)
        exported = subprocess.run(EXPORT, check=True, capture_output=True, text=True).stdout
    except BaseException:
        PYPROJECT.write_text(text, encoding="utf-8")
        raise
    pins = [line for line in exported.splitlines() if "'never'" not in line]
    lines = "".join(f'    "{pin}",\n' for pin in pins)
    block = f"constraint-dependencies = [\n{lines}]\n"
    PYPROJECT.write_text(
        unpinned.replace("[tool.uv]\n", f"[tool.uv]\n{block}", 1), encoding="utf-8"
    )
    print(f"pinned {len(pins)} packages")


if __name__ == "__main__":
    main()
