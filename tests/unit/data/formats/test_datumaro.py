"""Datumaro's JSON: polygons, masks, their order, what has no area, and where images are."""

from __future__ import annotations

import json

import numpy as np
import pytest
from format_samples import save_image
from pycocotools import mask as coco_mask

from core.data.formats import datumaro
from core.data.formats.detection import detect_format
from core.system.errors import InputError

SIZE = (20, 30)  # height, width
NOISE = (np.random.default_rng(4).random(SIZE) < 0.3).astype(np.uint8)


def rle(mask, *, compressed=True):
    encoded = coco_mask.encode(np.asfortranarray(mask))
    if compressed:
        return {"counts": encoded["counts"].decode(), "size": list(SIZE)}
    flat = np.concatenate([[0], mask.T.ravel()])
    changes = np.flatnonzero(np.diff(flat))
    counts = np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()
    return {"counts": counts, "size": list(SIZE)}


def one(kind, label_id=0, z_order=0, **more):
    return {"id": 0, "type": kind, "label_id": label_id, "z_order": z_order, "group": 0, **more}


def square(x, y, side=6):
    return [x, y, x + side, y, x + side, y + side, x, y + side]


def write(root, subset, items, labels=("a", "b")):
    categories = {"label": {"labels": [{"name": name, "parent": ""} for name in labels]}}
    path = root / "annotations" / f"{subset}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"info": {}, "categories": categories, "items": items}))
    return path


def item(name, *annotations, size=SIZE):
    image = {"path": f"{name}.png", "size": list(size)}
    return {"id": name, "annotations": list(annotations), "image": image}


def texts(result) -> str:
    return "\n".join(map(str, result.report.messages))


@pytest.mark.parametrize("compressed", [True, False])
def test_shapes_are_drawn_by_their_order(tmp_path, compressed):
    save_image(tmp_path / "images" / "train" / "x" / "1.png", SIZE)
    path = write(
        tmp_path,
        "train",
        [
            item(
                "x/1",
                one("polygon", 1, 2, points=square(10, 8)),
                one("mask", 0, 1, rle=rle(NOISE, compressed=compressed)),
                one("bbox", bbox=[1, 1, 5, 5]),
                one("label"),
            )
        ],
    )
    assert detect_format(tmp_path) == detect_format(path) == "datumaro"
    expected = NOISE.copy()
    expected[8:14, 10:16] = 2
    for source in (tmp_path, path):
        result = datumaro.read(source)
        assert result.labels == ["background", "a", "b"]
        assert result.items[0].subset == "train"
        np.testing.assert_array_equal(result.items[0].mask(), expected)
        assert texts(result).count("1 shape of the type bbox") == 1
        assert "type label" not in texts(result)


def test_equal_names_in_two_subsets_are_two_images(tmp_path):
    for subset, x in (("train", 0), ("val", 20)):
        save_image(tmp_path / "images" / subset / "1.png", SIZE)
        write(tmp_path, subset, [item("1", one("polygon", points=square(x, 3)))])
    result = datumaro.read(tmp_path)
    by_subset = {one.subset: one for one in result.items}
    assert by_subset["val"].image_path.parent.name == "val"
    assert by_subset["val"].mask()[3:9, 20:26].all()
    assert by_subset["train"].mask()[3:9, 0:6].all()


def test_images_of_which_nothing_usable_is_said_stay_unlabelled(tmp_path):
    for name in ("boxes", "empty", "wrong", "bad"):
        save_image(tmp_path / "images" / f"{name}.png", SIZE)
    write(
        tmp_path,
        "default",
        [
            item("boxes", one("bbox", bbox=[1, 1, 5, 5])),
            item("empty"),
            item("wrong", size=(9, 9)),
            item(
                "bad",
                one("mask", rle={"counts": "~~", "size": list(SIZE)}),
                one("polygon", 7, points=square(1, 1)),
                "x",
            ),
            item("gone"),
            {"annotations": []},
        ],
    )
    result = datumaro.read(tmp_path)
    known = {one.image_path.stem: one.mask is not None for one in result.items}
    assert known == {"boxes": False, "empty": True, "bad": False}
    said = texts(result)
    for part in (
        "2 images have no usable",
        "9×9",
        "gone.png",
        "without a name or an id",
        "type mask",
    ):
        assert part in said


def test_names_that_lead_outside_are_not_read(tmp_path):
    root = tmp_path / "in"
    save_image(tmp_path / "secret.png", SIZE)
    write(root, "train", [item("../../secret", one("polygon", points=square(1, 1)))])
    with pytest.raises(InputError, match="outside its folder"):
        datumaro.read(root)
