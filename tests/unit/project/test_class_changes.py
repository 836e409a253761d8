"""Merging and deleting classes rewrites every mask that has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.images.io import IGNORE_INDEX, write_image
from core.project import Project
from core.project.masks import count_values
from core.system.errors import InputError

LABELS = ("background", "scratch", "pit", "dent")


@pytest.fixture
def project(tmp_path: Path):
    paths = [tmp_path / f"图 {number}.png" for number in range(3)]
    for path in paths:
        write_image(path, np.zeros((8, 10, 3), np.uint8))
    with Project.create(tmp_path / "项目 1", labels=LABELS) as made:
        made.add_images(paths)
        for number, image_id in enumerate(made.image_ids()[:2]):
            made.save_label_map(image_id, mask(number), state="reviewed")
        yield made


def mask(number: int) -> np.ndarray:
    made = np.zeros((8, 10), np.uint8)
    made[:2], made[2:4], made[4:6] = 1, 2, 3
    made[7] = IGNORE_INDEX
    if number:
        made[made == 2] = 0
    return made


def test_pixels_go_to_the_other_class_and_ids_close_up(project: Project) -> None:
    ids = project.image_ids()
    history = len(project.mask_history(ids[0]))
    steps: list[tuple[int, int]] = []
    assert project.images_with_class(2) == 1
    changed = project.merge_class(2, 1, progress=lambda done, total: steps.append((done, total)))
    assert changed == 2 and steps == [(0, 2), (1, 2)]
    assert [(item.id, item.name) for item in project.labels()] == [
        (0, "background"),
        (1, "scratch"),
        (2, "dent"),
    ]
    for number, image_id in enumerate(ids[:2]):
        expected = mask(number)
        expected[expected == 2] = 1
        expected[expected == 3] = 2
        saved = project.label_map(image_id)
        assert saved is not None and np.array_equal(saved, expected)
        assert project.image(image_id).state == "reviewed"
    assert project.label_map(ids[2]) is None
    assert len(project.mask_history(ids[0])) == history
    assert project.add_class("new").id == 3


def test_merging_upwards_and_ignoring(project: Project) -> None:
    first = project.image_ids()[0]
    project.merge_class(1, 3)
    saved = project.label_map(first)
    assert saved is not None
    assert (saved[:2] == 2).all() and (saved[2:4] == 1).all() and (saved[4:6] == 2).all()
    project.merge_class(2, IGNORE_INDEX)
    saved = project.label_map(first)
    assert saved is not None and (saved[:2] == IGNORE_INDEX).all()
    assert [item.name for item in project.labels()] == ["background", "pit"]


def test_revision_keeps_its_own_classes(project: Project) -> None:
    project.set_subset(project.image_ids()[:1], "train")
    project.set_subset(project.image_ids()[1:2], "val")
    before = project.create_revision()
    project.merge_class(2, 1)
    after = project.create_revision()
    assert before.id != after.id
    assert project.revision(before.id).labels == before.labels


def test_nothing_happens_for_unknown_classes_or_while_reading(project: Project) -> None:
    with pytest.raises(KeyError):
        project.merge_class(9, 0)
    with pytest.raises(ValueError, match="itself"):
        project.merge_class(1, 1)
    folder = project.folder
    with Project.open(folder, read_only=True) as reader, pytest.raises(InputError):
        reader.merge_class(1, 0)
    assert len(project.labels()) == 4


def test_values_are_counted_exactly_beyond_what_float32_can_hold() -> None:
    big = np.ones((5000, 4000), np.uint8)
    big[17, 5] = 200
    counts = count_values(big)
    assert counts[1] == 19_999_999 and counts[200] == 1 and counts.sum() == big.size
