"""Curves of runs as a table that spreadsheets open."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.runs.history import RunHistory
from core.system.files import write_text_atomic

_IOU = "val/iou/"
_FIRST = ("train/loss", "train/lr", "val/miou", "val/oacc", "val/kappa")


@dataclass(frozen=True, slots=True)
class NamedCurves:
    """A run's history, what people call it, and the names of its classes."""

    name: str
    history: RunHistory
    labels: Sequence[str] = ()


def curves_csv(runs: Sequence[NamedCurves]) -> str:
    """Return one line for each run and step: run, step, epoch, and what was measured there.

    Numbers have a point, fields are separated by commas; what was not measured is empty.
    """
    found = {(_order(tag), _title(tag, run)) for run in runs for tag in run.history.series}
    titles = list(dict.fromkeys(title for _, title in sorted(found)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "step", "epoch", *titles])
    for run in runs:
        per_epoch = run.history.steps_per_epoch
        for step, values in _rows(run):
            epoch = "" if not per_epoch else f"{step / per_epoch:.6g}"
            writer.writerow([run.name, step, epoch, *(values.get(title, "") for title in titles)])
    return text.getvalue()


def write_curves_csv(path: Path, runs: Sequence[NamedCurves]) -> None:
    """Write ``curves_csv`` as UTF-8 with a mark, without which Excel misreads names of classes."""
    write_text_atomic(path, "\ufeff" + curves_csv(runs))


def _rows(run: NamedCurves) -> list[tuple[int, dict[str, str]]]:
    found: dict[int, dict[str, str]] = {}
    for tag, series in run.history.series.items():
        title = _title(tag, run)
        for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True):
            if not math.isnan(value):
                found.setdefault(int(step), {})[title] = f"{value:.6g}"
    return sorted(found.items())


def _title(tag: str, run: NamedCurves) -> str:
    index = tag[len(_IOU) :]
    if tag.startswith(_IOU) and index.isdigit() and int(index) < len(run.labels):
        return f"{_IOU}{run.labels[int(index)]}"
    return tag


def _order(tag: str) -> tuple[int, str]:
    if tag in _FIRST:
        return (_FIRST.index(tag), "")
    index = tag[len(_IOU) :]
    is_class = tag.startswith(_IOU) and index.isdigit()
    return (len(_FIRST), f"{int(index):03d}") if is_class else (len(_FIRST) + 1, tag)
