"""Maskwright for other people's programs: ``import maskwright``, then ``import core as pdx``.

An installed program has its packages (``core``, ``app``) in a folder of its own, so that it puts
nothing but ``maskwright`` among what others have installed. Importing this package makes that
folder known to Python. In a checkout the folder is the checkout's root.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path


def _program_folder() -> Path:
    here = Path(__file__).resolve().parent
    installed = here / "program"
    return installed if installed.is_dir() else here.parent


def _starts_the_program() -> bool:
    """Whether this process is ``maskwright …`` or ``python -m maskwright …``."""
    named = ("-m", "maskwright") in itertools.pairwise(sys.orig_argv)
    return named or Path(sys.argv[0]).stem == "maskwright"


def _make_importable(program: Path, *, first: bool) -> None:
    """Let ``import core`` find the program's.

    Args:
        program: the folder that holds ``core``.
        first: before all other places, as a process of our own can have it; in anybody else's the
            folder comes last, so that it hides nothing.

    Raises:
        ImportError: ``core`` is another package here.
    """
    if first:
        sys.path.insert(0, str(program))
    elif str(program) not in sys.path:
        sys.path.append(str(program))
    origin = _origin_of_core()
    if origin is None or Path(origin).resolve() != program / "core" / "__init__.py":
        raise ImportError(
            f"maskwright needs the name “core”, which is another package here ({origin}): use an "
            "environment or a folder without that package."
        )


def _origin_of_core() -> str | None:
    """Return the file that ``import core`` loads, or has loaded."""
    if (loaded := sys.modules.get("core")) is not None:
        return loaded.__file__
    found = importlib.util.find_spec("core")
    return None if found is None else found.origin


_make_importable(_program_folder(), first=_starts_the_program())
