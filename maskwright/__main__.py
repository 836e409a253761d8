"""The program, installed: ``maskwright`` and ``python -m maskwright``."""

from __future__ import annotations

import multiprocessing
import sys


def main() -> int:
    """Run the program with the arguments of the process; returns the exit code."""
    from main import main as run

    return run()


if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main())
