"""What two accounts of a model say otherwise, and whether that matters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import transforms as T  # noqa: N812
from core.deploy.verification.model_facts import ModelFacts, differences, with_size_of_export
from core.deploy.verification.samples import Sample, probe_samples

OWN = ModelFacts(
    labels=("background", "crack", "hole"),
    transforms=tuple(T.Compose([T.Resize((40, 56)), T.Normalize()]).to_list()),
    thresholds=(None, 0.4, 0.6),
    background=0,
)


def steps(*transforms):
    return tuple(T.Compose(list(transforms)).to_list())


def found(**changes):
    return differences(replace(OWN, **changes), OWN, probe_samples(), file="manifest.json")


def test_nothing_differs():
    assert found() == ([], [])


@pytest.mark.parametrize(
    ("changes", "stage", "words"),
    [
        (
            {"transforms": steps(T.Resize((40, 56)), T.Normalize(mean=(0.5, 0.5, 0.5)))},
            "preprocessing",
            "mean (0.5, 0.5, 0.5) (Normalize), the model was trained with (0.485, 0.456, 0.406)",
        ),
        (
            {"transforms": steps(T.Resize((40, 56)), T.Normalize(std=(1.0, 1.0, 1.0)))},
            "preprocessing",
            "std (1, 1, 1)",
        ),
        (
            {"transforms": steps(T.Resize((40, 56), "CUBIC"), T.Normalize())},
            "preprocessing",
            "interp CUBIC (Resize), the model was trained with LINEAR",
        ),
        (
            {"transforms": steps(T.Resize((56, 40)), T.Normalize())},
            "preprocessing",
            "target_size (56, 40)",
        ),
        ({"transforms": steps(T.Normalize())}, "preprocessing", "prepared by Normalize, the model"),
        ({"transforms": ()}, "preprocessing", "does not say how images are prepared"),
        ({"transforms": ({"Blow": {}},)}, "preprocessing", "cannot be done"),
        ({"labels": ("background", "hole", "crack")}, "postprocessing", "calls class 1 hole"),
        ({"labels": ("background", "crack")}, "postprocessing", "names 2 classes"),
        ({"background": 1}, "postprocessing", "background is crack"),
        ({"background": None}, "postprocessing", "background is –"),
        ({"thresholds": (None, 0.4, 0.5)}, "postprocessing", "threshold of hole is 0.5"),
        ({"thresholds": None}, "postprocessing", "has no thresholds"),
        ({"applies_thresholds": True}, "postprocessing", "and it does not"),
    ],
)
def test_each_difference_is_named(changes, stage, words):
    faults, _ = found(**changes)
    assert [one.stage for one in faults] == [stage]
    assert words in str(faults[0].problem)
    assert str(faults[0].problem).startswith("manifest.json")


def test_multiples_matter_only_where_sizes_are_free():
    assert found(size_multiple=32) == ([], [])
    free = replace(OWN, transforms=steps(T.Normalize()))
    faults, _ = differences(replace(free, size_multiple=32), free, probe_samples(), file="x")
    assert [one.stage for one in faults] == ["preprocessing"]


def test_what_changes_no_image_is_a_remark():
    own = replace(OWN, transforms=steps(T.ResizeByShort(64, max_size=4000), T.Normalize()))
    given = replace(own, transforms=steps(T.ResizeByShort(64, max_size=3000), T.Normalize()))
    faults, warnings = differences(given, own, probe_samples(), file="manifest.json")
    assert faults == []
    assert "max_size 3000" in str(warnings[0])
    long = Sample("long", np.zeros((10, 600, 3), np.uint8))
    faults, _ = differences(given, own, [long], file="manifest.json")
    assert [one.stage for one in faults] == ["preprocessing"]


def test_a_file_for_another_size_has_one_more_resize():
    inside = replace(OWN, transforms=(*OWN.transforms, *steps(T.Resize((20, 20)))))
    assert with_size_of_export(OWN, inside).transforms == inside.transforms
    other = replace(OWN, transforms=steps(T.Resize((20, 20)), T.Normalize()))
    assert with_size_of_export(OWN, other) == OWN
    assert with_size_of_export(OWN, None) == OWN
