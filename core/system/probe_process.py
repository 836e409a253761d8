"""Trials that may crash, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

_TIMEOUT_S = 120.0
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """``value`` is what the trial returned; ``problem`` says why it did not."""

    ok: bool
    value: str = ""
    problem: str = ""


def run_probe(
    trial: Callable[[], str],
    *,
    timeout_s: float = _TIMEOUT_S,
    check: Callable[[], object] = lambda: None,
) -> ProbeResult:
    """Run a module-level function in a fresh process and say how it went.

    Args:
        trial: what to run; a ``functools.partial`` of such a function will do.
        timeout_s: after that the process is ended.
        check: called several times a second; what it raises ends the process and is raised here.
    """
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        output = Path(folder) / "output.txt"
        process = context.Process(target=_child, args=(trial, writer, str(output)))
        process.start()
        writer.close()
        answer: tuple[bool, str] | None = None
        try:
            if _has_answer(reader, timeout_s, check):
                answer = reader.recv()
            else:
                process.kill()
                answer = (False, f"no answer within {timeout_s:.0f} s")
        except EOFError:
            pass  # it died; said below
        except BaseException:
            process.kill()
            raise
        finally:
            process.join()
            reader.close()
        if answer is None:
            answer = (False, _cause_of_death(process.exitcode or 0, output))
    return ProbeResult(True, value=answer[1]) if answer[0] else ProbeResult(False, "", answer[1])


def _has_answer(reader: Connection, timeout_s: float, check: Callable[[], object]) -> bool:
    end = time.monotonic() + timeout_s
    while (left := end - time.monotonic()) > 0:
        check()
        if reader.poll(min(left, _LOOK_S)):
            return True
    return False


def _child(trial: Callable[[], str], writer: Connection, output: str) -> None:
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
