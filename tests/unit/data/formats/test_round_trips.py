"""Every format gives back the label maps that were written to it."""

from __future__ import annotations

import numpy as np
import pytest
from format_samples import COLORS, LABELS, assert_same, label_maps, masks_by_name, sample

from core.data.formats import ImportResult, labelme, registry
from core.data.formats.detection import detect_format
from core.project import Project
from core.system.errors import InputError

EXACT = ["seg", "labelme", "coco", "voc", "masks", "cityscapes", "cvat", "eiseg"]


def without_ignored(maps):
    return {name: np.where(mask == 255, 0, mask) for name, mask in maps.items()}


@pytest.mark.parametrize("key", EXACT)
def test_label_maps_come_back_exactly(tmp_path, key):
    target = tmp_path / "导出 out"
    written = registry.write(key, sample(tmp_path / "in"), target)
    assert written.messages in ([], list(_renamed(key)))
    back = registry.read(key, target)
    assert_same(back, label_maps())
    assert [name.replace("_", " ").strip() for name in back.labels] == LABELS
    if key != "labelme":  # it has no colours
        assert back.colors[1:] == COLORS[1:] or key == "cityscapes"
    assert back.report.messages == []


def _renamed(key):
    from core.system.messages import message

    if key == "eiseg":
        yield message(
            "EISeg allows no spaces in names: {before} becomes {after}.",
            before="凹 坑",
            after="凹_坑",
        )


@pytest.mark.parametrize("key", ["seg", "coco", "voc", "masks", "cityscapes", "yolo", "cvat"])
def test_subsets_come_back(tmp_path, key):
    registry.write(key, sample(tmp_path / "in"), tmp_path / "out")
    back = registry.read(key, tmp_path / "out")
    subsets = {item.image_path.stem.split("_")[0]: item.subset for item in back.items}
    assert subsets == {"环 rings": "train", "holes": "val", "noise": "train", "empty": "test"}


@pytest.mark.parametrize("key", [one.key for one in registry.WRITABLE])
def test_what_is_written_is_recognised(tmp_path, key):
    registry.write(key, sample(tmp_path / "in"), tmp_path / "out")
    expected = {"coco-polygons": "coco", "masks": "seg"}.get(key, key)
    assert detect_format(tmp_path / "out") == expected


def test_yolo_is_exact_but_for_ignored_pixels_and_says_so(tmp_path):
    (lost,) = registry.write("yolo", sample(tmp_path / "in"), tmp_path / "out").messages
    assert "3 masks have ignored pixels" in str(lost)
    back = registry.read("yolo", tmp_path / "out")
    assert back.labels == LABELS
    assert_same(back, without_ignored(label_maps()))


def test_coco_outlines_are_within_a_pixel(tmp_path):
    import cv2

    mask = np.zeros((60, 80), np.uint8)
    cv2.circle(mask, (30, 30), 20, 1, -1)
    cv2.circle(mask, (30, 30), 9, 0, -1)
    cv2.rectangle(mask, (60, 5), (75, 40), 2, -1)
    written = registry.write("coco-polygons", sample(tmp_path / "in", {"a": mask}), tmp_path / "o")
    (lost,) = written.messages
    assert "within a pixel" in str(lost)
    found = masks_by_name(registry.read("coco", tmp_path / "o"))["a"]
    for value in (0, 1, 2):
        core = cv2.erode((mask == value).astype(np.uint8), np.ones((3, 3)), borderValue=1)
        assert (found[core > 0] == value).all()
    assert (found != mask).any()  # not the run lengths by mistake


def test_a_first_class_that_is_no_background_is_kept(tmp_path):
    mask = np.array([[0, 1], [1, 0]], np.uint8).repeat(6, 0).repeat(6, 1)
    for key in (*EXACT, "yolo"):
        source = sample(tmp_path / key / "in", {"a": mask})
        result = ImportResult(source.items, ["road", "car"], COLORS[:2])
        registry.write(key, result, tmp_path / key / "out")
        back = registry.read(key, tmp_path / key / "out")
        found = masks_by_name(back)["a"]
        if key == "eiseg":  # its class 0 is the background, whatever it is called
            assert back.labels == ["road", "car"]
        names = np.array(back.labels)[found]
        assert (names == np.array(["road", "car"])[mask]).all(), key


def test_labelme_to_project_to_coco_to_project(tmp_path):
    maps = label_maps()
    registry.write("labelme", sample(tmp_path / "in"), tmp_path / "标注 lm")
    first = Project.create(tmp_path / "p 1", labels=LABELS)
    second = Project.create(tmp_path / "p 2", labels=LABELS)
    with first, second:
        assert first.import_result(labelme.read(tmp_path / "标注 lm")).masks == 4
        assert registry.write("coco", first.labelled_dataset(), tmp_path / "coco").messages == []
        report = second.import_result(registry.read("coco", tmp_path / "coco"), copy=True)
        assert (report.added, report.masks, report.lost) == (4, 4, ())
        assert_same(second.labelled_dataset(), maps)
        assert second.undo_last_import() is not None
        assert second.counts().total == 0


@pytest.mark.parametrize("key", [one.key for one in registry.WRITABLE])
def test_nothing_is_overwritten_and_nothing_is_left_of_a_failure(tmp_path, key):
    result = sample(tmp_path / "in")
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        registry.write(key, result, full)
    assert [path.name for path in full.iterdir()] == ["mine.txt"]
    with pytest.raises(InputError, match="no image with a mask"):
        registry.write(key, ImportResult([], ["background", "a"], COLORS[:2]), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_images_of_one_name_get_names_of_their_own(tmp_path):
    maps = {"a": np.full((4, 5), 1, np.uint8)}
    one, two = sample(tmp_path / "1", maps), sample(tmp_path / "2", maps)
    both = ImportResult([*one.items, *two.items], LABELS, COLORS)
    for one in registry.WRITABLE:
        registry.write(one.key, both, tmp_path / one.key)
        if one.read is not None:
            assert len(registry.read(one.key, tmp_path / one.key).items) == 2, one.key


def test_an_unknown_format_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"no format tiff here; choose one of seg, labelme"):
        registry.read("tiff", tmp_path)
    with pytest.raises(InputError, match="cityscapes-train-ids here"):
        registry.write("cityscapes-train-ids", sample(tmp_path / "in"), tmp_path / "out")
