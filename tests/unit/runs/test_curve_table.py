"""Curves as a table for spreadsheets."""

from __future__ import annotations

import csv
from pathlib import Path

from core.runs.curve_table import NamedCurves, curves_csv, write_curves_csv
from core.runs.events import Metric, Progress
from core.runs.history import RunHistory


def history(*events) -> RunHistory:
    made = RunHistory()
    for event in events:
        made.apply(event)
    return made


FIRST = NamedCurves(
    "#1 UNet",
    history(
        Progress(4, 20, None, epoch=1, epochs=2),
        Metric("train/loss", 2, 1.5),
        Metric("train/loss", 10, 0.75),
        Metric("val/iou/2", 10, None),
        Metric("val/iou/1", 10, 0.25),
        Metric("val/miou", 10, 0.5),
    ),
    ("background", "划痕, 细"),
)
SECOND = NamedCurves("“best”, so far", history(Metric("val/miou", 3, 1 / 3)))


def test_each_run_and_step_is_a_line(tmp_path: Path) -> None:
    target = tmp_path / "曲线 1.csv"
    write_curves_csv(target, [FIRST, SECOND])
    assert target.read_bytes().startswith(b"\xef\xbb\xbf")  # or Excel misreads the names
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == [
        "run", "step", "epoch", "train/loss", "val/miou", "val/iou/划痕, 细", "val/iou/2",
    ]  # fmt: skip
    assert rows[1] == ["#1 UNet", "2", "0.2", "1.5", "", "", ""]
    assert rows[2] == ["#1 UNet", "10", "1", "0.75", "0.5", "0.25", ""]
    assert rows[3] == ["“best”, so far", "3", "", "", "0.333333", "", ""]
    assert len(rows) == 4


def test_a_run_without_curves_has_no_lines() -> None:
    assert curves_csv([NamedCurves("new", RunHistory())]) == "run,step,epoch\n"
