"""Tiny data and runs for tests that start real worker processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.images.io import write_image, write_mask
from core.jobs.process import JobProcess
from core.runs.events import Event
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder

SIDE = 64


def write_data(folder: Path, *, train: int = 6, val: int = 2) -> Path:
    """Write bright rectangles on a dark ground, in PaddleX's layout, tab-separated."""
    rng = np.random.default_rng(7)
    folder.mkdir(parents=True)
    (folder / "labels.txt").write_text("background\n明亮\n", encoding="utf-8")
    for split, count in (("train", train), ("val", val)):
        lines = []
        for index in range(count):
            mask = np.zeros((SIDE, SIDE), np.uint8)
            top, left = rng.integers(0, SIDE // 2, 2)
            mask[top : top + SIDE // 2, left : left + SIDE // 2] = 1
            noise = rng.integers(0, 60, (SIDE, SIDE, 3))
            image = (noise + 180 * mask[..., None]).astype(np.uint8)
            write_image(folder / f"{split} {index}.png", image)
            write_mask(folder / f"{split} {index} mask.png", mask)
            lines.append(f"{split} {index}.png\t{split} {index} mask.png\n")
        (folder / f"{split}_list.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def train_spec(data: Path, **changes: Any) -> TrainSpec:
    """A training of three steps an epoch."""
    fields: dict[str, Any] = {
        "model": "FastSCNN",
        "data_dir": data,
        "epochs": 2,
        "batch_size": 2,
        "image_size": (SIDE, SIDE),
        "log_interval_steps": 1,
        "preview_images": 2,
        "use_vdl": False,
        "device": "cpu",
        "num_workers": 0,
    }
    return TrainSpec(**(fields | changes))


def poll_until(process: JobProcess, wanted: Callable[[Event], bool]) -> list[Event]:
    """Poll until an event is ``wanted``; fails if the job ends before."""
    events: list[Event] = []
    while not process.is_finished:
        event = process.poll(0.1)
        if event is not None:
            events.append(event)
            if wanted(event):
                return events
    raise AssertionError(f"ended with {process.outcome}\n{process.run.log_tail()}")


def start(run_dir: Path, spec: TrainSpec | None = None, **options: Any) -> JobProcess:
    """Start a run; with ``spec`` its folder is made first."""
    if spec is not None:
        RunFolder.create(run_dir, spec)
    process = JobProcess(run_dir, **options)
    process.start()
    return process
