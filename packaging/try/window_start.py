"""How long until the installed window is up, by its own log.

``window_start.py LAUNCHER [TIMES]``: the first start warms the disk and does not count. Draws into
memory unless there is a display.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

LIMIT = 2.0
"""Seconds that a start on a warm disk may take."""


def main() -> int:
    """Start the window several times; returns 1 if the median is above the limit.

    On a machine that is busy with something else the figures are only printed, and with them the
    processor's time, which says more then.
    """
    launcher = Path(sys.argv[1])
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory(prefix="家 1 ") as home:
        starts = [start_once(launcher, Path(home)) for _ in range(times + 1)][1:]
    took = [seconds for seconds, _ in starts]
    median = sorted(took)[len(took) // 2]
    computed = sorted(seconds for _, seconds in starts)[len(starts) // 2]
    print(
        f"window up after {', '.join(f'{one:.2f}' for one in took)} s, median {median:.2f} s;"
        f" processor {computed:.2f} s"
    )
    load = 0.0
    if sys.platform != "win32":
        load = os.getloadavg()[0]
    busy = load > 2 * (os.cpu_count() or 1)
    if median > LIMIT and busy:
        print(f"not judged: the machine is busy (load {load:.0f})")
    return 0 if median <= LIMIT or busy else 1


def start_once(launcher: Path, home: Path) -> tuple[float, float]:
    """Start the window and end it.

    Returns:
        Seconds until its log says that it is up: by the clock, and of the processor.
    """
    environment = {**os.environ, "HOME": str(home)}
    environment.pop("XDG_STATE_HOME", None)
    if "DISPLAY" not in environment:
        environment["QT_QPA_PLATFORM"] = "offscreen"
    before = lines_of_starts(home)
    begun = time.monotonic()
    with subprocess.Popen([str(launcher)], env=environment) as window:
        while lines_of_starts(home) == before:
            if window.poll() is not None or time.monotonic() - begun > 60:
                window.kill()
                raise SystemExit(f"the window did not come up (exit code {window.returncode})")
            time.sleep(0.01)
        took = time.monotonic() - begun
        times = psutil.Process(window.pid).cpu_times()
        window.send_signal(signal.SIGTERM)
        window.wait(30)
    return took, times.user + times.system


def lines_of_starts(home: Path) -> int:
    """Count the starts in the program's log."""
    logs = home.rglob("*.log")
    return sum(log.read_text(encoding="utf-8").count("the window is up") for log in logs)


if __name__ == "__main__":
    sys.exit(main())
