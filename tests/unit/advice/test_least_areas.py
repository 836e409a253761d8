"""Least areas beside the labels: what is labelled and would be ignored is told."""

from __future__ import annotations

import numpy as np
import pytest
from project_samples import SIZE, project, write_images

from core.advice.label_counts import LabelCounter
from core.advice.least_areas import IgnoredObjects, ignored_objects

__all__ = ["project"]


def test_labelled_objects_below_the_least_area_are_counted(project, tmp_path):
    (path,) = write_images(tmp_path / "a", 1)
    project.add_images([path], subset="val")
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    for x, side in ((0, 2), (4, 3), (8, 4)):
        mask[:side, x : x + side] = 1
    mask[8:10, :2] = 2
    project.save_label_map(project.find_image(path), mask)
    first, second = (label.name for label in project.labels()[1:3])
    counter = LabelCounter()

    def ignored(**least):
        return ignored_objects(project, {first: 0.0, **least}, counter)

    assert ignored() == ()
    assert ignored(**{first: 4.0, second: 4.0, "unknown": 900.0}) == ()  # as large is large enough
    assert ignored(**{first.upper(): 9.5}) == (IgnoredObjects(first.upper(), 2, 3, False),)
    assert [one.name for one in ignored(**{first: 5.0, second: 5.0})] == [first, second]


@pytest.mark.parametrize(
    ("ignored", "text"),
    [
        ((3, 17, False), "Crack: 3 of 17 labelled objects are smaller and would be ignored."),
        ((1, 1, False), "Crack: 1 of 1 labelled object is smaller and would be ignored."),
        (
            (1, 900, True),
            "Crack: about 1 % of the labelled objects are smaller and would be ignored.",
        ),
    ],
)
def test_one_sentence_says_it(ignored, text):
    assert str(IgnoredObjects("Crack", *ignored).message) == text
