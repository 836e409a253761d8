"""What commands share: exit codes, and the window if there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

EXIT_OK = 0
EXIT_BUG = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

OpenWindow: TypeAlias = Callable[[Path | None, Mapping[str, Any] | None], int]
"""(project folder or none, fields of a job to start there) → exit code, once it is closed."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The context object of every command."""

    open_window: OpenWindow | None = None
