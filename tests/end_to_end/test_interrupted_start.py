"""Ctrl-C while a worker starts must reach the command alone."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

_START = """
import pathlib, sys
from core.jobs.process import JobProcess
from core.runs.run_folder import RunFolder
from core.runs.kinds import ExportSpec

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    spec = ExportSpec(model_dir=folder / "none", out_dir=folder / "out")
    job = JobProcess(RunFolder.create(folder / "run", spec).path)
    job.start()
    status = pathlib.Path(f"/proc/{job.pid}/status").read_text()
    job.kill()
    job.wait()
    print(next(line for line in status.splitlines() if line.startswith("SigBlk")).split()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_first_worker_of_a_process_starts_deaf_to_ctrl_c(tmp_path):
    script = tmp_path / "start.py"
    script.write_text(_START, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(done.stdout, 16) >> (signal.SIGINT - 1) & 1
