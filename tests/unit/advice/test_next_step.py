"""What is missing before a training, one thing after the other."""

from __future__ import annotations

import pytest

from core.advice.next_step import missing_for_training
from core.project import ImageCounts
from core.project.rows import IMAGE_SUBSETS, STATES


def counts(labelled: int, *, total: int = 30, divided: bool = False) -> ImageCounts:
    subsets = dict.fromkeys(IMAGE_SUBSETS, 0) | {"none": total}
    if divided:
        subsets = {"train": labelled - 2, "val": 1, "test": 1, "none": total - labelled}
    states = dict.fromkeys(STATES, 0) | {"labelled": labelled, "unlabelled": total - labelled}
    return ImageCounts(total, subsets, states)


@pytest.mark.parametrize(
    ("found", "shows", "by_itself", "expected"),
    [
        (counts(0, total=0), False, True, "Import images first."),
        (counts(0), False, True, "Label images first."),
        (counts(3), False, True, "Only background is labelled: mark what you look for."),
        (counts(3), True, True, "Label 2 more images."),
        (counts(4), True, True, "Label one more image."),
        (counts(4), True, False, "Split the images first."),
        (counts(11), True, True, "Split the images first."),
        (counts(11, divided=True), True, True, "None"),
        (counts(11, divided=True), False, True, "Only background is labelled"),
    ],
)
def test_one_thing_is_said(found, shows, by_itself, expected):
    said = missing_for_training(found, shows_classes=shows, divides_itself=by_itself)
    assert str(said).startswith(expected)
