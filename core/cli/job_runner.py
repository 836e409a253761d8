"""Run one job in its process and show its progress on stderr."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from core.cli.console import complain, err
from core.cli.environment import EXIT_BAD_INPUT, EXIT_BUG, EXIT_INTERRUPTED
from core.jobs.process import JobProcess
from core.runs import events
from core.runs.kind_lookup import STAGES, job_kind
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder
from core.system.child_processes import STOP_SIGNALS
from core.system.errors import InputError

_FREE_WAIT_S = 15.0


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended: ``result`` if it is done, else the exit code and a sentence."""

    result: dict[str, Any] | None
    exit_code: int = 0
    sentence: str = ""


def run_job(run_dir: Path, *, on_event: Callable[[events.Event], None] | None = None) -> JobEnd:
    """Run the job of a run folder to its end.

    Ctrl-C stops it in order (a training keeps its last checkpoint), a second one kills it.

    Args:
        run_dir: made by ``RunFolder.create``; an unfinished run in it is continued.
        on_event: is told of every event, too.
    """
    wait_until_free(RunFolder(run_dir))
    job = JobProcess(run_dir)
    with _stop_on_interrupt(job), _Display() as display:
        job.start()
        while not job.is_finished:
            event = job.poll(0.2)
            if event is None:
                continue
            display.show(event)
            if on_event is not None:
                on_event(event)
    return _end(job)


def wait_until_free(run: RunFolder, *, seconds: float = _FREE_WAIT_S) -> None:
    """Let a worker end whose command was killed: it needs a moment to notice and to save.

    Raises:
        InputError: after ``seconds`` it is still at work.
    """
    if not run.is_running:
        return
    err().print(f"waiting up to {seconds:.0f} s for the end of what works on {run.path}")
    end = time.monotonic() + seconds
    while run.is_running:
        if time.monotonic() > end:
            raise InputError("The run in {folder} is already being worked on.", folder=run.path)
        time.sleep(0.1)


def job_result(run_dir: Path) -> dict[str, Any]:
    """Run the job of a run folder and return its result.

    Raises:
        typer.Exit: it failed or was stopped; the sentence is printed.
    """
    end = run_job(run_dir)
    if end.result is None:
        complain(end.sentence)
        raise typer.Exit(end.exit_code)
    return end.result


@contextlib.contextmanager
def temporary_run_folder(name: str) -> Iterator[Path]:
    """Yield a place for a run nobody asked to keep; it stays only where a bug left a log."""
    folder = Path(tempfile.mkdtemp(prefix="maskwright-"))
    keep = False
    try:
        yield folder / name
    except typer.Exit as end:
        keep = end.exit_code == EXIT_BUG
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def kept_run_folder(out: Path | None, name: str) -> Iterator[Path]:
    """Yield the place of a run that is kept in ``out``; a temporary one where that is None.

    Raises:
        InputError: something else is there.
    """
    if out is None:
        with temporary_run_folder(name) as temporary:
            yield temporary
        return
    yield empty_folder(out)


def empty_folder(out: Path) -> Path:
    """Return ``--out`` made absolute; raises ``InputError`` unless it is new or empty."""
    folder = out.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("{folder} is not empty; choose a new or an empty --out.", folder=folder)
    return folder


def _end(job: JobProcess) -> JobEnd:
    match job.outcome:
        case events.Done(result=result):
            return JobEnd(result)
        case events.Cancelled():
            return JobEnd(None, EXIT_INTERRUPTED, _stopped(job.run))
        case events.Failed() as failed:
            sentence = f"{failed.message.rstrip('.')}. {failed.advice}".rstrip()
            ours = failed.kind == "bug"
            if failed.kind == "killed" and (way_on := _way_on(job.run)):
                sentence = f"{failed.message.rstrip('.')}; {way_on}"
            if ours and str(job.run.log_path) not in sentence:
                sentence = f"{sentence.rstrip('.')}; the log is {job.run.log_path}."
            return JobEnd(None, EXIT_BUG if ours else EXIT_BAD_INPUT, sentence)
        case other:
            raise RuntimeError(f"the job ended with {other!r}")


def _stopped(run: RunFolder) -> str:
    way_on = _way_on(run)
    return f"Stopped; {way_on}" if way_on else "Stopped"


def _way_on(run: RunFolder) -> str:
    """How to go on with an unfinished run; empty where nothing of it was kept."""
    spec = run.spec
    if isinstance(spec, TrainSpec):
        return f"to go on, repeat the command with --resume {run.path}"
    return "to go on, repeat the command" if job_kind(spec).resumable else ""


@contextlib.contextmanager
def _stop_on_interrupt(job: JobProcess) -> Iterator[None]:
    presses = 0

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        if presses == 1:
            job.stop()
            err().print("stopping at the next step; press Ctrl-C again to end at once")
        else:
            job.kill()

    before = {number: signal.signal(number, on_interrupt) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Display:
    """A live bar on a terminal; on anything else one line an epoch."""

    def __init__(self) -> None:
        self._console = err()
        self._live = self._console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TaskProgressColumn(),
            TextColumn("{task.fields[facts]}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._loss: float | None = None
        self._miou: float | None = None
        self._stage = ""

    def __enter__(self) -> _Display:
        if self._live:
            self._bar.start()
            self._task = self._bar.add_task("starting the engine", total=None, facts="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._bar.stop()

    def show(self, event: events.Event) -> None:
        """Take one event."""
        match event:
            case events.Started(device=device):
                self._console.print(f"working on {device}")
            case events.Warned(message=text):
                self._console.print(f"warning: {text}", markup=False)
            case events.Metric(tag="train/loss", value=value):
                self._loss = value
            case events.Metric(tag="val/miou", value=value, step=step):
                self._miou = value
                if value is not None:
                    self._console.print(f"step {step}: validation mIoU {value:.4f}")
            case events.Progress():
                self._show_progress(event)
            case _:
                pass

    def _show_progress(self, event: events.Progress) -> None:
        name = STAGES.get(event.stage, event.stage)
        if event.epochs:
            name = f"{name} {event.epoch}/{event.epochs}"
        if self._task is not None:
            self._bar.update(
                self._task,
                description=name,
                completed=event.step,
                total=event.steps,
                facts=self._facts(event),
            )
        elif name != self._stage:
            self._console.print(f"{name}, step {event.step} of {event.steps}{self._facts(event)}")
        self._stage = name

    def _facts(self, event: events.Progress) -> str:
        facts = []
        if event.stage == "train" and self._loss is not None:
            facts.append(f"loss {self._loss:.3f}")
        if self._miou is not None:
            facts.append(f"mIoU {self._miou:.3f}")
        if event.images_per_second is not None:
            facts.append(f"{event.images_per_second:.1f} images/s")
        if event.eta_s is not None and event.step < event.steps:
            facts.append(f"{format_seconds(event.eta_s)} left")
        return " · ".join(facts) if self._live else "".join(f", {fact}" for fact in facts)


@contextlib.contextmanager
def count_progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show how much of some work of this process is done; yields ``update(done, total)``."""
    console = err()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def format_seconds(seconds: float) -> str:
    """``42 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
