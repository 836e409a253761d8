"""``learning-curve`` as a person types it, with real trainings of a few steps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from job_runs import write_data

ROOT = Path(__file__).parents[2]


def _command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "learning-curve", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=400,
        check=False,
    )


def test_the_learning_curve_of_a_small_set(tmp_path: Path) -> None:
    data, out = write_data(tmp_path / "数据", train=9, val=3), tmp_path / "out"
    done = _command("--data", data, "--out", out, "--minutes", "0.1", "--device", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert [point["images"] for point in result["points"]] == [3, 6, 9]
    assert all(0 < point["miou"] <= 1 for point in result["points"])
    assert len(result["sentences"]) == 2
    assert result["sentences"][1].startswith("明亮: ")
    assert not (out / "parts").exists()
    again = _command("--data", data, "--out", out, "--minutes", "0.1", "--device", "cpu")
    assert again.returncode == 2
    assert "is finished" in again.stderr
    few = write_data(tmp_path / "few", train=4, val=1)
    refused = _command("--data", few, "--out", tmp_path / "few out", "--device", "cpu")
    assert refused.returncode == 2
    assert refused.stderr.count("needs at least 9") == 1
    assert not (tmp_path / "few out").exists()
