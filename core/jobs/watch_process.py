"""A watcher in a process of its own, for a window that goes on living beside it."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import threading
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Literal

from core.jobs.failures import classify
from core.jobs.worker import leave_terminal, lower_priority, redirect_output
from core.system.files import make_folder
from core.system.messages import Message
from core.watch.reports import Notice
from core.watch.watch_settings import WatchSettings
from core.watch.watcher import Watcher

State = Literal["starting", "watching", "failed", "ended"]
_END_WAIT_S = 5.0
_LOG = "watch.txt"


class WatchProcess:
    """Judges what arrives in a folder until it is stopped, or whoever made it ends.

    ``poll`` says what is going on and never blocks; what was judged stands in the ``WatchLog`` of
    the output folder. For one thread.

    Args:
        export: folder of the exported model.
        settings: what is watched, and where the results go.
    """

    def __init__(self, export: Path, settings: WatchSettings) -> None:
        self.export, self.settings = export, settings
        self.state: State = "starting"
        self.problem: Message | None = None
        self.notice: Message | None = None
        make_folder(settings.out)
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        # A daemon: it ends with the window, and by itself when the pipe does.
        self._process: SpawnProcess = context.Process(
            target=_watch, args=(theirs, export, settings), name="watch", daemon=True
        )
        self._process.start()
        theirs.close()

    def poll(self) -> State:
        """Take in what it told since, and return what it does."""
        with contextlib.suppress(EOFError, OSError):
            while self._pipe.poll():
                self._take(json.loads(self._pipe.recv_bytes()))
        if self.state not in ("failed", "ended") and not self._process.is_alive():
            self.state = "ended" if self._process.exitcode == 0 else "failed"
        return self.state

    def stop(self) -> None:
        """Let it finish the image in hand and end; returns at once."""
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(b"stop")

    def close(self) -> None:
        """End it for good: wait a moment, then kill. What it had not logged is judged next time."""
        self.stop()
        self._process.join(_END_WAIT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_END_WAIT_S)
        self._pipe.close()

    def _take(self, told: dict[str, Any]) -> None:
        sentence = None
        if "template" in told:
            sentence = Message(str(told["template"]), dict(told["params"]))
        match told["event"]:
            case "watching":
                self.state = "watching"
            case "notice":
                self.notice = sentence
            case "failed":
                self.state, self.problem = "failed", sentence


def _watch(pipe: Connection, export: Path, settings: WatchSettings) -> None:
    """The process: watch until the pipe ends or asks to stop."""
    leave_terminal()
    lower_priority()
    redirect_output(settings.out / _LOG)
    try:
        _watch_until_stopped(pipe, export, settings)
    except Exception as error:
        failed = classify(error, spec=None, run_dir=settings.out)
        _tell(pipe, "failed", Message(failed.template or failed.message, failed.params))


def _watch_until_stopped(pipe: Connection, export: Path, settings: WatchSettings) -> None:
    from core.deploy.opening import open_export
    from core.watch.export_assessor import ExportAssessor

    # A core is left to the window, and to a training that may be going on.
    threads = max(1, (os.cpu_count() or 2) - 1)
    assessor = ExportAssessor(open_export(export, threads=threads))

    def on_notice(notice: Notice) -> None:
        _tell(pipe, "notice", notice.message)

    with Watcher(assessor, settings, on_notice=on_notice) as watcher:
        ended = threading.Thread(target=_stop_with, args=(pipe, watcher), daemon=True)
        ended.start()
        _tell(pipe, "watching", None)
        for _judged in watcher.run():
            pass  # it stands in the log


def _stop_with(pipe: Connection, watcher: Watcher) -> None:
    with contextlib.suppress(EOFError, OSError):
        pipe.recv_bytes()  # "stop", or the other side is gone
    watcher.stop()


def _tell(pipe: Connection, event: str, sentence: Message | None) -> None:
    content: dict[str, Any] = {"event": event}
    if sentence is not None:
        content |= {"template": sentence.template, "params": dict(sentence.params)}
    with contextlib.suppress(OSError):
        pipe.send_bytes(json.dumps(content).encode())
