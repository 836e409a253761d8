"""A process that works on a project until it is killed, and what is left of its work."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from core.annotation.shape_text import joined_texts, shape_text
from core.annotation.shapes import Shapes

ROOT = Path(__file__).parents[2]

# Imports once and forks for each kill: starting Python takes longer than everything else.
_BEGIN = """
import json
import os
import sys
import numpy as np
from core.images.io import default_palette

default_palette(256)  # computed once; the forks inherit it


def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # one piece, from either process

"""
_END = """

for line in sys.stdin:
    name, *arguments = json.loads(line)
    pid = os.fork()
    if pid == 0:
        globals()[name](*arguments)
    tell("pid", pid)
    tell("ended", os.waitpid(pid, 0)[1])
"""


class Victim:
    """Runs jobs and kills them.

    Args:
        jobs: Python source of the functions that can be run; they ``tell`` words: "ready" first,
            "failed" when something is wrong.
    """

    def __init__(self, jobs: str) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-c", _BEGIN + jobs + _END],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def kill_after(self, lines: int, delay_s: float, *job: str | int) -> list[list[str]]:
        """Start a job, kill it ``delay_s`` after it told ``lines``; return all that it told.

        Args:
            lines: after "ready".
            delay_s: seconds.
            job: name of its function, and arguments.
        """
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        pid, told = 0, []
        while not pid or len(told) < 1 + lines:  # the first says that it is ready
            word, *rest = self._server.stdout.readline().split()
            assert word not in ("ended", "failed")
            if word == "pid":
                pid = int(rest[0])
            else:
                told.append([word, *rest])
        time.sleep(delay_s)
        os.kill(pid, signal.SIGKILL)
        while told[-1][0] != "ended":
            told.append(self._server.stdout.readline().split())
        assert told.pop() == ["ended", str(int(signal.SIGKILL))]
        return told[1:]

    def close(self) -> None:
        """End the process that runs the jobs."""
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.close()
        self._server.stdout.close()
        assert self._server.wait(30) == 0


def shapes_hash(shapes: Shapes) -> str:
    """Hash of everything of shapes but what lies beneath them."""
    texts = [shape_text(replace(shape, ground=b"")) for shape in shapes]
    return hashlib.sha256(joined_texts(texts).encode()).hexdigest()
