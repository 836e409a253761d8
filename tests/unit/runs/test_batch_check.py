"""Batches that are larger than the training set."""

from __future__ import annotations

import pytest

from core.runs.batch_check import batch_problem, check_batch
from core.runs.kinds import EvaluateSpec, PruneSpec, QuantizeSpec, TrainSpec
from core.system.errors import InputError


def train(**changes):
    fields = {"model": "FastSCNN", "data_dir": "d", "epochs": 1, "batch_size": 4}
    return TrainSpec(**{**fields, "image_size": (64, 64), **changes})


@pytest.mark.parametrize(("batch", "steps", "images"), [(6, 1, 6), (3, 2, 6), (1, 1, 0), (1, 1, 1)])
def test_what_fits(batch, steps, images):
    assert batch_problem(batch, images, accumulate_steps=steps) is None


def test_the_number_of_images_and_the_largest_batch_are_named():
    text = str(batch_problem(7, 6))
    assert text == "A batch of 7 is larger than the 6 training images; choose at most 6."
    assert "a batch of at most 2" in str(batch_problem(3, 7, accumulate_steps=3))


@pytest.mark.parametrize(
    "spec",
    [
        train(batch_size=7),
        train(accumulate_steps=2),
        PruneSpec(model_dir="m", flops=0.2, finetune_epochs=1, batch_size=7),
        QuantizeSpec(model_dir="m", data_dir="d", epochs=1, batch_size=7),
    ],
)
def test_every_job_that_trains_is_refused(spec):
    with pytest.raises(InputError, match="6 training images"):
        check_batch(spec, 6)
    check_batch(spec, 0)  # that there are none is said otherwise


@pytest.mark.parametrize(
    "spec",
    [
        PruneSpec(model_dir="m", flops=0.2, batch_size=7),
        QuantizeSpec(model_dir="m", data_dir="d", batch_size=7),
        EvaluateSpec(model_dir="m", data_dir="d"),
    ],
)
def test_jobs_that_do_not_train_pass(spec):
    check_batch(spec, 6)
