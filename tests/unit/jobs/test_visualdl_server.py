"""VisualDL's page: served on the loopback address, silent, and gone with whoever started it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from core.jobs.visualdl_server import VisualDLServer
from core.system.errors import InputError
from core.training.vdl_log import VdlLog

ROOT = Path(__file__).resolve().parents[3]


def write_curves(run: Path) -> Path:
    log = VdlLog(run / "vdl_log", enabled=True)
    for step in range(5):
        log.training("loss", 1.0 / (step + 1), step)
    log.close()
    return run / "vdl_log"


def answer(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as reply:
        return reply.read()


def test_curves_of_several_runs_are_served_and_the_process_ends(tmp_path: Path) -> None:
    folders = [write_curves(tmp_path / "运行 runs" / name) for name in ("0001-UNet", "0002-HRNet")]
    server = VisualDLServer(log=tmp_path / "log" / "visualdl.log")
    try:
        address = server.show(folders, language="zh", theme="dark")
        assert address.startswith("http://127.0.0.1:")
        pid = server.pid
        assert pid is not None
        (listening,) = [
            one for one in psutil.Process(pid).net_connections("tcp") if one.status == "LISTEN"
        ]
        assert listening.laddr.ip == "127.0.0.1"
        page = answer(f"{address}/index").decode()
        assert "63a600296f8a71f576c4806376a9245b" not in page  # nobody is told of it
        tags = json.loads(answer(f"{address}/api/scalar/tags"))["data"]
        assert sorted(tags["runs"]) == ["0001-UNet/vdl_log", "0002-HRNet/vdl_log"]
        assert server.show(folders, language="zh", theme="dark") == address
        assert server.pid == pid  # it was there already
    finally:
        server.close()
    assert server.pid is None
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    folder = write_curves(tmp_path / "run")
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "from core.jobs.visualdl_server import VisualDLServer\n"
        "if __name__ == '__main__':\n"
        "    server = VisualDLServer()\n"
        f"    server.show([Path({str(folder)!r})])\n"
        "    print(server.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.1)


def test_a_run_without_curves_is_said_in_one_sentence(tmp_path: Path) -> None:
    server = VisualDLServer()
    with pytest.raises(InputError, match="no curves for VisualDL"):
        server.show([tmp_path / "vdl_log"])
    assert server.pid is None
