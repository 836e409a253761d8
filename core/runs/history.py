"""A run as its events tell it: curves, previews, progress, how it ended.

Watching a run and reading its ``events.jsonl`` later give the same ``RunHistory``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from core.runs.events import (
    Cancelled,
    Checkpoint,
    Done,
    Event,
    Failed,
    MaskPreview,
    Metric,
    Paused,
    Progress,
    Started,
    Warned,
)

Floats = npt.NDArray[np.float64]


class Series:
    """Points of one curve; appending is cheap, however long it gets."""

    def __init__(self) -> None:
        self._points = np.empty((256, 2), np.float64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, step: int, value: float | None) -> None:
        """Add a point; None (undefined) becomes NaN, which plots as a gap.

        A resumed run goes over some steps again: its points replace the older ones from there on.
        """
        while self._count and self._points[self._count - 1, 0] >= step:
            self._count -= 1
        if self._count == len(self._points):
            self._points = np.concatenate([self._points, np.empty_like(self._points)])
        self._points[self._count] = step, np.nan if value is None else value
        self._count += 1

    @property
    def steps(self) -> Floats:
        """Global training steps, (N,)."""
        return self._points[: self._count, 0]

    @property
    def values(self) -> Floats:
        """Values at the steps, (N,), NaN where undefined."""
        return self._points[: self._count, 1]


@dataclass(slots=True)
class RunHistory:
    """Everything the monitor shows of a run.

    ``series`` by tag (see ``Metric``), ``previews`` newest by index, ``best_miou`` 0 … 1.
    ``worked_s`` are the seconds of earlier attempts in the same folder, ``paused_s`` those that
    this attempt spent paused.
    """

    series: dict[str, Series] = field(default_factory=dict)
    previews: dict[int, MaskPreview] = field(default_factory=dict)
    warnings: list[Warned] = field(default_factory=list)
    started: Started | None = None
    progress: Progress | None = None
    training: Progress | None = None
    images_per_second: float | None = None
    best_miou: float | None = None
    best_epoch: int = 0
    last_checkpoint: Checkpoint | None = None
    ended: Done | Cancelled | Failed | None = None
    last_time: float = 0.0
    paused_since: float | None = None
    paused_s: float = 0.0
    worked_s: float = 0.0

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case Started():
                self._apply_started(event)
            case Progress():
                self._apply_progress(event)
            case Metric(tag=tag, step=step, value=value):
                self.series.setdefault(tag, Series()).append(step, value)
            case MaskPreview(index=index):
                self.previews[index] = event
            case Checkpoint():
                self._apply_checkpoint(event)
            case Paused():
                self._apply_paused(event)
            case Warned():
                self.warnings.append(event)
            case Done() | Cancelled() | Failed():
                self._apply_paused(Paused(False, time=event.time))
                self.ended = event
        self.last_time = max(self.last_time, event.time)

    @property
    def steps_per_epoch(self) -> float | None:
        """Training steps in an epoch, None before the first progress."""
        if self.training is None or not self.training.epochs:
            return None
        return self.training.steps / self.training.epochs

    @property
    def adjusted(self) -> Mapping[str, Any] | None:
        """The result where the best model's scores were adjusted once the training was over.

        The curves and ``best_miou`` are of the model as it was before.
        """
        if not isinstance(self.ended, Done) or not was_adjusted(self.ended.result):
            return None
        return self.ended.result if figure(self.ended.result, "miou") is not None else None

    @property
    def final_miou(self) -> float | None:
        """What the best model has in the end, 0 … 1: the adjusted one where there is one."""
        return self.best_miou if self.adjusted is None else figure(self.adjusted, "miou")

    @property
    def best_step(self) -> int | None:
        """Training step with the highest mIoU of the curve."""
        series = self.series.get("val/miou")
        if series is None or not np.isfinite(series.values).any():
            return None
        return int(series.steps[np.nanargmax(series.values)])

    @property
    def final_step(self) -> int | None:
        """Training step whose model is the best one in the end."""
        if self.adjusted is None or self.adjusted.get("last_taken") is not True:
            return self.best_step
        series = self.series.get("val/miou")
        return None if series is None or not len(series.steps) else int(series.steps[-1])

    @property
    def class_indices(self) -> list[int]:
        """Classes that have an IoU curve."""
        prefix = "val/iou/"
        return sorted(int(tag[len(prefix) :]) for tag in self.series if tag.startswith(prefix))

    def elapsed(self, now: float) -> float:
        """Seconds worked so far, without pauses; ``now`` in seconds since the epoch.

        Pass ``last_time`` as ``now`` for a run that no process works on any more.
        """
        if self.started is None:
            return 0.0
        end = self.ended.time if self.ended is not None else now
        pause = self.paused_s
        if self.paused_since is not None:
            pause += max(0.0, end - self.paused_since)
        return self.worked_s + max(0.0, end - self.started.time - pause)

    def _apply_started(self, event: Started) -> None:
        self.worked_s = self.elapsed(self.last_time)
        self.started, self.ended = event, None
        self.paused_since, self.paused_s = None, 0.0

    def _apply_progress(self, event: Progress) -> None:
        self.progress = event
        if event.images_per_second is not None and event.stage == "train":
            self.images_per_second = event.images_per_second
        if event.stage == "train":
            self.training = event

    def _apply_checkpoint(self, event: Checkpoint) -> None:
        self.last_checkpoint = event
        if event.score is not None and (self.best_miou is None or event.score > self.best_miou):
            self.best_miou, self.best_epoch = event.score, event.epoch

    def _apply_paused(self, event: Paused) -> None:
        if event.paused and self.paused_since is None:
            self.paused_since = event.time
        elif not event.paused and self.paused_since is not None:
            self.paused_s += max(0.0, event.time - self.paused_since)
            self.paused_since = None


def was_adjusted(result: Mapping[str, Any]) -> bool:
    """Whether a training's best model predicts otherwise than it did when its curve was drawn."""
    changed = result.get("score_offsets") is not None
    return changed or result.get("flip_test") is True or result.get("last_taken") is True


def figure(result: Mapping[str, Any], name: str) -> float | None:
    """Return a number of a result, None where it has none."""
    value = result.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if np.isfinite(value) else None


class Smoother:
    """Exponential moving average of a growing curve, corrected for its start; NaN stays NaN.

    Args:
        weight: 0 (as it is) … below 1 (smoother): the share of the past in each point.
    """

    def __init__(self, weight: float = 0.0) -> None:
        self.weight = weight
        self._seen = np.empty(0)
        self._smoothed = np.empty(0)
        self._average = self._norm = 0.0

    def apply(self, values: Floats) -> Floats:
        """Return the average at each point (N,); only points added since last time cost time."""
        if self.weight <= 0:
            return values
        known = len(self._seen)
        if known > len(values) or not np.array_equal(self._seen, values[:known], equal_nan=True):
            self._average = self._norm = 0.0
            self._smoothed, known = np.empty(0), 0
        added = np.full(len(values) - known, np.nan)
        for i, value in enumerate(values[known:].tolist()):
            if value == value:
                self._average = self.weight * self._average + (1 - self.weight) * value
                self._norm = self.weight * self._norm + (1 - self.weight)
                added[i] = self._average / self._norm
        self._seen = values.copy()
        self._smoothed = np.concatenate([self._smoothed, added])
        return self._smoothed
