"""A run's history: the same from events as they come and from the file they were written to."""

from __future__ import annotations

import numpy as np
import pytest

from core.runs.events import (
    Cancelled,
    Checkpoint,
    Done,
    MaskPreview,
    Metric,
    Paused,
    Progress,
    Started,
)
from core.runs.history import RunHistory, Series, Smoother


def history_of(*events: object) -> RunHistory:
    history = RunHistory()
    for event in events:
        history.apply(event)
    return history


def test_series_grows_and_keeps_gaps() -> None:
    series = Series()
    for step in range(1000):
        series.append(step, None if step == 7 else step / 2)
    assert len(series) == 1000
    assert series.steps[-1] == 999
    assert series.values[-1] == 499.5
    assert np.isnan(series.values).tolist().count(True) == 1


def test_resumed_run_replaces_the_steps_it_goes_over_again() -> None:
    series = Series()
    for step, value in [(2, 0.9), (4, 0.8), (6, 0.7), (4, 0.5), (6, 0.4)]:
        series.append(step, value)
    assert series.steps.tolist() == [2, 4, 6]
    assert series.values.tolist() == [0.9, 0.5, 0.4]


def test_progress_epochs_and_best() -> None:
    history = history_of(
        Started("train", 1, "cpu"),
        Progress(30, 120, 9.0, epoch=3, epochs=12, images_per_second=6.5),
        Metric("val/iou/1", 30, 0.25),
        Metric("val/iou/0", 30, 0.5),
        Checkpoint("epoch_3", 0.4, 3),
        Checkpoint("epoch_4", 0.3, 4),
        MaskPreview("a.png", "previews/0_30.png", 0, 30),
        MaskPreview("a.png", "previews/0_40.png", 0, 40),
        Progress(2, 5, None, stage="evaluate"),
    )
    assert history.steps_per_epoch == 10  # evaluation's own progress does not change it
    assert history.images_per_second == 6.5
    assert (history.best_miou, history.best_epoch) == (0.4, 3)
    assert history.class_indices == [0, 1]
    assert history.previews[0].step == 40


def test_where_the_best_model_stands_in_the_end() -> None:
    points = [Metric("val/miou", step, value) for step, value in ((10, 0.2), (20, 0.4), (30, 0.3))]
    history = history_of(*points)
    assert (history.final_miou, history.final_step) == (None, 20)
    history.apply(Done({"miou": 0.35, "last_taken": True, "flip_test": True}))
    assert (history.final_miou, history.best_step, history.final_step) == (0.35, 20, 30)
    history = history_of(*points, Done({"miou": 0.45, "last_taken": False, "flip_test": True}))
    assert (history.final_miou, history.final_step) == (0.45, 20)


def test_elapsed_leaves_pauses_and_the_time_between_attempts_out() -> None:
    first = (
        Started("train", 1, "cpu", time=100.0),
        Paused(True, time=110.0),
        Paused(False, time=130.0),
        Cancelled(time=135.0),
    )
    history = history_of(*first)
    assert history.elapsed(now=9999.0) == pytest.approx(15.0)
    history = history_of(*first, Started("train", 2, "cpu", time=500.0))
    assert history.ended is None
    assert history.elapsed(now=504.0) == pytest.approx(19.0)
    history.apply(Paused(True, time=505.0))
    assert history.elapsed(now=600.0) == pytest.approx(20.0)
    history.apply(Done({}, time=700.0))
    assert history.elapsed(now=9999.0) == pytest.approx(20.0)


def test_smoothing_starts_right_and_keeps_gaps() -> None:
    values = np.array([4.0, np.nan, 0.0, 0.0])
    # weight 0.5, corrected: 4; gap; (0.5·2 + 0) / 0.75 = 4/3; (0.5·1 + 0) / 0.875 = 4/7
    expected = [4.0, np.nan, 4 / 3, 4 / 7]
    assert Smoother(0.5).apply(values) == pytest.approx(expected, nan_ok=True)
    assert Smoother(0.0).apply(values) == pytest.approx(values.tolist(), nan_ok=True)
    assert Smoother(0.95).apply(np.full(20, 3.0)) == pytest.approx(np.full(20, 3.0))


def test_smoothing_piece_by_piece_is_smoothing_at_once() -> None:
    values = np.random.default_rng(1).normal(size=50)
    growing = Smoother(0.8)
    for end in (1, 2, 20, 50):
        result = growing.apply(values[:end])
    assert result == pytest.approx(Smoother(0.8).apply(values))
    changed = values[:30] + 1  # a resumed run replaced the points
    assert growing.apply(changed) == pytest.approx(Smoother(0.8).apply(changed))
