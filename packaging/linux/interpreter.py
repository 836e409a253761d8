"""The interpreter of the Linux products: copied from a prefix, with the libraries that it needs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from linux.elf import elf_files
from linux.libraries import bundle_libraries
from product.components import Component
from product.fetching import verified
from product.layout import Layout
from product.platforms import PYTHON_VERSION

STANDARD_LIBRARY = f"lib/python{PYTHON_VERSION}"

_MODULES_LEFT_OUT = (
    # tests
    "test",
    "idlelib/idle_test",
    "lib2to3",
    "unittest/test",
    "ctypes/test",
    "distutils/tests",
    # windows of Tcl, and what is drawn in them
    "idlelib",
    "tkinter",
    "turtle.py",
    "turtledemo",
    # installing and building
    "ensurepip",
    "site-packages",
    "dist-packages",
    "config-*",
    "sitecustomize.py",
    "EXTERNALLY-MANAGED",
    # the texts of help()
    "pydoc_data",
    # terminals as drawing boards
    "curses",
    "__phello__",
)
"""Parts of the standard library that are not shipped, below its folder."""

_EXTENSIONS_LEFT_OUT = re.compile(
    r"^(_tkinter|_test|_ctypes_test|_xxtest|xx|_curses|readline|nis|ossaudiodev|spwd|_crypt"
    r"|_dbm|_gdbm)"
)
"""Extension modules that are not shipped: tests, terminals, and what only old programs use.

GNU readline and GNU dbm are under the GPL, which does not fit what they would be shipped with.
"""


@dataclass(frozen=True, slots=True)
class InterpreterSource:
    """Where the interpreter comes from.

    Attributes:
        path: a prefix, with ``bin`` and ``lib`` in it, or a tar archive of one.
        sha256: of the archive.
    """

    path: Path
    sha256: str | None = None

    @contextmanager
    def prefix(self) -> Iterator[Path]:
        """Give the prefix; an archive is unpacked meanwhile.

        Raises:
            SystemExit: an archive without a hash.
            ValueError: the archive is another, or holds no interpreter.
        """
        if self.path.is_dir():
            yield self.path
            return
        if self.sha256 is None:
            raise SystemExit("An archive with an interpreter is named by --python-sha256, too.")
        with (
            tempfile.TemporaryDirectory() as folder,
            tarfile.open(verified(self.path, self.sha256)) as archive,
        ):
            archive.extractall(folder, filter="data")
            found = sorted(Path(folder).rglob(f"bin/python{PYTHON_VERSION}"))
            if not found:
                raise ValueError(f"{self.path} holds no bin/python{PYTHON_VERSION}")
            yield found[0].parent.parent


def lay_interpreter(layout: Layout, source: InterpreterSource) -> list[Component]:
    """Copy the interpreter into the tree and make it independent of where it came from.

    Args:
        layout: where.
        source: from where.

    Returns:
        The interpreter, and each shared library that lies beside it now.

    Raises:
        ValueError: a library that it needs is nowhere on this machine.
    """
    with source.prefix() as prefix:
        library = prefix / STANDARD_LIBRARY
        target = layout.python / STANDARD_LIBRARY
        shutil.copytree(library, target, ignore=_left_out(library), symlinks=False)
        shutil.copy(prefix / "bin" / f"python{PYTHON_VERSION}", layout.interpreter)
        for shared in (prefix / "lib").glob(f"libpython{PYTHON_VERSION}.so.*"):
            shutil.copy(shared, layout.python / "lib")
        layout.interpreter.chmod(0o755)
        layout.write_search_path((STANDARD_LIBRARY, f"{STANDARD_LIBRARY}/lib-dynload"))
        for file in elf_files(layout.python):
            subprocess.run(["strip", "--strip-unneeded", str(file)], check=True)
        libraries = bundle_libraries(layout.python, layout.python / "lib")
        licence = library / "LICENSE.txt"
        version = _version_of(layout.interpreter)
        notices = {"LICENSE.txt": licence.read_bytes()} if licence.is_file() else {}
    interpreter = Component(
        name="python",
        version=version,
        kind="interpreter",
        licence="PSF-2.0",
        package_url=f"pkg:generic/python@{version}",
        notices=notices,
        sha256=source.sha256,
        homepage="https://www.python.org",
        requires=tuple(one.name for one in libraries),
    )
    return [interpreter, *libraries]


def _left_out(library: Path) -> Callable[[str, list[str]], set[str]]:
    patterns = shutil.ignore_patterns("__pycache__", "*.pyc", "*.a")

    def ignored(folder: str, names: list[str]) -> set[str]:
        place = Path(folder).relative_to(library)
        out = set(patterns(folder, names))
        for name in names:
            if any(fnmatch((place / name).as_posix(), one) for one in _MODULES_LEFT_OUT):
                out.add(name)
            if place.name == "lib-dynload" and _EXTENSIONS_LEFT_OUT.match(name):
                out.add(name)
        return out

    return ignored


def _version_of(interpreter: Path) -> str:
    told = subprocess.run([str(interpreter), "-V"], check=True, capture_output=True, text=True)
    return told.stdout.split()[1]


DEFAULT_PREFIX = Path(sys.base_prefix)
"""The interpreter that builds is the one that is shipped, unless another is named."""
