"""Images with masks of class indices beside them or in folders."""

from __future__ import annotations

import numpy as np
import pytest
from format_samples import MASK, mask_of, save_image, save_mask
from PIL import Image

from core.data.formats import index_masks
from core.data.formats.detection import detect_format
from core.system.errors import InputError


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "数据 集"


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
    assert "1 image has no annotation and stay unlabelled" in str(result.report.messages[-1])
    assert [(item.image_path.name, item.mask is None) for item in result.items] == [
        ("a.jpg", False),
        ("b.jpg", True),
    ]
    with pytest.raises(InputError, match=r"4×3 pixels but its image a.jpg has 5×5"):
        mask_of(result)
