"""Does this machine have what the program needs? Plain words, and a way out for each problem.

Whatever may crash (the engine's native code, Qt's system libraries) is tried in a process of its
own, see ``core.system.probe_process``; whatever may hang, in a thread that is left behind.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from core.system.devices import list_devices
from core.system.doctor import engine, machine, places, probes, window
from core.system.doctor.check import Check
from core.system.doctor.engine import installed_version
from core.system.doctor.places import Places
from core.system.messages import message
from core.system.probe_process import TIMEOUT_S, ProbeResult, run_probe
from core.system.reporting import StopRequested

_Look = Callable[[], Check | Iterable[Check]]
#: A disk on a network that is gone answers after minutes; a process ends by its own patience.
_PATIENCE_S = 20.0
_PATIENCE_WITH_PROCESS_S = TIMEOUT_S + 30.0
_TICK_S = 0.1
_END_WAIT_S = 2.0


def examine(
    folder: Path | None = None, *, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Check]:
    """Yield one finding after the other; takes some seconds.

    Args:
        folder: where data and runs go (room on its disk, its name); None: the current folder.
        stopped: asked often; once it says yes the rest is left out.
    """

    def trial(function: Callable[[], str]) -> ProbeResult:
        return run_probe(function, stopped=stopped)

    def look(name: str, what: _Look, patience_s: float = _PATIENCE_S) -> Iterator[Check]:
        return _alone(name, what, patience_s=patience_s, stopped=stopped)

    slow = _PATIENCE_WITH_PROCESS_S
    yield from look("program", machine.check_program)
    yield from look("python", machine.check_python)
    yield from look("system", machine.check_system)
    yield from look("processor", machine.check_processor)
    yield from look("memory", machine.check_memory)
    if sys.platform == "win32":
        yield from look("counters", machine.check_counters)
    yield from look("disk", lambda: machine.check_disk((folder or Path.cwd()).absolute()))
    if sys.platform == "linux":
        yield from look("shared_memory", machine.check_shared_memory)
    yield from look("rights", lambda: places.check_rights(Places.of_this_user(folder)))
    yield from look(
        "paths",
        lambda: places.check_paths(
            Places.of_this_user(folder), long_paths=places.long_paths_enabled()
        ),
    )
    if sys.platform == "win32":
        yield from look("long_paths", places.check_long_paths)
    yield from look(
        "engine",
        lambda: engine.check_engine(installed_version, lambda: trial(probes.train_one_step)),
        slow,
    )
    yield from look(
        "window", lambda: window.check_window_libraries(trial(probes.start_window_system)), slow
    )
    yield from look(
        "display", lambda: window.check_display(lambda: trial(probes.open_display)), slow
    )
    yield from look("fonts", lambda: window.check_fonts(trial(probes.find_chinese_font)), slow)
    yield from look(
        "gpu",
        lambda: engine.check_gpus(
            list_devices(), gpu_build_installed=installed_version("paddlepaddle-gpu")
        ),
    )


def _alone(
    name: str, look: _Look, *, patience_s: float, stopped: Callable[[], bool]
) -> Iterator[Check]:
    """Look at one thing; where that fails or hangs, the others must still be told."""
    answers: queue.SimpleQueue[Check | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            found = look()
            for check in [found] if isinstance(found, Check) else found:
                answers.put(check)
        except StopRequested:
            pass
        except Exception as error:  # systems differ in what they refuse to say, and how
            problem = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            answers.put(
                Check(
                    name,
                    "warning",
                    message("this could not be looked at: {problem}", problem=problem),
                )
            )
        finally:
            answers.put(None)

    # A daemon: what hangs in the system must not keep the program from ending.
    thread = threading.Thread(target=work, name=f"doctor {name}", daemon=True)
    thread.start()
    end = time.monotonic() + patience_s
    while not stopped():
        try:
            answer = answers.get(timeout=_TICK_S)
        except queue.Empty:
            if time.monotonic() < end:
                continue
            waited = f"{patience_s:.0f}"
            late = message("this gave no answer within {seconds} s", seconds=waited)
            yield Check(name, "warning", late)
            return
        if answer is None:
            return
        yield answer
    thread.join(_END_WAIT_S)  # its process is being ended
