"""Kill the window or its worker at random while it trains, and look at what is left.

    python.exe kills.py LAUNCHER FOLDER [--kills 10] [--seed 1]

LAUNCHER is the installed ``maskwright.exe``. Each time a window opens on a demo of its own and
starts training; the victim and the moment are drawn. Afterwards the project must open, no label
map may be damaged, no run may count as running, and no process may be left. ``FOLDER/kills.json``
has a line for each.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

os.environ.setdefault("MASKWRIGHT_INSTALLATION", str(Path(sys.prefix).parent))

from core.project import Project
from core.project.mask_store import mask_hash
from core.runs.run_folder import RunFolder

IMAGES, EPOCHS = 12, 60
START_S, END_S = 240.0, 90.0


def wait_until(what: str, done: Callable[[], object], seconds: float) -> None:
    """Wait; raises ``TimeoutError``."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.2)


def run_of(folder: Path) -> RunFolder | None:
    """The demo's training, once its folder is there."""
    found = sorted((folder / "project" / "runs").glob("*/spec.json"))
    return RunFolder(found[-1].parent) if found else None


def label_maps(project: Project) -> dict[int, str]:
    """A hash of each image's label map: reading them checks that they are whole."""
    found = {}
    for image_id in project.image_ids():
        mask = project.label_map(image_id)
        found[image_id] = "" if mask is None else mask_hash(mask)
    return found


def kill_once(launcher: Path, folder: Path, draw: random.Random) -> dict[str, object]:
    """Open, train, kill, look."""
    options = ["--out", str(folder), "--images", str(IMAGES), "--epochs", str(EPOCHS)]
    window = psutil.Popen([str(launcher), "demo", *options])
    wait_until("a run", lambda: run_of(folder) is not None, START_S)
    run = run_of(folder)
    assert run is not None
    wait_until("the worker", lambda: run.is_running, START_S)
    with Project.open(project_dir(folder), read_only=True) as project:
        before = label_maps(project)
    if draw.random() < 0.7:  # else while the engine is loaded, which takes as long as an epoch
        wait_until("a step", lambda: run.progress is not None, START_S)
    time.sleep(draw.uniform(0, 10))
    workers = window.children(recursive=True)
    victim = draw.choice(["window", "worker"])
    told: dict[str, object] = {"victim": victim, "at": progress_of(run)}
    if victim == "window":
        window.kill()
        wait_until("the worker's end", lambda: not any(one.is_running() for one in workers), END_S)
    else:
        for worker in workers:
            worker.kill()
        wait_until("the failure is told", lambda: not run.is_running, END_S)
        time.sleep(2)
        told["window lives"] = window.is_running()
        assert told["window lives"], "the window died with its worker"
        window.kill()
    window.wait(30)
    told["state"] = RunFolder(run.path).state
    assert told["state"] not in ("running", "done"), told
    with Project.open(project_dir(folder)) as project:
        assert label_maps(project) == before, "label maps changed"
    told["images"] = len(before)
    return told


def project_dir(folder: Path) -> Path:
    """Where the demo keeps its project."""
    return folder / "project"


def progress_of(run: RunFolder) -> str:
    """How far the training is, in words."""
    return "starting" if run.progress is None else f"{run.progress.step}/{run.progress.steps}"


def main() -> int:
    """Run the script; 0 when every kill was survived."""
    parser = argparse.ArgumentParser()
    parser.add_argument("launcher", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    told: list[dict[str, object]] = []
    options.folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.kills):
        try:
            told.append(kill_once(options.launcher, options.folder / f"第 {number}", draw))
        except (AssertionError, TimeoutError, OSError, subprocess.SubprocessError) as error:
            told.append({"failed": f"{type(error).__name__}: {error}"})
        text = json.dumps(told, indent=1, ensure_ascii=False)
        (options.folder / "kills.json").write_text(text, encoding="utf-8")
    return 1 if any("failed" in one for one in told) else 0


if __name__ == "__main__":
    sys.exit(main())
