"""Supervisely's projects: polygons, bitmaps, boxes, and what nobody should put into a bitmap."""

from __future__ import annotations

import base64
import io
import json
import zlib

import cv2
import numpy as np
import pytest
from format_samples import save_image
from PIL import Image

from core.data.formats import supervisely
from core.data.formats.detection import detect_format

SIZE = (30, 40)  # height, width


def pack(png: bytes) -> str:
    return base64.b64encode(zlib.compress(png)).decode()


def bitmap(mask, x, y, *, alpha=False, label="dent"):
    if alpha:
        image = Image.fromarray(np.dstack([np.zeros((*mask.shape, 3), np.uint8), mask * 255]))
        options = {}
    else:
        image = Image.fromarray(mask.astype(np.uint8), mode="P")
        image.putpalette([0, 0, 0, 255, 255, 255])
        options = {"transparency": 0}
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    shape = {"data": pack(stream.getvalue()), "origin": [x, y]}
    return {"classTitle": label, "geometryType": "bitmap", "bitmap": shape}


def polygon(exterior, *holes, kind="polygon", label="crack"):
    points = {"exterior": exterior, "interior": list(holes)}
    return {"classTitle": label, "geometryType": kind, "points": points}


def write(root, name, *objects, place="ds/train", tags=(), **more):
    meta = {
        "classes": [
            {"title": "crack", "shape": "polygon", "color": "#FF0000"},
            {"title": "dent", "shape": "bitmap", "color": "#00FF00"},
        ]
    }
    root.mkdir(parents=True, exist_ok=True)
    (root / "meta.json").write_text(json.dumps(meta))
    save_image(root / place / "img" / name, SIZE)
    size = {"height": SIZE[0], "width": SIZE[1]}
    data = {"description": "", "tags": list(tags), "size": size, "objects": list(objects)} | more
    path = root / place / "ann" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def read_one(root):
    result = supervisely.read(root)
    return result, result.items[0].mask


def test_polygons_holes_bitmaps_and_boxes_are_drawn_in_their_order(tmp_path):
    stencil = (np.random.default_rng(2).random((8, 9)) < 0.5).astype(np.uint8)
    ring, hole = [[2, 2], [20, 3], [22, 25], [3, 20]], [[6, 6], [14, 6], [14, 14], [6, 14]]
    write(
        tmp_path,
        "图 1.png",
        polygon(ring, hole),
        polygon([[25, 2], [30, 8]], kind="rectangle", label="dent"),
        bitmap(stencil, 18, 18),
        bitmap(stencil, 35, 25, alpha=True),  # reaches out of the image
        polygon([[0, 0], [9, 9]], kind="line"),
    )
    assert detect_format(tmp_path) == "supervisely"
    result, mask = read_one(tmp_path)
    expected = np.zeros(SIZE, np.uint8)
    cv2.fillPoly(expected, [np.array(ring)], (1,))
    cv2.fillPoly(expected, [np.array(hole)], (0,))
    expected[2:9, 25:31] = 2
    expected[18:26, 18:27][stencil > 0] = 2
    expected[25:30, 35:40][stencil[:5, :5] > 0] = 2
    np.testing.assert_array_equal(mask(), expected)
    assert result.labels == ["background", "crack", "dent"]
    assert result.colors[1:] == [(255, 0, 0), (0, 255, 0)]
    assert result.items[0].subset == "train"
    said = [str(text) for text in result.report.messages]
    assert len(said) == 1
    assert "1 shape of the type line" in said[0]


def test_a_hole_shows_what_lies_below(tmp_path):
    everything = [[0, 0], [39, 0], [39, 29], [0, 29]]
    write(
        tmp_path,
        "a.png",
        polygon(everything, label="dent"),
        polygon([[5, 5], [20, 5], [20, 20], [5, 20]], [[8, 8], [12, 8], [12, 12], [8, 12]]),
    )
    _, mask = read_one(tmp_path)
    assert mask()[10, 10] == 2
    assert mask()[6, 6] == 1


def test_images_without_annotations_and_subsets_by_tags(tmp_path):
    write(tmp_path, "a.png", polygon([[1, 1], [9, 1], [9, 9]]), place="x", tags=[{"name": "val"}])
    write(tmp_path, "b.png", place="x")
    save_image(tmp_path / "x" / "img" / "c.png", SIZE)
    write(tmp_path, "d.png", polygon([[1, 1]]), place="x")
    write(
        tmp_path,
        "e.png",
        polygon([[1, 1], [9, 1], [9, 9]]),
        place="x",
        size={"height": 9, "width": 9},
    )
    result = supervisely.read(tmp_path)
    by_name = {item.image_path.stem: item for item in result.items}
    assert by_name["a"].subset == "val"
    assert [by_name[name].mask is not None for name in "abcde"] == [True, True, False, False, False]
    assert not by_name["b"].mask().any()
    said = "\n".join(map(str, result.report.messages))
    for part in ("3 images have no usable", "1 image is listed without any shape", "9×9"):
        assert part in said


def huge_png(width, height) -> bytes:
    stream = io.BytesIO()
    Image.new("1", (1, 1)).save(stream, "PNG")
    data = bytearray(stream.getvalue())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        base64.b64encode(zlib.compress(b"\0" * 200_000_000)).decode(),
        pack(huge_png(60_000, 60_000)),
        pack(b"no png"),
        base64.b64encode(b"no zlib").decode(),
        "no base64!",
        None,
        7,
    ],
    ids=["bomb", "huge", "no png", "no zlib", "no base64", "none", "number"],
)
def test_bitmaps_that_are_none_are_counted(tmp_path, data):
    broken = {"classTitle": "dent", "geometryType": "bitmap"}
    broken["bitmap"] = {"data": data, "origin": [0, 0]}
    write(tmp_path, "a.png", broken, polygon([[1, 1], [9, 1], [9, 9]]))
    result, mask = read_one(tmp_path)
    assert set(np.unique(mask())) == {0, 1}
    assert ["1 shape of the type bitmap" in str(text) for text in result.report.messages] == [True]


def test_points_that_are_none_and_objects_outside_are_counted(tmp_path):
    nowhere = polygon([[100, 100], [120, 100], [120, 120]])
    odd = [
        polygon("x"),
        polygon([[1e9, 0], [1, 1], [2, 2]]),
        {"geometryType": "polygon"},
        5,
        nowhere,
    ]
    write(tmp_path, "a.png", *odd, polygon([[1, 1], [9, 1], [9, 9]]))
    result, mask = read_one(tmp_path)
    assert mask().any()
    said = "\n".join(map(str, result.report.messages))
    assert "4 shapes of the type polygon" in said
    assert "1 shape of the type ?" in said
