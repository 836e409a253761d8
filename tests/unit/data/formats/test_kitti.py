"""KITTI's folders: Cityscapes' ids in training, no masks in testing."""

from __future__ import annotations

import numpy as np
import pytest
from format_samples import save_image, save_mask

from core.data.formats import kitti
from core.data.formats.detection import detect_format
from core.system.errors import InputError

MAP = np.array([[0, 7, 7, 26], [0, 7, 0, 0], [0, 0, 0, 255]], np.uint8)


def test_ids_are_cityscapes_and_testing_is_unlabelled(tmp_path):
    save_image(tmp_path / "training" / "image_2" / "000000_10.png")
    save_mask(tmp_path / "training" / "semantic" / "000000_10.png", MAP)
    save_image(tmp_path / "testing" / "image_2" / "000000_10.png")
    assert detect_format(tmp_path) == "kitti"
    result = kitti.read(tmp_path)
    assert (result.labels[7], result.labels[26]) == ("road", "car")
    assert [item.subset for item in result.items] == ["train", "test"]
    np.testing.assert_array_equal(result.items[0].mask(), MAP)
    assert result.items[1].mask is None
    assert ["1 image has no usable" in str(text) for text in result.report.messages] == [True]
    assert detect_format(tmp_path / "training") == "kitti"
    assert len(kitti.read(tmp_path / "training").items) == 1


def test_without_masks_it_is_one_sentence(tmp_path):
    save_image(tmp_path / "training" / "image_2" / "000000_10.png")
    assert detect_format(tmp_path) == "images"
    with pytest.raises(InputError, match="no KITTI folder"):
        kitti.read(tmp_path)
