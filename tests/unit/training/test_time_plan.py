"""Training against the clock."""

from __future__ import annotations

import time

import pytest
from tiny_dataset import Recorder, dataset
from tiny_training import folder, train

from core.system.errors import InputError
from core.training.checkpoint import read_training_state
from core.training.time_plan import Pace, planned_steps

__all__ = ["folder"]

PACE = Pace(step_s=0.5, evaluation_s=10.0, steps_between=100)


@pytest.mark.parametrize(
    ("left_s", "most", "steps"),
    [
        (90.0, 10_000, 200),  # 60 s for steps at 0.5 s and 0.1 s of evaluation each
        (90.0, 150, 150),
        (30.0, 10_000, 100),  # only the last evaluation, adjusting and the judgement are left
        (-5.0, 10_000, 100),
        (30.9, 10_000, 100),  # a single step is not worth an evaluation
    ],
)
def test_the_last_evaluation_has_its_time(left_s, most, steps):
    assert planned_steps(done=100, planned=9_999, most=most, left_s=left_s, pace=PACE) == steps


def test_a_plan_that_nearly_holds_stays():
    assert planned_steps(done=100, planned=201, most=10_000, left_s=90.0, pace=PACE) == 201
    assert planned_steps(done=0, planned=10, most=10, left_s=0.0, pace=PACE) == 1


def test_the_rate_falls_to_nothing_in_the_time_there_is(folder, tmp_path):
    recorder = Recorder()
    begin = time.perf_counter()
    _, result = train(
        folder,
        tmp_path,
        epochs=100_000,
        learning_rate=0.01,
        time_limit=6.0,
        save_interval_epochs=20,
        keep_epochs=1,
        reporter=recorder,
        data=dataset(folder, "train", shuffle=True),
    )
    assert time.perf_counter() - begin < 30
    assert not result.stopped_early
    assert result.best_model is not None
    rates = [rate for _, rate in recorder.metrics["train/lr"]]
    assert rates[-1] < 0.3 * rates[0]
    state = read_training_state(result.last_model)
    assert state.planned_steps == state.step
    last = recorder.progresses[-1]
    assert last["step"] == last["steps"] == state.step


@pytest.mark.parametrize(
    "changes", [{"time_limit": 0}, {"time_limit": float("nan")}, {"sampling": "rare"}]
)
def test_impossible_values_are_refused(folder, tmp_path, changes):
    with pytest.raises(InputError, match=next(iter(changes))):
        train(folder, tmp_path, **changes)
