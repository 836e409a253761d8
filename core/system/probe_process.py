"""Trials that may crash, each in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.system.child_processes import PipeEnd, interrupt_blocked
from core.system.reporting import StopRequested

TIMEOUT_S = 120.0
_TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """``value`` is what the trial returned; ``problem`` says why it did not."""

    ok: bool
    value: str = ""
    problem: str = ""


def run_probe(
    trial: Callable[[], str],
    *,
    timeout_s: float = TIMEOUT_S,
    stopped: Callable[[], bool] = lambda: False,
) -> ProbeResult:
    """Run a module-level function in a fresh process and say how it went.

    Args:
        trial: what is tried.
        timeout_s: how long it may take.
        stopped: asked often; once it says yes the process is ended.

    Raises:
        StopRequested: ``stopped`` said so.
    """
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        output = Path(folder) / "output.txt"
        # A daemon: a program that ends meanwhile does not wait for it.
        process = context.Process(target=_child, args=(trial, writer, str(output)), daemon=True)
        with interrupt_blocked():
            process.start()
        writer.close()
        answer: tuple[bool, str] | None = None
        try:
            with contextlib.suppress(EOFError):
                if _waited(reader, timeout_s, stopped):
                    answer = reader.recv()
                else:
                    answer = (False, f"no answer within {timeout_s:.0f} s")
                    process.kill()
        finally:
            if stopped():
                process.kill()
            process.join()
            reader.close()
        if answer is None:
            answer = (False, _cause_of_death(process.exitcode or 0, output))
    return ProbeResult(True, value=answer[1]) if answer[0] else ProbeResult(False, "", answer[1])


def _waited(reader: PipeEnd, timeout_s: float, stopped: Callable[[], bool]) -> bool:
    """Whether something came, or the other end closed, in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if reader.poll(_TICK_S):
            return True
        if stopped():
            raise StopRequested
    return False


def _child(trial: Callable[[], str], writer: PipeEnd, output: str) -> None:
    target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor in (1, 2):
        os.dup2(target, descriptor)
    try:
        writer.send((True, trial()))
    except Exception as error:
        writer.send((False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"))
    writer.close()


def _cause_of_death(exitcode: int, output: Path) -> str:
    try:
        cause = f"ended by {signal.Signals(-exitcode).name}"
    except ValueError:
        cause = f"ended with code {exitcode}"
    text = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{cause} ({' '.join(lines[-2:])[:300]})" if lines else cause
