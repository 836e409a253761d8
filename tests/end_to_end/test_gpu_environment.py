"""From a prepared folder to a training on a GPU that only pretends to be one, and back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import gpu_parts
import pytest
from tiny_dataset import write_folder

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        shutil.which("uv") is None or sys.platform != "linux",
        reason="needs uv, and wheels of Linux",
    ),
]


@pytest.fixture
def home(tmp_path):
    """A user whose driver shows a card: the module that asks it lies before the real one."""
    (tmp_path / "driver").mkdir()
    (tmp_path / "driver" / "pynvml.py").write_text(gpu_parts.DRIVER_MODULE, encoding="utf-8")
    return tmp_path


def run(home, *arguments):
    places = [str(home / "driver"), str(ROOT)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(places),
        "XDG_DATA_HOME": str(home / "家 data"),
    }
    return subprocess.run(
        [sys.executable, "-s", str(ROOT / "main.py"), *map(str, arguments)],
        env=environment,
        cwd=home,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )


def train(home, data, out, device):
    return run(
        home,
        *("train", "--data", data, "--out", home / out, "--model", "FastSCNN", "--epochs", "1"),
        *("--batch-size", "2", "--image-size", "64x64", "--device", device, "--json"),
    )


def test_jobs_compute_in_the_environment_until_it_is_left(home, tmp_path):
    index = gpu_parts.PackageIndex(tmp_path / "index")
    try:
        index.publish_engine(init=gpu_parts.PRETENDING_ENGINE)
        prepared = run(home, "gpu", "prepare", "--out", home / "U盘 1", "--index", index.url)
        assert prepared.returncode == 0, prepared.stderr
    finally:
        index.close()
    installed = run(home, "gpu", "install", "--from", home / "U盘 1", "--json")
    assert installed.returncode == 0, installed.stderr
    folder = Path(json.loads(installed.stdout.splitlines()[-1])["folder"])
    assert "jobs use     the GPU" in run(home, "gpu", "status").stdout

    data = write_folder(home / "数据")
    done = train(home, data, "on the card", "gpu")
    assert done.returncode == 0, done.stderr
    assert "working on gpu:0" in done.stderr

    # Broken on purpose: the processor goes on, a GPU that is asked for is refused.
    (folder / "packages" / "paddle" / "base" / "libpaddle.so").write_bytes(b"")
    done = train(home, data, "all the same", "auto")
    assert done.returncode == 0, done.stderr
    assert "damaged" in done.stderr
    assert "working on cpu" in done.stderr
    refused = train(home, data, "refused", "gpu")
    assert refused.returncode == 2
    assert "damaged" in refused.stderr

    assert run(home, "gpu", "off").returncode == 0
    status = json.loads(run(home, "gpu", "status", "--json").stdout.splitlines()[-1])
    assert (status["on"], status["used"]) == (False, False)
