"""Objects of a project's masks: counted once a mask, of those that a training would see."""

from __future__ import annotations

import numpy as np
import pytest
from project_samples import SIZE, labelled, project, write_images

from core.advice.label_counts import LabelCount, LabelCounter

__all__ = ["project"]


def _save(project, path, boxes):
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    for class_id, (x, y, side) in boxes:
        mask[y : y + side, x : x + side] = class_id
    project.save_label_map(project.find_image(path), mask)


def test_objects_are_counted_where_a_training_would_learn_from_them(project, tmp_path):
    paths = write_images(tmp_path / "a", 5)
    project.add_images(paths[:2], subset="train")
    project.add_images(paths[2:3], subset="val")
    project.add_images(paths[3:])
    _save(project, paths[0], [(1, (1, 1, 4)), (1, (10, 1, 4)), (2, (1, 10, 2))])
    _save(project, paths[1], [(1, (1, 1, 4))])
    _save(project, paths[2], [(1, (1, 1, 4)), (2, (10, 1, 4))])
    _save(project, paths[3], [(2, (3, 3, 2))])
    _save(project, paths[4], [(2, (3, 3, 8))])
    project.set_state([project.find_image(paths[4])], "draft")
    counts = LabelCounter().count(project)
    assert counts[1] == LabelCount(images=2, objects=3, side=4 / SIZE[1])
    assert counts[2] == LabelCount(images=2, objects=2, side=2 / SIZE[1])
    assert counts[0].images == 3


def test_a_mask_is_looked_at_once_and_a_revision_is_counted_as_it_was(
    project, tmp_path, monkeypatch
):
    labelled(project, write_images(tmp_path / "a", 3), 0, 1)
    labelled(project, write_images(tmp_path / "v", 1, prefix="v"), 0, 1, subset="val")
    revision = project.create_revision(needed=("train", "val"))
    counter = LabelCounter()
    looked = []
    read = project.mask
    monkeypatch.setattr(project, "mask", lambda hash_: looked.append(hash_) or read(hash_))
    assert counter.count(project)[1].objects == 3
    labelled(project, write_images(tmp_path / "b", 2, prefix="b"), 1, 0, 1)
    assert counter.count(project)[1].objects == 3 + 4
    assert counter.count(project, revision_id=revision.id)[1].objects == 3
    assert len(looked) == len(set(looked)) == 2


def test_many_masks_are_sampled_but_a_rare_class_is_counted_in_full(project, tmp_path):
    paths = write_images(tmp_path / "a", 300)
    project.add_images(paths, subset="train")
    for place, path in enumerate(paths):
        rare = [(2, (20, 12, 2))] if place in (7, 150, 298) else []
        _save(project, path, [(1, (place % 20, 1, 2)), (1, (place % 20, 6, 2)), *rare])
    counts = LabelCounter().count(project)
    assert counts[1].objects == pytest.approx(600, rel=0.02)
    assert counts[2] == LabelCount(images=3, objects=3, side=2 / SIZE[1])


def test_counting_can_be_stopped_and_a_lost_mask_counts_nothing(project, tmp_path):
    labelled(project, write_images(tmp_path / "a", 1), 0, 1)
    labelled(project, write_images(tmp_path / "b", 1, prefix="b"), 1, 0)
    with pytest.raises(RuntimeError, match="stop"):
        LabelCounter().count(project, check=lambda: (_ for _ in ()).throw(RuntimeError("stop")))
    next((project.folder / "masks").glob("??/*.png")).unlink()
    assert LabelCounter().count(project)[1] == LabelCount(
        images=2, objects=1, side=pytest.approx(np.sqrt(12 * 16) / 16)
    )


def test_areas_are_those_of_training_and_validation_images(project, tmp_path, monkeypatch):
    paths = write_images(tmp_path / "a", 4)
    for path, subset in zip(paths, ("train", "val", "none", "test"), strict=True):
        project.add_images([path], subset=subset)
    _save(project, paths[0], [(1, (1, 1, 4)), (1, (10, 1, 2)), (2, (1, 10, 3))])
    _save(project, paths[1], [(1, (1, 1, 3))])
    _save(project, paths[2], [(1, (1, 1, 5))])
    _save(project, paths[3], [(1, (1, 1, 6))])
    counter = LabelCounter()
    found = counter.areas(project, [1])
    assert list(found) == [1] and not found[1].is_sample
    assert sorted(found[1].areas) == [4, 9, 16, 25]
    assert counter.count(project)[1].objects == 3  # of validation images none is learnt from
    monkeypatch.setattr("core.advice.label_counts._MOST_MASKS", 2)
    assert counter.areas(project, [1])[1].is_sample
