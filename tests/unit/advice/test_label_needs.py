"""How many labels are enough: by rule before the first training, by its measurement afterwards."""

from __future__ import annotations

import json

import numpy as np
import pytest
from project_samples import SIZE, labelled, project, write_images

from core.advice.label_counts import LabelCount
from core.advice.label_needs import (
    LabelAdviser,
    Measured,
    label_needs,
    read_measured,
    small_objects,
)

__all__ = ["project"]

LABELS = ["background", "Crack", "Hole"]
GROUND = LabelCount(images=40, objects=40, side=1.0)


def _needs(*counts, measured=None, labels=LABELS):
    return {need.name: need for need in label_needs(labels, counts, measured=measured)}


def test_about_ten_objects_and_what_lacks_most_comes_first():
    needs = label_needs(
        LABELS, [GROUND, LabelCount(8, 8, 0.2), LabelCount(3, 3, 0.2)], measured=None
    )
    assert [(need.name, need.have, need.wanted) for need in needs] == [
        ("Hole", 3, 10),
        ("Crack", 8, 10),
    ]
    assert needs[0].missing == 7
    assert "about 10 objects" in str(needs[0].reason).lower()


def test_small_and_rare_ones_need_more_and_the_reason_says_so():
    needs = _needs(GROUND, LabelCount(8, 12, 0.01), LabelCount(1, 1, 0.5))
    assert (needs["Crack"].wanted, needs["Hole"].wanted) == (20, 15)
    assert "small" in str(needs["Crack"].reason)
    assert "few images" in str(needs["Hole"].reason)
    assert _needs(GROUND, LabelCount(), LabelCount())["Crack"].wanted == 10  # nothing known yet


def test_after_a_training_its_measurement_says_what_is_missed():
    measured = Measured({"Crack": (3, 0), "Hole": (20, 17)}, {"Crack": 3, "Hole": 6})
    needs = _needs(GROUND, LabelCount(3, 3, 0.2), LabelCount(6, 6, 0.2), measured=measured)
    assert (needs["Crack"].have, needs["Crack"].wanted) == (3, 8)
    assert "0 of 3" in str(needs["Crack"].reason)
    assert needs["Hole"].missing == 0
    more = _needs(GROUND, LabelCount(8, 8, 0.2), LabelCount(6, 6, 0.2), measured=measured)
    assert more["Crack"].missing == 0  # five more were labelled


def test_a_single_object_that_was_found_proves_nothing():
    measured = Measured({"Crack": (1, 1), "Hole": (0, 0)}, {"Crack": 3, "Hole": 3})
    needs = _needs(GROUND, LabelCount(3, 3, 0.2), LabelCount(3, 3, 0.2), measured=measured)
    assert [need.wanted for need in needs.values()] == [10, 10]


def test_without_a_background_images_are_counted():
    needs = _needs(LabelCount(4, 900, 0.5), LabelCount(30, 30, 0.5), labels=["road", "sky"])
    assert (needs["road"].unit, needs["road"].have, needs["road"].missing) == ("images", 4, 6)
    assert needs["sky"].missing == 0


@pytest.mark.parametrize("figures", [{}, {"classes": 3}, {"classes": [{"name": "a"}]}])
def test_damaged_figures_count_as_none(figures):
    assert read_measured(figures, {}) is None


def test_a_project_is_told_by_its_labels_and_then_by_its_newest_training(project, tmp_path):
    labelled(project, write_images(tmp_path / "a", 4), 0, 1)
    labelled(project, write_images(tmp_path / "v", 1, prefix="v"), 0, 1, subset="val")
    adviser = LabelAdviser()
    needs = {need.name: need for need in adviser.needs(project)}
    assert (needs["scratch"].have, needs["scratch"].wanted) == (4, 10)
    assert needs["dent"].have == 0
    run = project.new_run("train", "UNet", revision=project.create_revision(needed=("train",)))
    best = run.folder / "best_model"
    best.mkdir()
    classes = [{"name": "scratch", "objects": 4, "found": 1}, {"name": "gone", "objects": 1}]
    (best / "eval_details.json").write_text(json.dumps({"objects": {"classes": classes[:1]}}))
    assert {need.name: need.wanted for need in adviser.needs(project)}["scratch"] == 10  # goes on
    project.set_run_state(run.id, "done")
    assert {need.name: need.wanted for need in adviser.needs(project)}["scratch"] == 4 + 5
    paths = write_images(tmp_path / "b", 5, prefix="b")
    project.add_images(paths)
    for place, path in enumerate(paths):
        mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
        mask[2:6, 2 + place : 8] = 1
        project.save_label_map(project.find_image(path), mask)
    assert {need.name: need.missing for need in adviser.needs(project)}["scratch"] == 0
    (best / "eval_details.json").write_text(json.dumps({"objects": {"classes": classes}}))
    assert {need.name: need.wanted for need in adviser.needs(project)}["scratch"] == 10  # damaged


def test_classes_whose_objects_are_small_are_named():
    found = small_objects({"Crack": 0.01, "Hole": 0.5, "Pit": 0.0}, (800, 600))
    assert [one.code for one in found] == ["small_objects"]
    assert found[0].message.params["label"] == "Crack"
    assert "usually 6 pixels wide" in str(found[0].message)


def test_the_adviser_measures_objects_of_a_project(project, tmp_path):
    labelled(project, write_images(tmp_path / "i", 4), 0, 1)
    found = LabelAdviser().findings(project)
    assert [one.message.params["label"] for one in found] == ["scratch"]
    assert found[0].count == round((SIZE[0] / 2 * SIZE[1]) ** 0.5)
