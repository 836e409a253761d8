"""Training against the clock."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from tiny_dataset import Recorder, dataset
from tiny_training import folder, train

from core.system.errors import InputError
from core.training.checkpoint import read_training_state
from core.training.speed import Speed, Stopwatch
from core.training.time_plan import Pace, TimePlan, planned_steps

__all__ = ["folder"]

PACE = Pace(step_s=0.5, evaluation_s=10.0, steps_between=100)


@pytest.mark.parametrize(
    ("left_s", "most", "steps"),
    [
        (110.0, 10_000, 200),  # 60 s for steps at 0.5 s and 0.1 s of evaluation each
        (110.0, 150, 150),
        (50.0, 10_000, 100),  # only the last evaluation, adjusting and the judgement are left
        (-5.0, 10_000, 100),
        (50.9, 10_000, 100),  # a single step is not worth an evaluation
    ],
)
def test_the_last_evaluation_has_its_time(left_s, most, steps):
    assert planned_steps(done=100, planned=9_999, most=most, left_s=left_s, pace=PACE) == steps


def test_what_one_process_does_alone_takes_it_longer():
    both = replace(PACE, processes=2)
    assert planned_steps(done=100, planned=9_999, most=10_000, left_s=150.0, pace=both) == 200


def test_a_plan_that_nearly_holds_stays():
    assert planned_steps(done=100, planned=201, most=10_000, left_s=110.0, pace=PACE) == 201
    assert planned_steps(done=0, planned=10, most=10, left_s=0.0, pace=PACE) == 1


@pytest.fixture
def clock(monkeypatch):
    """The time, which passes only as a test says."""
    now = [1000.0]
    monkeypatch.setattr("core.training.speed.time.perf_counter", lambda: now[0])
    return now


def plan(*, limit_s=None, planned=None, earlier=0.0, step_s=0.5):
    speed = Speed(batch_size=4, eval_images=40)
    if step_s:
        speed.step_took(step_s)
        speed.evaluation_took(10.0)
    return TimePlan(
        most=1000,
        limit_s=limit_s,
        planned=planned,
        steps_between=100,
        processes=1,
        watch=Stopwatch(earlier=earlier),
        speed=speed,
    )


def test_without_a_limit_all_epochs_are_trained(clock):
    free = plan(planned=300)
    clock[0] += 1e6
    assert not free.limited
    assert free.fitting(100) == free.steps_in_time(100) == free.steps == 1000
    assert free.eta_s(900, 1) == 60.0


def test_what_an_earlier_sitting_planned_and_took_counts(clock):
    assert plan(limit_s=900.0).steps == 1000, "nothing was planned yet"
    assert plan(limit_s=900.0, planned=5000).steps == 1000
    on = plan(limit_s=900.0, planned=300, earlier=780.0)
    clock[0] += 10.0
    assert on.steps == 300
    assert on.fitting(100) == 200, "110 s are left"
    assert on.eta_s(100, 3) == 110.0, "it never takes longer than what is left"
    assert on.eta_s(280, 1) == 20.0
    assert on.steps_in_time(60) == 280, "the clock lets no more through"
    assert on.steps_in_time(280) == 300
    clock[0] += 1000.0
    assert on.steps_in_time(0) == 1
    assert on.eta_s(100, 3) == 0.0


def test_nothing_is_said_of_time_before_the_first_step(clock):
    new = plan(limit_s=10.0, step_s=0)
    assert new.eta_s(0, 1) is None
    assert new.steps_in_time(0) == 1000


def test_the_clock_is_looked_at_every_twelve_steps(clock):
    counted = plan(limit_s=10.0)
    assert [step for step in range(1, 30) if counted.step_done()] == [12, 24]


def test_the_rate_falls_to_nothing_in_the_time_there_is(folder, tmp_path):
    recorder = Recorder()
    begin = time.perf_counter()
    _, result = train(
        folder,
        tmp_path,
        epochs=100_000,
        learning_rate=0.01,
        time_limit=9.0,
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
