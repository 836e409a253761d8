"""Byte code beside every module, the same in every build.

Python would compile what it imports the first time and write it beside the module; in a folder
that users may not write it would compile it anew at every start. The compiled files are marked as
not to be compared with their sources: times of files in archives mean nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from product.layout import Layout
from product.platforms import PYTHON_VERSION

_BROKEN = r"_py2\.py$"
"""What packages keep for an older Python."""


def compile_tree(layout: Layout) -> None:
    """Compile everything in the tree.

    Raises:
        SystemExit: this interpreter writes another byte code than the product's reads.
        subprocess.CalledProcessError: a module does not compile.
    """
    running = ".".join(str(part) for part in sys.version_info[:2])
    if running != PYTHON_VERSION:
        raise SystemExit(f"Build with Python {PYTHON_VERSION}, not {running}: its byte code fits.")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
        for _ in workers.map(lambda unit: _compile(unit, layout.root), _units(layout)):
            pass


def _units(layout: Layout) -> Iterator[Path]:
    """Yield what is compiled by a process of its own.

    What a process compiled before decides which constants of the next module it marks as
    shared, so each unit is compiled in the same order in every build.
    """
    for folder in (layout.python, layout.packages, layout.program):
        for path in sorted(folder.iterdir()):
            if path.is_dir() or path.suffix == ".py":
                yield path


def _compile(unit: Path, root: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [
        sys.executable,
        "-S",
        "-m",
        "compileall",
        "-q",
        "-f",
        "--invalidation-mode=unchecked-hash",
        f"-s{root}",
        f"-x{_BROKEN}",
        "-j1",
        str(unit),
    ]
    # Sets of names are written in the order of their hashes.
    environment["PYTHONHASHSEED"] = "0"
    subprocess.run(command, check=True, env=environment)
