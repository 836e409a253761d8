"""Wrong settings, in words."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.runs.kind_lookup import spec_from_json
from core.runs.kinds import TrainSpec
from core.runs.spec_errors import validation_problem


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"class_weights": "x"},
            'class_weights must be none or balanced or a list of numbers, not "x"',
        ),
        (
            {"class_weights": [1, "a"]},
            'class_weights must be none or balanced or a list of numbers, not [1, "a"]',
        ),
        ({"num_workers": "x"}, 'num_workers must be a whole number or auto, not "x"'),
        ({"num_workers": -1}, "num_workers must be 0 or more or auto, not -1"),
        (
            {"use_mixed_loss": [["a"]]},
            "use_mixed_loss must be true or false or a list of pairs of a name and a number",
        ),
        ({"image_size": [1, "b"]}, 'each value of image_size must be a whole number, not "b"'),
        ({"epochs": 1.5}, "epochs must be a whole number, not 1.5"),
        ({"learning_rate": 0}, "learning_rate must be above 0, not 0"),
        (
            {"learning_rate": float("inf")},
            "learning_rate must be a finite number, not Infinity",
        ),
        ({"augmentation": {"blur": 2}}, "augmentation.blur must be 1 or less, not 2"),
        ({"augmentation": {"glow": 2}}, "augmentation.glow is unknown"),
        ({"augmentation": 3}, "augmentation must be a set of names and values, not 3"),
        ({"颜色": 1}, "颜色 is unknown"),
        (
            {"seed": -1, "epochs": 0},
            "seed must be 0 or more, not -1; epochs must be 1 or more, not 0",
        ),
    ],
)
def test_each_setting_is_named_once_with_what_is_allowed(wrong, sentence):
    fields = {
        "model": "FastSCNN",
        "data_dir": ".",
        "epochs": 1,
        "batch_size": 1,
        "image_size": (64, 64),
    }
    with pytest.raises(ValidationError) as caught:
        TrainSpec.model_validate({**fields, **wrong})
    assert validation_problem(caught.value) == sentence


def test_a_whole_description():
    with pytest.raises(ValidationError) as caught:
        spec_from_json('{"kind": "predict", "model_dir": ".", "images": []}')
    assert validation_problem(caught.value) == (
        "images must be a list of 1 or more, not []; out_dir is missing"
    )
    with pytest.raises(ValidationError) as caught:
        spec_from_json("{")
    assert "JSON" in validation_problem(caught.value)
