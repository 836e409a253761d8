"""A worker process: from its first line to its last event.

Imported by the window's process too (to name the entry), so the engine is imported inside.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from core.datasets import open_data_folder
from core.jobs import parallelism, ranks, tasks
from core.jobs.event_reporter import JobReporter
from core.jobs.event_stream import EventStream, envelope
from core.jobs.failures import classify, make_failed
from core.models.model_folder import exported_file, read_model_info
from core.project.draft_models import check_model
from core.runs.event_log import EventWriter
from core.runs.events import Cancelled, Done, Event, Heartbeat, Started, to_json
from core.runs.kind_lookup import job_kind
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec, ModelJobSpec
from core.system.child_processes import PipeEnd, end_descendants_with_this_process
from core.system.gpu_environment.worker_entry import enter_environment
from core.system.messages import message
from core.system.reporting import StopRequested

HEARTBEAT_S = 3.0
PARENT_DEATH_GRACE_S = 30.0
_LOCK_WAIT_S = 10.0
_NICENESS = 10
_LOG = logging.getLogger(__name__)


def run_worker(run_dir: str, control: PipeEnd, events: PipeEnd) -> None:
    """Entry of the child process: does the job of ``run_dir`` and tells about it.

    Args:
        run_dir: a run folder with ``spec.json``.
        control: readable end; JSON strings such as ``{"command": "stop"}``. Its end of file means
            that the parent is gone.
        events: writable end; see ``EventStream``.
    """
    leave_terminal()
    lower_priority()
    run = RunFolder(run_dir)
    redirect_output(run.log_path)
    end_descendants_with_this_process()
    lock = FileLock(run.lock_path, thread_local=False)
    try:
        lock.acquire(timeout=_LOCK_WAIT_S)  # a reader may hold it for the moment of a look
    except Timeout:
        busy = message("The run in {folder} is already being worked on.", folder=run.path)
        events.send_bytes(envelope(None, to_json(make_failed("bad_input", busy))))
        return
    stream = EventStream(EventWriter(run.events_path), events)
    if hasattr(os, "register_at_fork"):  # data loading processes must not keep the pipes open
        os.register_at_fork(after_in_child=lambda: _close(control, events))
    _work(run, control, stream)
    lock.release()


def _work(run: RunFolder, control: PipeEnd, stream: EventStream) -> None:
    reporter = JobReporter(stream.emit, run.path)
    stream.emit(_heartbeat())  # from here on the events are those of this attempt
    stopped = threading.Event()
    for target in (
        lambda: _beat(stream, stopped),
        lambda: _listen(control, reporter),
    ):
        threading.Thread(target=target, daemon=True).start()
    last = _do(run, reporter, stream)
    reporter.close()
    stopped.set()
    stream.finish(last)


def _do(run: RunFolder, reporter: JobReporter, stream: EventStream) -> Event:
    """Do the job and return its last event; nothing escapes."""
    spec: JobSpec | None = None
    try:
        spec = run.spec
        _check_input(spec)
        reporter.check()  # stopped in the queue: no need to load the engine
        no_engine = _is_export(spec) or not job_kind(spec).needs_engine
        if not no_engine:
            enter_environment(spec.device, warn=reporter.warn, load=not ranks.needs_ranks(spec))
        spec = parallelism.apply(spec, run, warn=reporter.warn)
        if ranks.needs_ranks(spec):
            return ranks.run_together(spec, run, reporter, stream.emit)
        device = "cpu" if no_engine else tasks.choose_device(spec.device)
        stream.emit(Started(spec.kind, os.getpid(), device))
        return Done(tasks.run_task(spec, run, reporter))
    except StopRequested:
        return Cancelled(reporter.stop_reason)
    except BaseException as error:
        failed = classify(error, spec=spec, run_dir=run.path, check=reporter.check)
        if failed.kind == "bad_input":
            _LOG.error("%s", failed.message)
        else:
            _LOG.exception("the job failed")
        return failed


def _check_input(spec: JobSpec) -> None:
    """Find what is plainly wrong before the engine is loaded, which takes seconds."""
    data_dir = getattr(spec, "data_dir", None)  # not every kind has one, or needs one
    if data_dir is not None:
        open_data_folder(data_dir)
    if not isinstance(spec, ModelJobSpec):
        return
    if job_kind(spec).takes_exports:
        check_model(spec.model_dir)
    else:
        read_model_info(spec.model_dir)


def _is_export(spec: JobSpec) -> bool:
    """Whether the job runs an exported model, for which no engine is loaded."""
    return (
        isinstance(spec, ModelJobSpec)
        and job_kind(spec).takes_exports
        and exported_file(spec.model_dir) is not None
    )


def _listen(control: PipeEnd, reporter: JobReporter) -> None:
    while True:
        try:
            command = json.loads(control.recv_bytes())["command"]
        except (EOFError, OSError):
            _outlive_parent(reporter)
            return
        reporter.request(command)


def _outlive_parent(reporter: JobReporter) -> None:
    """Stop in order; if the work does not come to a step boundary, end with everything."""
    _LOG.warning("the parent process is gone, stopping")
    reporter.request_stop("parent_died")
    time.sleep(PARENT_DEATH_GRACE_S)
    _LOG.error("no step boundary within %s s, ending", PARENT_DEATH_GRACE_S)
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
    if sys.platform == "win32":  # an ordinary end waits for what hangs in native code
        psutil.Process().kill()
    os._exit(1)


def _beat(stream: EventStream, stopped: threading.Event) -> None:
    while not stopped.wait(HEARTBEAT_S):
        stream.emit(_heartbeat())


def _heartbeat() -> Heartbeat:
    process = psutil.Process()
    rss = process.memory_info().rss
    with contextlib.suppress(psutil.Error):  # a child may end while it is looked at
        rss += sum(child.memory_info().rss for child in process.children(recursive=True))
    return Heartbeat(rss=rss, available=psutil.virtual_memory().available)


def leave_terminal() -> None:
    """Ctrl-C in the terminal goes to the parent, which stops the worker in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":  # Ctrl-Break, which no flag keeps away
        signal.signal(signal.SIGBREAK, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        with contextlib.suppress(PermissionError):  # already leads a group
            os.setsid()
    if sys.platform != "win32":  # blocked by the parent until here
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def lower_priority() -> None:
    """The engine uses every core; the window must get its turn first."""
    low: Any = getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", _NICENESS)
    with contextlib.suppress(psutil.Error, OSError):
        psutil.Process().nice(low)


def redirect_output(log_path: Path) -> None:
    """Send everything printed, by native libraries too, to the log."""
    target = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor in (1, 2):
        os.dup2(target, descriptor)
    os.close(target)
    sys.stdout, sys.stderr = _text_stream(1), _text_stream(2)
    faulthandler.enable(file=sys.stderr)
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    name = multiprocessing.current_process().name
    _LOG.info("%s, pid %s, python %s", name, os.getpid(), sys.version.split()[0])


def _text_stream(descriptor: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.FileIO(descriptor, "w", closefd=False),
        encoding="utf-8",
        errors="backslashreplace",
        write_through=True,
    )


def _close(*connections: PipeEnd) -> None:
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.close()
