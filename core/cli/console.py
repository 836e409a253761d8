"""Printing: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from core.cli.environment import EXIT_BAD_INPUT
from core.system.errors import InputError
from core.system.installation import program_name


def debugging() -> bool:
    """Whether MASKWRIGHT_DEBUG asks for tracebacks and debug messages."""
    return os.environ.get("MASKWRIGHT_DEBUG", "") not in ("", "0")


def out() -> Console:
    """Console of results."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def err() -> Console:
    """Console of progress and warnings."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def complain(sentence: str, *, hint: str = "") -> int:
    """Print one sentence to stderr; returns the exit code for bad input."""
    text = one_line(sentence).rstrip(".")
    if hint:
        text = f"{text}; {hint}"
    print(text if text.endswith("?") else f"{text}.", file=sys.stderr)
    return EXIT_BAD_INPUT


def suggest(purpose: str, *arguments: object) -> None:
    """Print on stderr which command goes on from here, to be copied."""
    words = [program_name(), *map(str, arguments)]
    line = subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
    print(f"{purpose}: {line}", file=sys.stderr)


def one_line(text: str) -> str:
    """Return ``text`` without the line breaks that names of files and classes may hold."""
    return " ".join(text.splitlines())


def print_json(data: dict[str, Any]) -> None:
    """Print ``data`` as one line of strict JSON, the last line of stdout; NaN becomes null."""
    strict = _finite(data)
    print(json.dumps(strict, ensure_ascii=False, allow_nan=False, default=_plain), flush=True)


def existing_folder(path: Path, *, option: str) -> Path:
    """Return ``path`` made absolute; raises ``InputError`` if no folder is there."""
    if not path.is_dir():
        raise InputError(
            "{file} is not a folder; give {option} a folder that exists.", file=path, option=option
        )
    return path.absolute()


def log_file() -> Path:
    """Where the details of our own bugs go."""
    import platformdirs

    return Path(platformdirs.user_log_dir("maskwright", appauthor=False)) / "command_line.log"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        return _finite(value.item())
    return str(value)
