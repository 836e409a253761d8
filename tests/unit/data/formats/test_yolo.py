"""YOLO: outlines in text files."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.data.formats import yolo
from core.data.formats.detection import detect_format
from core.images.io import write_image
from core.system.errors import InputError

HEIGHT, WIDTH = 48, 64


@pytest.fixture
def yolo_folder(tmp_path):
    folder = tmp_path / "数据 yolo"
    for place in ("train/images", "train/labels", "valid/images", "valid/labels"):
        (folder / place).mkdir(parents=True)
    for place in ("train/images/a.jpg", "valid/images/b.jpg"):
        write_image(folder / place, np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    (folder / "data.yaml").write_text(
        "train: ../train/images\nval: /etc\nnc: 2\nnames: ['件', b]\n", encoding="utf-8"
    )
    (folder / "train/labels/a.txt").write_text(
        "0 0.1 0.1 0.8 0.1 0.8 0.75 0.1 0.75\n1 0.25 0.25 0.5 0.25 0.5 0.5\n"
    )
    (folder / "valid/labels/b.txt").write_text("")
    return folder


def test_yolo_as_roboflow_writes_it(yolo_folder):
    assert detect_format(yolo_folder) == "yolo"
    result = yolo.read(yolo_folder)
    assert result.labels == ["background", "件", "b"]
    assert [item.subset for item in result.items] == ["train", "val"]
    # What trainers do with it: shares times the size, cut to whole pixels.
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(expected, [np.array([[6, 4], [51, 4], [51, 36], [6, 36]])], 1)
    cv2.fillPoly(expected, [np.array([[16, 12], [32, 12], [32, 24]])], 2)
    np.testing.assert_array_equal(result.items[0].mask(), expected)
    assert not result.items[1].mask().any()


def test_yolo_boxes_and_damaged_lines_are_told(yolo_folder):
    (yolo_folder / "train/labels/a.txt").write_text(
        "0 .5 .5 .2 .2\n0 .1 .1 .9 .1 .9\n-1 0 0 1 0 1 1\nx\n0 nan 0 1 0 1 1\n0 0 0 1e9 0 1 1\n"
        "1 0 0 1 0 1 1\n"
    )
    (yolo_folder / "valid/labels/b.txt").write_text("2 0 0 1 0 1 1\n")
    result = yolo.read(yolo_folder)
    texts = [str(problem) for problem in result.report.messages]
    assert "a.txt has 1 box," in texts[0]
    assert texts[1].startswith("5 lines of") and "is line 2)" in texts[1]
    assert "names the class 2" in texts[2]
    assert [item.mask is None for item in result.items] == [False, True]
    assert set(np.unique(result.items[0].mask())) == {0, 2}


@pytest.mark.parametrize(
    "text", ["- 1", "names: 5", "names: {a: b}", "names: [[1]]", "names: !!python/object:x.y {}"]
)
def test_yolo_without_usable_names(yolo_folder, text):
    (yolo_folder / "data.yaml").write_text(text)
    with pytest.raises(InputError, match=r"data.yaml"):
        yolo.read(yolo_folder)


def test_yolo_names_by_number_and_beside_the_images(yolo_folder, tmp_path):
    (yolo_folder / "data.yaml").write_text("names: {0: 件, 2: c}")
    assert yolo.read(yolo_folder).labels == ["background", "件", "1", "c"]
    flat = tmp_path / "flat"
    flat.mkdir()
    write_image(flat / "a.png", np.zeros((8, 8, 3), np.uint8))
    (flat / "a.txt").write_text("1 0 0 1 0 1 1")
    result = yolo.read(flat)
    assert result.labels == ["background", "0", "1"]
    assert "no data.yaml" in str(result.report.messages[0])
