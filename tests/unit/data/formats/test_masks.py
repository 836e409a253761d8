"""VOC folders, plain masks and EISeg's: names of classes, colours, pairs."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from core.data.formats import eiseg, index_masks, voc
from core.data.formats.detection import detect_format
from core.data.formats.voc import voc_palette
from core.images.io import write_image, write_mask
from core.system.errors import InputError

MASK = np.array([[0, 1, 2, 255], [2, 2, 0, 0], [1, 0, 0, 255]], np.uint8)


def save_image(path: Path, size=(3, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.zeros((*size, 3), np.uint8))


def save_mask(path: Path, mask=MASK, palette=None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mask(path, mask, palette=palette)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "数据 集"


@pytest.fixture
def voc_folder(folder):
    for name in ("a", "b"):
        save_image(folder / "JPEGImages" / f"{name}.jpg")
        save_mask(folder / "SegmentationClass" / f"{name}.png", palette=[(0, 0, 0), (9, 8, 7)])
    (folder / "Annotations").mkdir()  # VOC's boxes: this is still no PaddleX folder
    return folder


def mask_of(result, place=0):
    return result.items[place].mask()


def test_voc_without_names_has_the_twenty_classes(voc_folder):
    assert detect_format(voc_folder) == "voc"
    result = voc.read(voc_folder)
    assert result.labels[:3] == ["background", "aeroplane", "bicycle"]
    assert len(result.labels) == 21
    assert result.colors[1] == (9, 8, 7)
    assert "taken to be background … tvmonitor" in str(result.report.messages[0])
    np.testing.assert_array_equal(mask_of(result), MASK)
    save_mask(voc_folder / "SegmentationClass" / "b.png", MASK.clip(0, 2) * 15)
    assert voc.read(voc_folder).labels[-1] == "30"


def test_voc_lists_give_subsets_and_what_is_missing_is_told(voc_folder):
    lists = voc_folder / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "val.txt").write_text("b\na\ngone\n../../x\n")
    save_image(voc_folder / "JPEGImages" / "c.jpg")
    (lists / "test.txt").write_text("c\n")
    save_mask(voc_folder / "SegmentationClass" / "alone.png")
    (voc_folder / "labels.txt").write_text("background\nx\ny\n")
    result = voc.read(voc_folder)
    assert [(i.image_path.stem, i.subset, i.mask is None) for i in result.items] == [
        ("a", "train", False),
        ("b", "val", False),
        ("c", "test", True),
    ]
    texts = " | ".join(str(problem) for problem in result.report.messages)
    for words in ("outside its folder", "image gone of", "alone.png has no image", "c.jpg has no"):
        assert words in texts
    assert len(result.report.messages) == 4


def test_voc_masks_in_colours(voc_folder):
    (voc_folder / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\n零件:10,20,30::\ny:200,0,0::\n"
    )
    colors = np.array([[0, 0, 0], [10, 20, 30], [200, 0, 0]], np.uint8)
    rgb = colors[np.where(MASK == 255, 0, MASK)]
    rgb[MASK == 255] = (224, 224, 192)
    for name in ("a", "b"):
        Image.fromarray(rgb).save(voc_folder / "SegmentationClass" / f"{name}.png")
    result = voc.read(voc_folder)
    assert result.labels == ["background", "零件", "y"]
    np.testing.assert_array_equal(mask_of(result), MASK)
    _, deep = cv2.imencode(".png", rgb[..., ::-1].astype(np.uint16) * 257)
    (voc_folder / "SegmentationClass" / "a.png").write_bytes(deep.tobytes())
    np.testing.assert_array_equal(mask_of(voc.read(voc_folder)), MASK)
    rgb[0, 0] = (1, 1, 1)
    Image.fromarray(rgb).save(voc_folder / "SegmentationClass" / "a.png")
    with pytest.raises(InputError, match=r"colour 1, 1, 1"):
        mask_of(voc.read(voc_folder))
    (voc_folder / "labelmap.txt").write_text("background 0 0 0\n")
    with pytest.raises(InputError, match="no name with a colour"):
        voc.read(voc_folder)


def test_the_colours_of_voc():
    palette = voc_palette(21)
    assert palette[:4] == [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
    assert palette[15] == (192, 128, 128)
    assert palette[20] == (0, 64, 128)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("a.jpg", "a.png"),
        ("a.png", "a_mask.png"),
        ("原图/a.jpg", "GT/a.bmp"),
        ("images/train/a.tif", "masks/train/a.png"),
        ("x/a.png", "x/labels/a_label.tif"),
    ],
)
def test_masks_are_found_beside_and_in_folders(folder, image, mask):
    save_image(folder / image)
    (folder / mask).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(MASK).save(folder / mask)
    result = index_masks.read(folder)
    assert [item.image_path for item in result.items] == [folder / image]
    np.testing.assert_array_equal(mask_of(result), MASK)
    assert result.labels == ["0", "1", "2"]


def test_black_and_white_masks_are_one_class(folder):
    save_image(folder / "a.jpg")
    white = np.where(MASK == 1, 255, 0).astype(np.uint8)
    Image.fromarray(white).save(folder / "a.png")
    assert detect_format(folder) == "masks"
    result = index_masks.read(folder)
    assert result.labels == ["background", "foreground"]
    assert "255 is taken as a class" in str(result.report.messages[0])
    np.testing.assert_array_equal(mask_of(result), MASK == 1)


def test_values_far_apart_make_few_classes_and_names_come_from_a_file(folder):
    save_image(folder / "a.jpg")
    Image.fromarray(MASK.clip(0, 2) * 60).save(folder / "a.png")
    result = index_masks.read(folder)
    assert result.labels == ["0", "60", "120"]
    np.testing.assert_array_equal(mask_of(result), MASK.clip(0, 2))
    save_mask(folder / "a.png")
    (folder / "labels.txt").write_text("背景\n甲\n乙\n", encoding="utf-8")
    result = index_masks.read(folder)
    assert result.labels == ["背景", "甲", "乙"]
    np.testing.assert_array_equal(mask_of(result), MASK)


def test_a_mask_of_another_size_and_images_without_one(folder):
    for name in ("a", "b"):
        save_image(folder / f"{name}.jpg", size=(5, 5))
    save_mask(folder / "a.png")
    result = index_masks.read(folder)
    assert [str(p) for p in result.report.messages if "has no mask" in str(p)] == [
        f"{folder / 'b.jpg'} has no mask."
    ]
    with pytest.raises(InputError, match=r"4×3 pixels but its image a.jpg has 5×5"):
        mask_of(result)


# EISeg


def polygon(name, index, points):
    return {"name": name, "labelIdx": index, "color": [1, 2, 3], "points": points}


@pytest.fixture
def eiseg_folder(folder):
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
