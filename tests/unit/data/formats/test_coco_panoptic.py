"""COCO panoptic: segments in colours, what belongs to none, crowds, PNGs that are elsewhere."""

from __future__ import annotations

import json

import numpy as np
import pytest
from format_samples import mask_of, save_image
from PIL import Image

from core.data.formats import coco, coco_panoptic
from core.data.formats.detection import detect_format
from core.system.errors import InputError

IDS = {0: 0, 1: 7 + 256 * 3 + 65536, 2: 258, 3: 9}
MAP = np.array([[0, 1, 1, 2], [0, 1, 2, 2], [3, 3, 0, 0]], np.uint8)
SHAPE = MAP.shape


def save_ids(path, mask=MAP) -> None:
    ids = np.vectorize(IDS.get)(mask)
    pixels = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def segment(value, category, **more):
    return {"id": IDS[value], "category_id": category, "iscrowd": 0, **more}


def write(root, annotations, *, stuff=1, name="panoptic_val2017"):
    images = sorted({one["image_id"] for one in annotations} | {1})
    height, width = SHAPE
    data = {
        "images": [
            {"id": id_, "file_name": f"{id_}.jpg", "width": width, "height": height}
            for id_ in images
        ],
        "annotations": annotations,
        "categories": [
            {"id": 90, "name": "沙 sand", "isthing": stuff, "color": [1, 2, 3]},
            {"id": 5, "name": "crack", "isthing": 1},
        ],
    }
    path = root / "annotations" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
    for id_ in images:
        save_image(root / "val2017" / f"{id_}.jpg", SHAPE)
    return path


def entry(image_id=1, **more):
    segments = [segment(1, 90), segment(2, 5), segment(3, 5)]
    return {"image_id": image_id, "file_name": f"{image_id}.png", "segments_info": segments} | more


@pytest.mark.parametrize(("isthing", "nothing"), [(1, 0), (0, 255)])
def test_segments_become_classes_and_the_rest_is_said(tmp_path, isthing, nothing):
    path = write(tmp_path, [entry()], stuff=isthing)
    save_ids(tmp_path / "annotations" / "panoptic_val2017" / "1.png")
    assert detect_format(tmp_path) == detect_format(path) == "coco-panoptic"
    for source in (tmp_path, path):
        result = coco_panoptic.read(source)
        assert result.labels == ["background", "沙 sand", "crack"]
        assert result.colors[1] == (1, 2, 3)
        assert result.items[0].subset == "val"
        np.testing.assert_array_equal(mask_of(result), np.choose(MAP, [nothing, 1, 2, 2]))
        word = "ignored" if nothing else "background"
        assert [word in str(text) for text in result.report.messages] == [True]


def test_crowds_are_ignored_unless_asked_otherwise(tmp_path):
    crowd = [segment(1, 90), segment(2, 5), segment(3, 5, iscrowd=1)]
    write(tmp_path, [entry(segments_info=crowd)])
    save_ids(tmp_path / "annotations" / "panoptic_val2017" / "1.png")
    result = coco_panoptic.read(tmp_path)
    assert result.crowds == 1
    np.testing.assert_array_equal(mask_of(result), np.choose(MAP, [0, 1, 2, 255]))
    kept = coco_panoptic.read(tmp_path, crowd="class")
    np.testing.assert_array_equal(mask_of(kept), np.choose(MAP, [0, 1, 2, 2]))


def test_images_without_png_stay_unlabelled_and_bad_segments_are_counted(tmp_path):
    bad = [segment(1, 90), segment(2, 77), "x", segment(3, 5)]
    write(tmp_path, [entry(segments_info=bad), entry(2), {"image_id": 3}])
    save_ids(tmp_path / "annotations" / "panoptic_val2017" / "1.png")
    result = coco_panoptic.read(tmp_path)
    assert [item.mask is not None for item in result.items] == [True, False, False]
    np.testing.assert_array_equal(mask_of(result), np.choose(MAP, [0, 1, 255, 2]))
    said = "\n".join(map(str, result.report.messages))
    for part in ("2.png", "2 images have no usable annotation", "2 images of", "unknown category"):
        assert part in said


def test_a_segment_that_the_file_does_not_list_is_no_silent_background(tmp_path):
    write(tmp_path, [entry(segments_info=[segment(1, 90), segment(2, 5)])])
    save_ids(tmp_path / "annotations" / "panoptic_val2017" / "1.png")
    with pytest.raises(InputError, match="has the segment 9"):
        mask_of(coco_panoptic.read(tmp_path))


def test_images_and_pngs_of_one_name_and_another_folder(tmp_path):
    path = write(tmp_path, [entry()])
    data = json.loads(path.read_text("utf-8"))
    data["images"][0]["file_name"] = "1.png"
    path.write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "val2017" / "1.jpg").unlink()
    save_image(tmp_path / "val2017" / "1.png", SHAPE)
    save_ids(tmp_path / "my_panoptic" / "1.png")
    result = coco_panoptic.read(tmp_path)
    assert result.items[0].image_path == tmp_path / "val2017" / "1.png"
    np.testing.assert_array_equal(mask_of(result), np.choose(MAP, [0, 1, 2, 2]))


def test_instances_beside_panoptic_are_what_they_were(tmp_path):
    path = write(tmp_path, [entry()])
    data = json.loads(path.read_text("utf-8"))
    outline = [[0, 0, 2, 0, 2, 2, 0, 2]]
    data["annotations"] = [{"id": 1, "image_id": 1, "category_id": 5, "segmentation": outline}]
    path.with_name("instances_val2017.json").write_text(json.dumps(data), encoding="utf-8")
    assert detect_format(tmp_path) == "coco"
    assert mask_of(coco.read(tmp_path))[0, 0] == 1  # of the categories the first by its id


def test_pngs_outside_the_folder_are_not_read(tmp_path):
    root = tmp_path / "in"
    write(root, [entry(file_name="../../../secret.png")])
    save_ids(tmp_path / "secret.png")
    result = coco_panoptic.read(root)
    assert [item.mask for item in result.items] == [None]
