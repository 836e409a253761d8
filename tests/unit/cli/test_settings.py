"""``--set``: sizes within the limits of --image-size, and no parameter given twice."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.cli.shared_options import parse_settings
from core.runs.kinds import TrainSpec
from core.runs.spec_errors import validation_problem
from core.system.errors import InputError


@pytest.mark.parametrize("text", ["[480,360]", "480x360", "480×360"])
def test_a_size_may_be_set_in_either_form(text):
    assert parse_settings([f"image_size={text}"], TrainSpec) == {"image_size": (480, 360)}


@pytest.mark.parametrize("text", ["[1,2]", "[100000,100000]", "[-5,64]", "3", "big"])
def test_a_size_beyond_the_limits_is_refused(text):
    with pytest.raises(InputError, match="--image-size"):
        parse_settings([f"image_size={text}"], TrainSpec)


@pytest.mark.parametrize("name", ["num_classes", "use_mixed_loss", "seed", "name"])
def test_parameters_that_follow_from_elsewhere(name):
    fields = {"model": "FastSCNN", "data_dir": ".", "epochs": 1, "batch_size": 1}
    with pytest.raises(ValidationError) as caught:
        TrainSpec.model_validate({**fields, "image_size": (64, 64), "model_params": {name: 3}})
    problem = validation_problem(caught.value)
    assert problem.startswith("model_params must be parameters other than num_classes")
    assert problem.endswith(f'not {{"{name}": 3}}')
