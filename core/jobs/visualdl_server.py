"""VisualDL's own page about the curves of runs: its server in a process of its own.

It listens on the loopback address only, on a port that the system chooses, reports nothing to
anybody (VisualDL does by default), and ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Sequence
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from core.jobs import hyper_parameter_importance
from core.jobs.worker import leave_terminal, lower_priority, redirect_output
from core.system.child_processes import PipeEnd
from core.system.errors import InputError
from core.system.files import make_folder

_HOST = "127.0.0.1"
_START_WAIT_S = 120.0
_END_WAIT_S = 5.0
_PATH = "/app"


class VisualDLServer:
    """The starting side. ``show`` may be called from any thread, ``close`` from another meanwhile.

    Args:
        log: file that the process prints to; None for nowhere.
    """

    def __init__(self, *, log: Path | None = None) -> None:
        self._log = log
        self._turn = threading.Lock()
        self._state = threading.Lock()
        self._process: SpawnProcess | None = None
        self._pipe: PipeEnd | None = None
        self._shown: tuple[Any, ...] = ()
        self._address = ""

    @property
    def pid(self) -> int | None:
        """The process, None while there is none."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def show(self, folders: Sequence[Path], *, language: str = "en", theme: str = "light") -> str:
        """Serve these folders of curves and return the page's address; blocks while it starts.

        Args:
            folders: with VisualDL's records.
            language: ``en`` or ``zh``.
            theme: ``light`` or ``dark``.

        Raises:
            InputError: none of the folders is there, or the server does not start.
        """
        present = [str(folder) for folder in folders if folder.is_dir()]
        if not present:
            raise InputError("This run has no curves for VisualDL: they were switched off.")
        wanted = (*present, language, theme)
        with self._turn:
            if self.pid is not None and self._shown == wanted:
                return self._address
            self.close()
            pipe = self._start(present, language, theme)
            try:
                port = pipe.recv() if pipe.poll(_START_WAIT_S) else None
            except (EOFError, OSError):
                port = None
            if not isinstance(port, int):
                self.close()
                raise InputError("VisualDL could not be started.")
            self._shown, self._address = wanted, f"http://{_HOST}:{port}{_PATH}"
            return self._address

    def close(self) -> None:
        """End the process at once; a start under way fails."""
        with self._state:
            process, self._process = self._process, None
            pipe, self._pipe = self._pipe, None
        if process is not None:
            process.kill()
            process.join(_END_WAIT_S)
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()

    def _start(self, folders: list[str], language: str, theme: str) -> PipeEnd:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        log = None
        if self._log is not None:
            make_folder(self._log.parent)
            log = str(self._log)
        # A daemon: it ends with the window, and by itself when the pipe does.
        process = context.Process(
            target=_serve,
            args=(theirs, folders, language, theme, log),
            name="visualdl",
            daemon=True,
        )
        process.start()
        theirs.close()
        with self._state:
            self._process, self._pipe = process, ours
        return ours


def _serve(pipe: PipeEnd, folders: list[str], language: str, theme: str, log: str | None) -> None:
    """The process: tell the port, then answer browsers until the pipe ends."""
    leave_terminal()
    lower_priority()
    redirect_output(Path(os.devnull if log is None else log))
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    parents = {str(Path(folder).parent.parent) for folder in folders}
    if len(parents) == 1:  # names such as "0001-UNet/vdl_log" instead of whole paths
        os.environ["VISUALDL_RUN_PREFIX"] = parents.pop() + os.sep

    hyper_parameter_importance.put_in_place()
    from visualdl.server.app import create_app
    from visualdl.server.args import ParseArgs
    from werkzeug.serving import make_server

    arguments = ParseArgs(
        logdir=folders, host=_HOST, language=language, theme=theme, telemetry=False
    )
    server = make_server(_HOST, 0, create_app(arguments))
    pipe.send(server.server_port)
    server.serve_forever()


def _end_with(pipe: PipeEnd) -> None:
    with contextlib.suppress(EOFError, OSError):
        pipe.recv()
    os._exit(0)
