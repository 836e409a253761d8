"""Trying rules on what a model saw: the decisions, what the labels say, and what is kept."""

from __future__ import annotations

import time

import numpy as np
import pytest
from recorded_runs import LABELS, make_project

from core.portable.cleaning import InspectedArea
from core.portable.settings import Settings
from core.project import ImageQuery
from core.project.trial_judging import LabelledDefects, TrialJudge
from core.runs.trial_files import TrialFiles, TrialRecord


def settings(**content) -> Settings:
    return Settings.from_dict(content, labels=LABELS, background=0)


@pytest.fixture
def folder(tmp_path):
    """A hole of 4 × 6 pixels that is sure, a scratch of 1 × 20 that is not, a damaged file."""
    files = TrialFiles(tmp_path)
    label_map = np.zeros((40, 40), np.uint8)
    label_map[4:8, 4:10] = 1
    label_map[20, 10:30] = 2
    confidence = np.where(label_map == 2, 0.4, 0.9).astype(np.float32)
    files.write(TrialRecord(0, tmp_path / "both.png"), label_map=label_map, confidence=confidence)
    empty = np.zeros((40, 40), np.uint8)
    files.write(TrialRecord(1, tmp_path / "empty.png"), label_map=empty)
    files.write(TrialRecord(2, tmp_path / "odd.png", "It cannot be read."))
    files.write(TrialRecord(3, tmp_path / "gone.png"), label_map=empty)
    files.label_map_file(3).write_bytes(b"no picture")
    return tmp_path


def outcomes(judge: TrialJudge, **content) -> list[str | None]:
    judged = judge.judge(settings(**content))
    return [None if one.decision is None else one.decision.outcome for one in judged]


def test_rules_decide_about_what_was_found(folder) -> None:
    judge = TrialJudge(folder, LABELS, 0)
    assert outcomes(judge) == ["reject", "accept", None, None]
    assert outcomes(judge, rules=['any "hole 孔" longer than 6 px -> reject'])[0] == "accept"
    assert outcomes(judge, rules=['any "hole 孔" longer than 5 px -> reject'])[0] == "reject"
    assert outcomes(judge, rules=["any scratch -> warn"])[0] == "warn"
    doubtful = {"rules": ["any scratch -> reject"], "inconclusive_below": 0.5}
    assert outcomes(judge, **doubtful)[0] == "inconclusive"
    assert outcomes(judge, minimum_area={"hole 孔": "25 px2", "scratch": "21 px2"})[0] == "accept"
    assert outcomes(judge, minimum_area={"hole 孔": "24 px2", "scratch": "21 px2"})[0] == "reject"


def test_objects_have_their_sizes_in_millimetres(folder) -> None:
    judge = TrialJudge(folder, LABELS, 0)
    (hole, scratch) = judge.judge(settings(pixel_size_mm=0.5))[0].objects
    assert (hole.name, hole.length_mm, hole.width_mm, hole.area_mm2) == ("hole 孔", 3.0, 2.0, 6.0)
    assert scratch.length_mm == 10.0
    assert (hole.score, scratch.score) == pytest.approx((0.9, 0.4), abs=0.003)
    assert judge.judge(settings())[0].objects[0].length_mm is None


def test_other_rules_do_not_read_the_files_again(folder) -> None:
    judge = TrialJudge(folder, LABELS, 0)
    first = outcomes(judge)
    for index in (0, 1):
        judge.files.label_map_file(index).unlink()
    assert outcomes(judge) == first
    assert outcomes(judge, rules=["any scratch -> warn"])[0] == "warn"
    assert judge.judge(settings(pixel_size_mm=0.1))[0].objects[0].length_mm == 0.6
    assert outcomes(TrialJudge(folder, LABELS, 0))[0] is None  # another one reads


def test_what_could_not_be_judged_says_why(folder) -> None:
    judged = TrialJudge(folder, LABELS, 0).judge(settings())
    assert judged[2].problem == "It cannot be read."
    assert "000003.png" in judged[3].problem


def test_other_rules_take_milliseconds(folder, tmp_path) -> None:
    files = TrialFiles(folder)
    label_map = files.label_map(0)
    for index in range(10, 210):
        files.write(TrialRecord(index, tmp_path / f"{index}.png"), label_map=label_map)
    judge = TrialJudge(folder, LABELS, 0)
    outcomes(judge)
    took = []
    for limit in (3, 4, 5, 6, 7):
        started = time.perf_counter()
        outcomes(judge, rules=[f"any scratch longer than {limit} px -> reject"])
        took.append(time.perf_counter() - started)
    assert min(took) < 0.15  # 200 images, on a machine that does other things, too


def test_the_labels_say_which_parts_are_defective(tmp_path) -> None:
    project = make_project(tmp_path / "项目", train=1, val=3)
    rows = project.images(ImageQuery(subset="val"))
    clean = np.zeros((96, 128), np.uint8)
    clean[:4] = 255  # ignored is no defect
    project.save_label_map(rows[0].id, clean, state="labelled")
    project.clear_label_map(rows[1].id)
    found = LabelledDefects(project, "background").find()
    assert found == {rows[0].path: False, rows[2].path: True}
    assert LabelledDefects(project, None).find()[rows[0].path] is True
    project.close()


def test_a_defect_outside_of_what_is_inspected_is_none(tmp_path) -> None:
    project = make_project(tmp_path / "项目", train=1, val=2)
    first, second = project.images(ImageQuery(subset="val"))
    mask = np.zeros((96, 128), np.uint8)
    mask[10:20, 10:20] = 1
    project.save_label_map(first.id, mask, state="labelled")
    mask = mask.copy()
    mask[60:70, 100:110] = 2
    project.save_label_map(second.id, mask, state="labelled")
    defects = LabelledDefects(project, "background")
    corner = ((0.0, 0.0), (30.0, 0.0), (30.0, 30.0), (0.0, 30.0))
    assert defects.find() == {first.path: True, second.path: True}
    assert defects.find(InspectedArea(dont_care=(corner,))) == {
        first.path: False,
        second.path: True,
    }
    assert defects.find(InspectedArea(regions=(((50.0, 0.0), (99.0, 0.0), (99.0, 95.0)),))) == {
        first.path: False,
        second.path: False,
    }
    project.save_label_map(first.id, np.flipud(mask).copy(), state="labelled")
    assert defects.find(InspectedArea(dont_care=(corner,)))[first.path] is True
    project.close()
