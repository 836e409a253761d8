"""Segment Anything's JSON: masks without classes become one class, which is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from format_samples import save_image
from pycocotools import mask as coco_mask

from core.data.formats import segment_anything
from core.data.formats.detection import detect_format
from core.system.errors import InputError

SIZE = (20, 30)
FIRST = (np.random.default_rng(4).random(SIZE) < 0.3).astype(np.uint8)
SECOND = (np.random.default_rng(5).random(SIZE) < 0.3).astype(np.uint8)


def write(folder, number, *segmentations, width=SIZE[1]):
    name = f"sa_{number}.jpg"
    save_image(folder / name, SIZE)
    entry = {"image_id": number, "width": width, "height": SIZE[0], "file_name": name}
    masks = [
        {"id": n, "segmentation": one, "predicted_iou": 0.9, "stability_score": 0.9, "area": 1}
        for n, one in enumerate(segmentations)
    ]
    data = {"image": entry, "annotations": masks}
    (folder / f"sa_{number}.json").write_text(json.dumps(data))


def rle(mask):
    encoded = coco_mask.encode(np.asfortranarray(mask))
    return {"size": list(SIZE), "counts": encoded["counts"].decode()}


def test_all_masks_are_one_class_and_that_is_said(tmp_path):
    write(tmp_path, 1, rle(FIRST), rle(SECOND))
    write(tmp_path, 2, {"size": [1, 1], "counts": "1"})
    save_image(tmp_path / "sa_3.jpg", SIZE)
    assert detect_format(tmp_path) == "sam"
    result = segment_anything.read(tmp_path)
    assert result.labels == ["background", "object"]
    np.testing.assert_array_equal(result.items[0].mask(), FIRST | SECOND)
    assert [one.mask is not None for one in result.items] == [True, False, False]
    said = "\n".join(map(str, result.report.messages))
    for part in ("its 2 masks become one class", "2 images have no usable", "type segmentation"):
        assert part in said


def test_one_file_alone_is_read(tmp_path):
    write(tmp_path, 1, rle(FIRST))
    write(tmp_path, 2, rle(SECOND))
    path = tmp_path / "sa_2.json"
    assert detect_format(path) == "sam"
    result = segment_anything.read(path)
    assert [item.image_path.name for item in result.items] == ["sa_2.jpg"]
    np.testing.assert_array_equal(result.items[0].mask(), SECOND)


def test_another_size_is_refused(tmp_path):
    write(tmp_path, 1, rle(FIRST), width=31)
    with pytest.raises(InputError, match="31×20"):
        segment_anything.read(tmp_path)
