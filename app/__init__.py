"""The window: shows and asks, and computes nothing that a test of ``core`` could not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def launch(
    argv: Sequence[str] | None = None,
    *,
    project: Path | None = None,
    start_run: Mapping[str, Any] | None = None,
) -> int:
    """Show the window and return the exit code.

    Args:
        argv: arguments for Qt itself, such as ``-platform offscreen``.
        project: folder of a project to open at once.
        start_run: a job to start on it, as for ``AppContext.start_run``.
    """
    from app.shell.application import run_window  # Qt is loaded only when a window is wanted

    return run_window(argv, project=project, start_run=start_run)
