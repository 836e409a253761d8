"""The command line: `run` takes the arguments and returns the exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence

from core.cli.environment import EXIT_BUG, EXIT_INTERRUPTED, EXIT_OK, Environment, OpenWindow
from core.portable.portable_error import PortableError
from core.system.errors import InputError
from core.system.files import storage_problem
from core.system.installation import program_name

__all__ = ["run"]


def run(argv: Sequence[str], *, open_window: OpenWindow | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name.
        open_window: opens the window on a project and starts a run there; returns the window's
            exit code. None: this process has no window to open.

    Returns:
        0 done, 2 bad input (one sentence is on stderr), 1 a bug of ours, 130 stopped by Ctrl-C.
    """
    import typer

    from core.cli.commands import build_app
    from core.cli.console import complain, debugging

    _use_utf8()
    _answer_ctrl_break()
    logging.basicConfig(level=logging.DEBUG if debugging() else logging.ERROR, stream=sys.stderr)
    command = typer.main.get_command(build_app())
    try:
        code = command.main(
            args=list(argv),
            prog_name=program_name(),
            standalone_mode=False,
            obj=Environment(open_window=open_window),
        )
    except typer.TyperException as error:
        return complain(_sentence(error.format_message()), hint=_help_hint(error))
    except (InputError, PortableError) as error:
        return complain(str(error))
    except (KeyboardInterrupt, typer.Abort):
        complain("stopped")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except Exception as error:
        if debugging():
            raise
        problem = storage_problem(error) if isinstance(error, OSError) else None
        return _report_bug(error) if problem is None else complain(str(problem))
    return code if isinstance(code, int) else EXIT_OK


def _report_bug(error: Exception) -> int:
    """Keep the traceback in a file and name it in one sentence."""
    import traceback

    from core.cli.console import complain, log_file

    path = log_file()
    trace = "".join(traceback.format_exception(error))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{' '.join(sys.argv)}\n{trace}\n")
        place = f"details are in {path}"
    except OSError:
        place = "set MASKWRIGHT_DEBUG=1 to see the details"
    complain(f"unexpected error, which is a bug of ours ({type(error).__name__}); {place}")
    return EXIT_BUG


def _sentence(text: str) -> str:
    """One line without the full stop of usage errors."""
    return " ".join(text.split()).replace(": Value error, ", ": ").rstrip(".")


def _help_hint(error: Exception) -> str:
    context = getattr(error, "ctx", None)  # usage errors know which command they are about
    return f"see {context.command_path if context else program_name()} --help"


def _answer_ctrl_break() -> None:
    """Ctrl-Break ends a command as Ctrl-C does; Windows alone would drop it without a word."""
    if sys.platform == "win32" and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGBREAK, signal.default_int_handler)


def _use_utf8() -> None:
    """Chinese file names must print on consoles whose code page cannot show them, too."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
