"""New labels get a subset by themselves; nothing that has one moves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from project_samples import labelled, mask, project, write_images

from core.images.io import write_image
from core.project import ImageQuery, Project

__all__ = ["project"]


def subsets(project: Project) -> dict[str, str]:
    return {row.name: row.subset for row in project.images()}


def label(project: Project, folder: Path, numbers, *, prefix: str = "im", classes=(0, 1)) -> None:
    paths = write_images(folder, max(numbers) + 1, prefix=prefix)
    labelled(project, [paths[number] for number in numbers], *classes, subset="none")


def test_nothing_happens_before_there_is_something_to_divide(project, tmp_path):
    label(project, tmp_path / "i", range(4))
    assert project.divide_new_labels() is None
    assert set(subsets(project).values()) == {"none"}
    label(project, tmp_path / "i", [4])
    division = project.divide_new_labels()
    assert division.counts == {"train": 4, "val": 1, "test": 0}
    assert project.divide_new_labels() is None


def test_drafts_and_images_without_labels_wait(project, tmp_path):
    label(project, tmp_path / "i", range(8))
    ids = project.image_ids()
    project.set_state(ids[:2], "draft")
    project.add_images(write_images(tmp_path / "j", 2, prefix="bare"))
    division = project.divide_new_labels()
    assert set(division.after) == set(ids[2:])


def test_later_labels_are_added_without_moving_any(project, tmp_path):
    label(project, tmp_path / "i", range(5))
    project.divide_new_labels()
    seen = subsets(project)
    for number in range(5, 40):
        label(project, tmp_path / "i", [number], classes=(0, 1 + number % 2))
        project.divide_new_labels()
        now = subsets(project)
        assert {name: now[name] for name in seen} == seen
        seen = now
    counts = project.counts().by_subset
    assert counts == {"train": 28, "val": 6, "test": 6, "none": 0}
    for subset in ("train", "val", "test"):  # the rarer class as well
        assert project.class_counts(ImageQuery(subset=subset))[2] >= 1


def test_ten_labels_all_teach_or_validate_and_thirty_spare_some_to_test(project, tmp_path):
    label(project, tmp_path / "i", range(10))
    assert project.divide_new_labels().counts == {"train": 8, "val": 2, "test": 0}
    label(project, tmp_path / "i", range(10, 29))
    assert project.divide_new_labels().counts["test"] == 0
    label(project, tmp_path / "i", range(29, 40))
    counts = project.divide_new_labels().counts
    assert counts["test"] == 6 and sum(counts.values()) == 40


def test_who_divides_without_a_test_set_gets_none_later(project, tmp_path):
    label(project, tmp_path / "i", range(10))
    project.divide_new_labels()
    project.split(val=0.2, test=0)
    label(project, tmp_path / "i", range(10, 40))
    assert project.divide_new_labels().counts["test"] == 0


def test_a_test_set_that_is_large_enough_is_closed(project, tmp_path):
    label(project, tmp_path / "i", range(200))
    first = project.divide_new_labels()
    assert first.counts == {"train": 140, "val": 30, "test": 30}
    label(project, tmp_path / "i", range(200, 240))
    second = project.divide_new_labels()
    assert second.counts == {"train": 174, "val": 36, "test": 30}


def test_a_set_that_came_without_a_test_set_gets_none(project, tmp_path):
    paths = write_images(tmp_path / "i", 20)
    labelled(project, paths[:8], 0, 1, subset="train")
    labelled(project, paths[8:10], 0, 1, subset="val")
    labelled(project, paths[10:], 0, 1, subset="none")
    assert project.divide_new_labels().counts == {"train": 17, "val": 3, "test": 0}


def test_what_the_user_took_out_stays_out(project, tmp_path):
    label(project, tmp_path / "i", range(6))
    project.divide_new_labels()
    ids = project.image_ids()
    project.set_subset(ids[:2], "none")
    assert project.divide_new_labels() is None
    assert "images_without_subset" not in [one.code for one in project.findings()]
    project.split(val=0.2, test=0.2)
    assert [row.subset for row in project.images_by_id(ids[:2])] == ["none", "none"]
    project.set_subset(ids[:2], "train")
    project.set_subset(ids, "none")
    assert sum(project.split(val=0.2, test=0.2).counts.values()) == 6, "or nothing would be left"


def test_a_division_is_undone_but_for_what_was_moved_since(project, tmp_path):
    label(project, tmp_path / "i", range(6))
    division = project.divide_new_labels()
    moved = next(iter(division.after))
    other = "val" if division.after[moved] != "val" else "train"
    project.set_subset([moved], other)
    project.undo_division(division)
    rows = {row.id: row.subset for row in project.images()}
    assert rows.pop(moved) == other and set(rows.values()) == {"none"}
    project.set_divides_itself(False)
    assert not project.divides_itself and project.divide_new_labels() is None
    project.set_divides_itself(True)
    assert project.divide_new_labels() is not None


def test_images_of_one_part_share_a_subset_now_and_later(project, tmp_path):
    names = [f"part_{part}_view_" for part in range(6)]
    for name in names:
        label(project, tmp_path / "i", range(2), prefix=name)
    project.divide_new_labels()
    for name in names[:2]:
        label(project, tmp_path / "i", [2], prefix=name)
    project.divide_new_labels()
    of = subsets(project)
    for name in names:
        assert len({of[f"{name}{n}.png"] for n in range(3) if f"{name}{n}.png" in of}) == 1
    assert set(of.values()) == {"train", "val"}
    assert all(row.group for row in project.images())


def texture(seed: int) -> np.ndarray:
    rough = np.random.default_rng(seed).normal(size=(12, 16)).astype(np.float32)
    grey = cv2.resize(rough, (96, 64), interpolation=cv2.INTER_CUBIC)
    return (
        cv2.normalize(grey, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)[..., None].repeat(3, 2)
    )


@pytest.fixture
def alike(project: Project, tmp_path: Path) -> Project:
    """Twelve images of which the first and the last look alike."""
    folder = tmp_path / "图 片"
    folder.mkdir()
    for number in range(12):
        image = texture(0 if number == 11 else number)
        if number == 11:
            image = np.clip(image.astype(int) + 9, 0, 255).astype(np.uint8)
        write_image(folder / f"{'abcdefghijkl'[number]}.png", image)
        project.add_images([folder / f"{'abcdefghijkl'[number]}.png"])
    for id_ in project.image_ids():
        project.save_label_map(id_, mask(0, 1, size=(96, 64)))
    return project


def test_images_that_look_alike_never_straddle_subsets(alike):
    alike.divide_new_labels()
    rows = {row.name: row for row in alike.images()}
    assert rows["a.png"].subset == rows["l.png"].subset
    assert rows["a.png"].group == rows["l.png"].group is not None
    assert rows["b.png"].group is None
    for seed in range(4):
        alike.split(val=0.3, test=0.3, seed=seed, find_groups=True)
        rows = {row.name: row for row in alike.images()}
        assert rows["a.png"].subset == rows["l.png"].subset


def test_a_pattern_does_not_part_what_looks_alike(alike):
    for seed in range(4):
        alike.split(val=0.3, test=0.3, seed=seed, group=r"(\w)\.png", find_groups=True)
        rows = {row.name: row for row in alike.images()}
        assert rows["a.png"].subset == rows["l.png"].subset
        assert (rows["a.png"].group, rows["l.png"].group) == ("a", "l")


def test_one_that_looks_like_another_follows_it(alike):
    last = next(row.id for row in alike.images() if row.name == "l.png")
    alike.set_state([last], "draft")
    alike.divide_new_labels()
    alike.set_state([last], "labelled")
    division = alike.divide_new_labels()
    first = next(row for row in alike.images() if row.name == "a.png")
    assert division.after == {last: first.subset}


def test_a_finding_tells_of_look_alikes_apart(alike):
    ids = alike.image_ids()
    alike.set_subset(ids, "train")
    alike.set_subset(ids[-1:], "val")
    codes = [one.code for one in alike.findings(compare_content=True)]
    assert codes.count("look_alike_across_splits") == 1
    alike.set_subset(ids, "train")
    assert "look_alike_across_splits" not in [
        one.code for one in alike.findings(compare_content=True)
    ]


def test_the_test_set_stays_where_a_split_keeps_it(project, tmp_path):
    label(project, tmp_path / "i", range(40))
    project.divide_new_labels()
    tested = project.image_ids(ImageQuery(subset="test"))
    for seed in range(3):
        counts = project.split(val=0.3, test=0.15, seed=seed, keep=("test",)).counts
        assert project.image_ids(ImageQuery(subset="test")) == tested
        assert counts == {"train": 22, "val": 12, "test": 6}
