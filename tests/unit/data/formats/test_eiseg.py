"""EISeg's grey masks, lists of polygons, and COCO."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from format_samples import mask_of, save_image
from PIL import Image

from core.data.formats import eiseg
from core.data.formats.detection import detect_format
from core.system.errors import InputError


def polygon(name, index, points):
    return {"name": name, "labelIdx": index, "color": [1, 2, 3], "points": points}


@pytest.fixture
def eiseg_folder(tmp_path):
    folder = tmp_path / "数据 集"
    save_image(folder / "a.png", (20, 30))
    label = folder / "label"
    label.mkdir()
    shapes = [
        polygon("高", 2, [[5.7, 5.2], [20.9, 5.0], [20.0, 15.0]]),
        polygon("low", 1, [[0, 0], [25, 0], [25, 18], [0, 18]]),
    ]
    (label / "a.json").write_text(json.dumps(shapes))
    return folder


def test_eiseg_polygons_are_drawn_class_by_class(eiseg_folder):
    assert detect_format(eiseg_folder) == "eiseg"
    result = eiseg.read(eiseg_folder)
    assert result.labels == ["background", "low", "高"]
    expected = np.zeros((20, 30), np.uint8)
    cv2.fillPoly(expected, [np.array([[0, 0], [25, 0], [25, 18], [0, 18]])], 1)
    cv2.fillPoly(expected, [np.array([[5, 5], [20, 5], [20, 15]])], 2)
    np.testing.assert_array_equal(mask_of(result), expected)
    (eiseg_folder / "label" / "autosave_label.txt").write_text("2 高 9 8 7 \n1 low 1 1 1 \nbad\n")
    result = eiseg.read(eiseg_folder)
    assert (mask_of(result)[:19, :26] == 1).all()  # the list's last row lies on top
    assert result.colors[2] == (9, 8, 7)


def test_eiseg_masks_count_before_polygons_and_pictures_do_not(eiseg_folder):
    label = eiseg_folder / "label"
    mask = np.zeros((20, 30), np.uint8)
    mask[3:9] = 7
    mask[10] = 255
    Image.fromarray(mask).save(label / "a.png")
    save_image(label / "a_pseudo.png", (20, 30))
    save_image(label / "a_cutout.png", (20, 30))
    (label / "autosave_label.txt").write_text("7 零 件 1 2 3 \n")
    result = eiseg.read(eiseg_folder)
    assert result.labels == ["background", "low", "高", "零 件"]
    expected = np.where(mask == 7, 3, mask)
    np.testing.assert_array_equal(mask_of(result), expected)
    mask[0] = 8
    Image.fromarray(mask).save(label / "a.png")
    with pytest.raises(InputError, match="holds 8, which is no class"):
        mask_of(eiseg.read(eiseg_folder))


def test_eiseg_names_with_the_original_suffix_and_its_coco(eiseg_folder):
    label = eiseg_folder / "label"
    (label / "a.json").rename(label / "a.png.json")
    assert eiseg.read(eiseg_folder).items[0].image_path.name == "a.png"
    (label / "a.png.json").unlink()
    points = [2.0, 2.0, 12.0, 2.0, 12.0, 12.0, 2.0, 12.0]
    data = {
        "categories": [{"id": 1, "name": "low", "color": [4, 5, 6]}],
        "images": [{"id": 1, "file_name": "a.png", "width": 30, "height": 20}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [points]}],
    }
    (label / "annotations.json").write_text(json.dumps(data))
    for result in (eiseg.read(eiseg_folder),):
        assert result.labels == ["background", "low"]
        assert mask_of(result).sum() == 100
    assert detect_format(eiseg_folder) == "coco"


@pytest.mark.parametrize(
    "shape",
    [
        polygon("a", "1", [[1, 1]]),
        polygon("a", 900, [[1, 1]]),
        polygon("a", 1, [[1, float("nan")]]),
        polygon("a", 1, [[1, 1e9]]),
        polygon(None, 1, [[1, 2]]),
        polygon("a", 1, 5),
    ],
)
def test_eiseg_with_values_it_never_writes(eiseg_folder, shape):
    (eiseg_folder / "label" / "a.json").write_text(json.dumps([shape]))
    with pytest.raises(InputError, match="lacks a label or points"):
        eiseg.read(eiseg_folder)
