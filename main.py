"""Maskwright: the window without arguments, the command line with them."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Or pydantic reads the files of every installed package for plug-ins, at each start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns the exit code (0 ok, 2 bad input, 1 a bug of ours, 130 Ctrl-C)."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments:
        try:
            from core import cli

            return cli.run(arguments, open_window=_open_window)
        except KeyboardInterrupt:  # before a command could answer it: still loading
            print("stopped.", file=sys.stderr)
            return 130
    import app

    return app.launch()


def _open_window(project: Path | None, start_run: Mapping[str, Any] | None) -> int:
    import app

    return app.launch(project=project, start_run=start_run)


if __name__ == "__main__":
    multiprocessing.freeze_support()  # first, or a frozen worker would open a second window
    sys.exit(main())
