"""A kind of job that nobody knew: its entry and its task are all that it takes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project_samples import labelled, write_images

from core.project import Project

ROOT = Path(__file__).parents[2]
TABLE = Path("core/runs/kinds.py")
TASK = Path("core/jobs/tasks/count.py")

SPEC = '''
class CountSpec(JobSpec):
    """Count the pixels of each class."""

    kind: Literal["count"] = "count"
    data_dir: Path
    split: Subset = "train"


'''
ENTRY = """    JobKind(
        spec=CountSpec,
        task="core.jobs.tasks.count:run",
        title=lambda name: message("{name} · counting", name=name),
        panel="inspection",
        subsets=lambda spec: (spec.split,),
        stages={"count": "counting"},
        resumable=True,
    ),
"""
MODULE = '''
"""Count pixels."""

import numpy as np

from core.datasets import open_data_folder
from core.images.io import read_mask


def run(spec, folder, reporter):
    """Count."""
    data = open_data_folder(spec.data_dir)
    items = data.subsets[spec.split]
    counts = np.zeros(256, np.int64)
    for done, item in enumerate(items):
        reporter.check()
        reporter.progress(done, len(items), stage="count")
        counts += np.bincount(read_mask(item.mask).ravel(), minlength=256)
    return {"pixels": counts[: len(data.labels)].tolist(), "images": len(items)}
'''
SCRIPT = """
import json
import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.services.context import AppContext
from app.services.settings import SettingsStore
from core.cli.job_runner import job_result
from core.project import Project
from core.project.run_start import prepare_run
from core.runs.run_folder import RunFolder

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with Project.open(folder) as project:
        row = prepare_run(project, {"kind": "count", "split": "train", "device": "cpu"})
        idle = prepare_run(project, {"kind": "count", "split": "val"})
        project.set_run_state(idle.id, "interrupted")
    result = job_result(row.folder)
    application = QCoreApplication([])
    context = AppContext(SettingsStore(folder / "settings.json"))
    context.open_project(folder, read_only=True)
    went = []
    context.navigate_requested.connect(lambda target: went.append(target.panel))
    context.show_run(str(row.id))
    shown = context.shown_job.view()
    told = {
        "result": result,
        "state": RunFolder(row.folder).state,
        "panel": went,
        "resumable": None if shown is None else shown.name,
        "folder": row.folder.name,
    }
    context.shut_down()
    print(json.dumps(told))
"""


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the program with the new kind: one file changed, one file added."""
    folder = tmp_path / "scratch"
    for name in ("core", "app", "resources"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    table = (folder / TABLE).read_text("utf-8")
    class_place, end = "\n_SMALLER_MODEL: Final", "\n)\n"  # the table is the last in the file
    assert table.count(class_place) == 1 and table.endswith(end)
    table = table.replace(class_place, SPEC + class_place)
    table = table.removesuffix(end) + "\n" + ENTRY + end.lstrip("\n")
    (folder / TABLE).write_text(table, "utf-8")
    (folder / TASK).write_text(MODULE, "utf-8")
    return folder


def test_a_new_kind_is_two_files(scratch: Path, tmp_path: Path) -> None:
    with Project.create(
        tmp_path / "项 目", "a", labels=("one", "two"), background=False
    ) as project:
        labelled(project, write_images(tmp_path / "a", 3), 0, 1)
        labelled(project, write_images(tmp_path / "b", 1, prefix="v"), 0, 1, subset="val")
    script = tmp_path / "use.py"
    script.write_text(SCRIPT, "utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "项 目")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(scratch), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        encoding="utf-8",
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["state"] == "done"
    assert told["result"]["images"] == 3
    assert min(told["result"]["pixels"]) > 0
    assert told["panel"] == ["inspection"]
    assert told["resumable"].endswith(" · counting")
    assert told["folder"] == "count-0001"
    assert "counting, step 0 of 3" in done.stderr
