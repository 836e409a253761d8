"""Refresh the requirements of bundles, with the hashes of every wheel.

A bundle is made offline, so its requirements are a file of the program: exact versions, the ones
pinned in pyproject.toml, with the SHA-256 of their wheels for every system. Run ``uv run
scripts/pin_bundle_requirements.py`` whenever ``scripts/pin_versions.py`` has moved one of them.
"""

from __future__ import annotations

import subprocess
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "core" / "deploy" / "bundle" / "files" / "requirements.txt"
PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime")
COMMAND = [
    "uv",
    "pip",
    "compile",
    "--generate-hashes",
    "--universal",
    "--python-version=3.11",
    "--no-config",
    "--no-header",
    "--no-annotate",
    "--quiet",
]


def main() -> None:
    """Resolve and write the file; on any failure it is as it was."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = project["tool"]["uv"]["constraint-dependencies"]
    with tempfile.TemporaryDirectory() as folder:
        constraints, asked = Path(folder) / "constraints.txt", Path(folder) / "requirements.in"
        constraints.write_text("\n".join(pins), encoding="utf-8")
        asked.write_text("\n".join(PACKAGES), encoding="utf-8")
        command = [*COMMAND, "--constraint", str(constraints), str(asked)]
        resolved = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    REQUIREMENTS.write_text(resolved, encoding="utf-8", newline="\n")
    versions = [line.split()[0] for line in resolved.splitlines() if "==" in line]
    print(f"pinned {', '.join(versions)}")


if __name__ == "__main__":
    main()
