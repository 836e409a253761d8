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
from pathlib import Path

from product.layout import Layout
from product.platforms import PYTHON_VERSION

_BROKEN = (
    # Kept by their packages for other versions of Python, or as patterns to be filled in.
    r"(/lib2to3/tests/|/templates?/|_py2\.py$|/jinja2/asyncsupport)"
)


def compile_tree(layout: Layout) -> None:
    """Compile everything in the tree.

    Raises:
        SystemExit: this interpreter writes another byte code than the product's reads.
        subprocess.CalledProcessError: a module does not compile.
    """
    running = ".".join(str(part) for part in sys.version_info[:2])
    if running != PYTHON_VERSION:
        raise SystemExit(f"Build with Python {PYTHON_VERSION}, not {running}: its byte code fits.")
    for folder in _units(layout):
        _compile(folder, layout.root)


def _units(layout: Layout) -> Iterator[Path]:
    """Yield what is compiled by a process of its own.

    What one process compiled before decides which constants of the next module it marks as
    shared, so each process gets the same modules in the same order in every build.
    """
    yield layout.python
    yield layout.packages
    yield layout.program


def _compile(folder: Path, root: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [
        sys.executable,
        "-I",
        "-S",
        "-m",
        "compileall",
        "-q",
        "-f",
        "--invalidation-mode=unchecked-hash",
        f"-s{root}",
        f"-x{_BROKEN}",
        "-j1",
        str(folder),
    ]
    # Sets of names are written in the order of their hashes. -I would ignore the variable.
    command.remove("-I")
    subprocess.run(command, check=True, env={**environment, "PYTHONHASHSEED": "0"})
