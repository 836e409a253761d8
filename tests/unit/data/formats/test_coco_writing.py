"""What is written as COCO against pycocotools, which defines what its run lengths mean."""

from __future__ import annotations

import json

import numpy as np
from format_samples import LABELS, label_maps, sample
from pycocotools import mask as coco_mask

from core.data.formats import coco_writing


def test_written_run_lengths_are_pycocotools_own(tmp_path):
    maps = label_maps()
    coco_writing.write(sample(tmp_path / "in"), tmp_path / "out")
    data = json.loads((tmp_path / "out/annotations/instances_train.json").read_text("utf-8"))
    for image in data["images"]:
        mask = maps[image["file_name"].removesuffix(".png")]
        found = [one for one in data["annotations"] if one["image_id"] == image["id"]]
        drawn = np.zeros_like(mask)
        for one in found:
            part = coco_mask.decode(one["segmentation"])
            assert part.sum() == one["area"]
            assert coco_mask.toBbox(one["segmentation"]).tolist() == one["bbox"]
            assert (
                coco_mask.encode(np.asfortranarray(part))["counts"].decode()
                == (one["segmentation"]["counts"])
            )
            drawn[part > 0] = 255 if one["iscrowd"] else one["category_id"]
        np.testing.assert_array_equal(drawn, mask)
    names = {one["id"]: one["name"] for one in data["categories"]}
    assert names == {1: LABELS[1], 2: LABELS[2], 3: "__ignore__"}
