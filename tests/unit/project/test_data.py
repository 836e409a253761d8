"""Splits, statistics, findings, revisions and exports of a project."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from project_samples import SIZE, labelled, mask, mask_file, project, set_group, write_images

from core.data.formats import paddlex_seg
from core.data.validation import validate_folder
from core.datasets import open_data_folder
from core.images.io import read_mask
from core.project import ImageQuery, Project
from core.system.errors import InputError

__all__ = ["project"]


@pytest.fixture
def split_project(project: Project, tmp_path: Path) -> Project:
    """Six training and two validation images with all classes, and one without a subset."""
    labelled(project, write_images(tmp_path / "图 a", 6), 0, 1, 2)
    labelled(project, write_images(tmp_path / "图 a", 2, prefix="v"), 0, 1, 255, subset="val")
    labelled(project, write_images(tmp_path / "图 a", 1, prefix="free"), 0, 2, subset="none")
    return project


def codes(project: Project, **arguments) -> list[str]:
    return [finding.code for finding in project.findings(**arguments)]


def test_a_split_keeps_groups_together_and_remembers_them(project: Project, tmp_path: Path) -> None:
    for part in range(8):
        labelled(project, write_images(tmp_path / "i", 3, prefix=f"part{part}_"), 0, 1)
    counts = project.split(val=0.25, test=0.25, group=r"(part\d+)_", seed=3)
    assert counts.counts == {"train": 12, "val": 6, "test": 6}
    rows = project.images()
    assert {row.group for row in rows} == {f"part{part}" for part in range(8)}
    for part in range(8):
        assert len({row.subset for row in rows if row.group == f"part{part}"}) == 1
    first = {row.id: row.subset for row in rows}
    assert project.split(val=0.25, test=0.25, seed=3).counts == counts.counts
    assert {row.id: row.subset for row in project.images()} == first
    project.split(val=0.25, test=0.25, seed=4)
    assert {row.id: row.subset for row in project.images()} != first


def test_a_split_that_keeps_sends_new_images_to_their_group(
    project: Project, tmp_path: Path
) -> None:
    labelled(project, write_images(tmp_path / "i", 2, prefix="a_"), 0, 1, subset="test")
    labelled(project, write_images(tmp_path / "i", 2, prefix="b_"), 0, 1, subset="train")
    labelled(project, write_images(tmp_path / "i", 4, prefix="a_"), 0, 2, subset="none")
    labelled(project, write_images(tmp_path / "i", 4, prefix="c_"), 0, 2, subset="none")
    counts = project.split(val=0.5, test=0, group=r"([abc])_\d", keep=("train", "val", "test"))
    of = {row.name: row.subset for row in project.images()}
    assert {of[f"a_{number}.png"] for number in range(4)} == {"test"}
    assert {of[f"b_{number}.png"] for number in range(2)} == {"train"}
    assert len({of[f"c_{number}.png"] for number in range(4)}) == 1
    assert sum(counts.counts.values()) == 10


def test_a_split_shows_rare_classes_in_every_subset(project: Project, tmp_path: Path) -> None:
    labelled(project, write_images(tmp_path / "i", 30, prefix="common"), 0, 1)
    labelled(project, write_images(tmp_path / "i", 3, prefix="rare"), 0, 2)
    project.split(val=0.1, test=0.1)
    for subset in ("train", "val", "test"):
        assert project.class_counts(ImageQuery(subset=subset))[2] == 1


def test_splits_that_cannot_be_made(project: Project, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No image has a mask"):
        project.split(val=0.2, test=0)
    labelled(project, write_images(tmp_path / "i", 3), 0, 1)
    before = [row.subset for row in project.images()]
    for arguments, text in (
        ({"val": 0.7, "test": 0.5}, "share"),
        ({"val": 0.2, "test": 0.0, "group": "("}, "regular expression"),
        ({"val": 0.2, "test": 0.0, "group": "xyz"}, "matches no image"),
    ):
        with pytest.raises(InputError, match=text):
            project.split(**arguments)
    assert [row.subset for row in project.images()] == before


def test_statistics_agree_with_those_of_the_written_folder(
    split_project: Project, tmp_path: Path
) -> None:
    folder = split_project.create_revision().write_data_folder(tmp_path / "dataset")
    counted = split_project.statistics()
    assert counted == validate_folder(folder).statistics
    assert counted.images == {"train": 6, "val": 2}
    assert counted.class_images["val"] == (2, 2, 0)
    pixels = SIZE[0] * SIZE[1]
    assert counted.ignored_pixels == {"train": 0, "val": 2 * pixels // 3}


def test_statistics_before_a_split_and_without_drafts(project: Project, tmp_path: Path) -> None:
    assert project.statistics().images == {}
    labelled(project, write_images(tmp_path / "i", 4), 0, 1, subset="none")
    assert project.statistics().images == {"train": 4}
    project.set_state(project.image_ids()[:1], "draft")
    project.set_subset(project.image_ids()[1:2], "val")
    assert project.statistics().images == {"val": 1}


def test_findings_name_what_is_wrong(split_project: Project, tmp_path: Path) -> None:
    assert "missing_image" not in codes(split_project)
    rows = split_project.images()
    rows[0].path.unlink()
    mask_path = mask_file(split_project, rows[8].mask_hash)
    mask_path.unlink()
    set_group(split_project, [rows[1].id, rows[7].id], "strip 7")
    split_project.set_state([rows[2].id], "draft")
    split_project.add_images(write_images(tmp_path / "more", 2, prefix="new"))
    split_project.save_label_map(rows[3].id, mask(255))
    seen: list[tuple[int, int]] = []
    found = {
        finding.code: finding
        for finding in split_project.findings(progress=lambda *at: seen.append(at))
    }
    assert found["missing_image"].file == rows[0].path
    assert found["missing_mask"].severity == "error"
    assert found["group_across_splits"].count == 2
    assert "strip 7" in str(found["group_across_splits"].message)
    assert found["draft_masks"].count == 1
    assert found["unlabelled_images"].count == 2
    assert found["all_ignored"].file == rows[3].path
    assert found["images_without_subset"].count == 1
    assert "tiny_subset" in found
    assert seen[-1] == (11, 11)
    severities = [finding.severity for finding in split_project.findings()]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)


def test_equal_images_in_two_subsets_are_found(split_project: Project, tmp_path: Path) -> None:
    rows = split_project.images(ImageQuery(subset="train"))
    copy = tmp_path / "copy of 图.png"
    copy.write_bytes(rows[0].path.read_bytes())
    labelled(split_project, [copy], 0, 1, subset="val")
    assert "duplicate_across_splits" not in codes(split_project)
    found = {finding.code: finding for finding in split_project.findings(compare_content=True)}
    assert found["duplicate_across_splits"].count == 2
    assert copy.name in str(found["duplicate_across_splits"].message)
    split_project.set_subset([split_project.find_image(copy)], "train")
    after = codes(split_project, compare_content=True)
    assert "duplicate_in_subset" in after
    assert "duplicate_across_splits" not in after


def test_a_revision_is_frozen_and_equal_content_is_the_same(split_project: Project) -> None:
    revision = split_project.create_revision()
    assert revision.counts == {"train": 6, "val": 2, "test": 0}
    assert split_project.create_revision() == revision
    image_id = split_project.image_ids(ImageQuery(subset="train"))[0]
    old = split_project.label_map(image_id)
    split_project.save_label_map(image_id, mask(0, 2, 1))
    changed = split_project.create_revision()
    assert changed.hash != revision.hash
    split_project.rename_class(1, "kratzer")
    assert split_project.create_revision().hash != changed.hash
    split_project.remove_images([image_id])
    split_project.collect_garbage()
    again = split_project.revision(revision.id)
    assert again == revision
    index = [item.image.name for item in again.items].index("im0.png")
    np.testing.assert_array_equal(read_mask(again.items[index].mask), old)
    with pytest.raises(KeyError):
        split_project.revision(99)


def test_a_subset_tells_revisions_apart(split_project: Project) -> None:
    revision = split_project.create_revision()
    one = split_project.image_ids(ImageQuery(subset="train"))[:1]
    split_project.set_subset(one, "test")
    assert split_project.create_revision().hash != revision.hash
    split_project.set_subset(one, "train")
    assert split_project.create_revision().id == revision.id


def test_a_revision_needs_classes_and_subsets(project: Project, tmp_path: Path) -> None:
    labelled(project, write_images(tmp_path / "i", 2), 0, 1)
    with pytest.raises(InputError, match="subset val: split"):
        project.create_revision()
    assert project.create_revision(needed=("train",)).counts["train"] == 2
    project.set_state(project.image_ids(), "draft")
    with pytest.raises(InputError, match="subset train"):
        project.create_revision(needed=("train",))
    with (
        Project.create(tmp_path / "q", labels=["only"], background=False) as single,
        pytest.raises(InputError, match="two classes"),
    ):
        single.create_revision()


def test_the_written_folder_is_what_the_engine_reads(
    split_project: Project, tmp_path: Path
) -> None:
    split_project.order_classes([2, 1, 0])
    split_project.recolor_class(1, (1, 2, 3))
    revision = split_project.create_revision()
    folder = revision.write_data_folder(tmp_path / "运行 1" / "dataset")
    data = open_data_folder(folder)
    assert data.labels == ("background", "scratch", "dent")
    assert data.colors[1] == (1, 2, 3)
    assert {subset: len(items) for subset, items in data.subsets.items()} == {"train": 6, "val": 2}
    for item in data.subsets["train"]:
        image_id = split_project.find_image(item.image)
        assert image_id is not None
        np.testing.assert_array_equal(read_mask(item.mask), split_project.label_map(image_id))
    assert json.loads((folder / "revision.json").read_text()) == {"hash": revision.hash}
    with pytest.raises(InputError, match="not empty"):
        revision.write_data_folder(folder)


def test_a_reader_gets_a_revision_with_its_own_masks(
    split_project: Project, tmp_path: Path
) -> None:
    with Project.open(split_project.folder, read_only=True) as reader:
        revision = reader.create_revision()
        assert revision.id is None
    stored = split_project.create_revision()
    assert stored.hash == revision.hash
    folder = revision.write_data_folder(tmp_path / "dataset")
    items = open_data_folder(folder).subsets["train"]
    assert all(item.mask.is_relative_to(folder) and item.mask.is_file() for item in items)


def test_what_is_exported_comes_back_the_same(split_project: Project, tmp_path: Path) -> None:
    twin = write_images(tmp_path / "other place", 1)
    labelled(split_project, twin, 0, 2, subset="val")
    split_project.images(ImageQuery(subset="train"))[0].path.unlink()
    written = paddlex_seg.write(split_project.labelled_dataset(), tmp_path / "导出 out")
    assert len(written.messages) == 1
    assert not validate_folder(tmp_path / "导出 out").counts().get("missing_file")
    with Project.create(tmp_path / "q") as back:
        report = back.import_data_folder(tmp_path / "导出 out")
        assert report.lost == ()
        assert back.counts().by_subset == {"train": 6, "val": 3, "test": 0, "none": 0}
        assert back.labels() == split_project.labels()
        originals = {row.mask_hash for row in split_project.images()}
        assert {row.mask_hash for row in back.images()} <= originals
