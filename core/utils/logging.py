"""``pdx.utils.logging``: messages of a script on its standard output, as PaddleX prints them.

``pdx.log_level`` says how much is printed: 0 errors, 1 warnings too, 2 information, 3 everything.
"""

from __future__ import annotations

import sys
import time
from typing import Final

from core.system.errors import InputError

levels: Final = {0: "ERROR", 1: "WARNING", 2: "INFO", 3: "DEBUG"}
_COLORS: Final = {0: "\033[1;31m", 1: "\033[1;33m"}
_PLAIN: Final = "\033[0m"


def log(level: int = 2, message: object = "", use_color: bool = False) -> None:
    """Print one line with time and level, unless ``pdx.log_level`` is lower.

    Args:
        level: 0 error, 1 warning, 2 information, 3 debugging.
        message: what to print.
        use_color: in the level's colour, where standard output is a terminal.
    """
    if _chosen_level() < level:
        return
    text = f"{time.strftime('%Y-%m-%d %H:%M:%S')} [{levels[level]}]\t{message}"
    color = _COLORS.get(level, "") if use_color and sys.stdout.isatty() else ""
    text = f"{color}{text}{_PLAIN}" if color else text
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(f"{text.encode(encoding, 'backslashreplace').decode(encoding)}\n")
    sys.stdout.flush()


def _chosen_level() -> int:
    # By name: the package of the face imports this one.
    return int(sys.modules["core"].__dict__["log_level"])


def debug(message: object = "", use_color: bool = False) -> None:
    """Print what only the search for a fault needs."""
    log(3, message, use_color)


def info(message: object = "", use_color: bool = False) -> None:
    """Print what is going on."""
    log(2, message, use_color)


def warning(message: object = "", use_color: bool = True) -> None:
    """Print what may go wrong."""
    log(1, message, use_color)


def error(message: object = "", use_color: bool = True, exit: bool = True) -> None:
    """Print what went wrong and, with ``exit``, end the script.

    Raises:
        InputError: ``exit``; PaddleX ends the process instead.
    """
    log(0, message, use_color)
    if exit:
        raise InputError("{problem}", problem=str(message))
