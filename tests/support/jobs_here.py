"""Jobs in the test's own process, for tests of what commands make of them."""

from __future__ import annotations

import collections
import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from core.jobs import worker
from core.jobs.event_reporter import JobReporter
from core.jobs.process import JobProcess
from core.runs.event_log import EventWriter
from core.runs.events import Event


class JobHere(JobProcess):
    """Is done when it has started: a process of its own loads the engine for two seconds."""

    def start(self) -> None:
        self._told: collections.deque[Event] = collections.deque()
        writer = EventWriter(self.run.events_path)

        def emit(event: Event) -> None:
            writer.append(event)
            self._told.append(event)

        with FileLock(self.run.lock_path, timeout=0), logged(self.run.log_path):
            emit(worker._heartbeat())
            reporter = JobReporter(emit, self.run.path)
            self._outcome = worker._do(self.run, reporter, SimpleNamespace(emit=emit))
            reporter.close()
            emit(self._outcome)
        writer.close()

    @property
    def is_finished(self) -> bool:
        return not self._told

    def poll(self, timeout_s: float = 0.1) -> Event | None:
        return self._told.popleft() if self._told else None


@contextlib.contextmanager
def logged(path: Path) -> Iterator[None]:
    """Keep in a file what is printed and logged, as a worker does."""
    with path.open("a", encoding="utf-8") as log:
        handler = logging.StreamHandler(log)
        logging.getLogger().addHandler(handler)
        try:
            with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
                yield
        finally:
            logging.getLogger().removeHandler(handler)


@contextlib.contextmanager
def jobs_here() -> Iterator[None]:
    """Let the commands that a test calls do their jobs in this process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("core.cli.job_runner.JobProcess", JobHere)
        yield
