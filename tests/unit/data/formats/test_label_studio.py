"""Label Studio's tasks: shapes in percents, brush strokes, whose annotation counts, image names."""

from __future__ import annotations

import json

import numpy as np
import pytest
from format_samples import mask_of, save_image

from core.data.formats import label_studio, rle
from core.data.formats.brush_rle import decode_brush
from core.data.formats.detection import detect_format
from core.system.errors import InputError

W, H = 40, 30


def encode_brush(mask: np.ndarray, *, word: int = 8, sizes=(3, 4, 8, 16)) -> list[int]:
    """Pack a mask of zeros and ones as the published description of the stream has it."""
    values = np.repeat(mask.ravel().astype(int) * (2**word - 1), 4).tolist()
    bits = f"{len(values):032b}{word - 1:05b}" + "".join(f"{size - 1:04b}" for size in sizes)
    place = 0
    while place < len(values):
        end = place + 1
        while end < len(values) and values[end] == values[place] and end - place < 2 ** sizes[3]:
            end += 1
        if end - place < 5:  # so that some runs hold their words one by one
            end = min(place + 5, len(values))
            bits += f"000{end - place - 1:0{sizes[0]}b}"
            bits += "".join(f"{value:0{word}b}" for value in values[place:end])
        else:
            which = next(n for n, size in enumerate(sizes) if end - place <= 2**size)
            bits += f"1{which:02b}{end - place - 1:0{sizes[which]}b}{values[place]:0{word}b}"
        place = end
    bits += "0" * (-len(bits) % 8)
    return [int(bits[n : n + 8], 2) for n in range(0, len(bits), 8)]


def result(kind, value, label="a", **more):
    names = {} if label is None else {kind: [label]}
    size = {"original_width": W, "original_height": H}
    return {"type": kind, "value": value | names, "image_rotation": 0, **size, **more}


def box(x0, y0, x1, y1, **more):
    x, y, width, height = 100 * x0 / W, 100 * y0 / H, 100 * (x1 - x0) / W, 100 * (y1 - y0) / H
    return {"x": x, "y": y, "width": width, "height": height, "rotation": 0, **more}


def polygon(*points):
    return {"points": [[100 * x / W, 100 * y / H] for x, y in points]}


def task(image, *results, **more):
    annotations = [{"result": list(results), "was_cancelled": False}]
    return {"id": 1, "data": {"image": image}, "annotations": annotations, **more}


def write(folder, *tasks):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "project-1.json").write_text(json.dumps(tasks), encoding="utf-8")


def texts(read) -> str:
    return "\n".join(map(str, read.report.messages))


@pytest.mark.parametrize("seed", range(4))
def test_brush_strokes_are_exact(seed):
    rng = np.random.default_rng(seed)
    mask = (rng.random((H, W)) < (0.02, 0.5, 0.98, 0.0)[seed]).astype(np.uint8)
    np.testing.assert_array_equal(decode_brush(encode_brush(mask), (W, H)), mask)
    wide = encode_brush(mask, word=10, sizes=(3, 4, 5, 12))
    np.testing.assert_array_equal(decode_brush(wide, (W, H)), mask)


def test_damaged_brush_strokes_are_one_error():
    whole = encode_brush(np.eye(H, W, dtype=np.uint8))
    rng = np.random.default_rng(1)
    for values in (
        whole[:-9],
        [],
        [1, 2],
        [*whole[:9], 256, *whole[10:]],
        [True, *whole[1:]],
        ["a"],
    ):
        with pytest.raises(ValueError):
            decode_brush(values, (W, H))
    with pytest.raises(ValueError, match="another size"):
        decode_brush(whole, (W, H + 1))
    for _ in range(200):
        damaged = list(whole)
        damaged[int(rng.integers(4, len(whole)))] = int(rng.integers(0, 256))
        try:
            assert decode_brush(damaged, (W, H)).shape == (H, W)
        except ValueError:
            continue


def test_all_shapes_are_drawn_in_their_order(tmp_path):
    stroke = np.zeros((H, W), np.uint8)
    stroke[20:25, 3:30] = 1
    save_image(tmp_path / "图 a.png", (H, W))
    corners = ((4, 4), (20, 4), (20, 15), (4, 15))
    ellipse = {"x": 75.0, "y": 50.0, "radiusX": 20.0, "radiusY": 30.0, "rotation": 0}
    write(
        tmp_path,
        task(
            "图 a.png",
            result("polygonlabels", polygon(*corners), "a"),
            result("rectanglelabels", box(10, 8, 30, 18), "b"),
            result("ellipselabels", ellipse, "c"),
            result("brushlabels", {"format": "rle", "rle": encode_brush(stroke)}, "d"),
            result("keypointlabels", {"x": 1, "y": 1, "width": 1}),
        ),
    )
    assert detect_format(tmp_path) == "label-studio"
    assert detect_format(tmp_path / "project-1.json") == "label-studio"
    read = label_studio.read(tmp_path)
    assert read.labels == ["background", "a", "b", "c", "d"]
    expected = np.zeros((H, W), np.uint8)
    expected[4:15, 4:20] = 1
    expected[8:18, 10:30] = 2
    y, x = np.mgrid[:H, :W] + 0.5
    expected[((x - 30) / 8) ** 2 + ((y - 15) / 9) ** 2 <= 1] = 3
    expected[stroke > 0] = 4
    found = mask_of(read)
    assert (found != expected).sum() <= 6  # along the ellipse
    round_ = (expected == 3) | (found == 3)
    np.testing.assert_array_equal(found[~round_], expected[~round_])
    assert "1 shape of the type keypointlabels" in texts(read)


def test_boxes_turn_around_their_corner_and_ellipses_around_their_centre(tmp_path):
    save_image(tmp_path / "a.png", (H, W))
    ellipse = {"x": 50.0, "y": 50.0, "radiusX": 25.0, "radiusY": 10.0, "rotation": 90}
    write(
        tmp_path,
        task(
            "a.png",
            result("ellipselabels", ellipse, "e"),
            result("rectanglelabels", box(36, 2, 46, 6, rotation=90), "b"),
        ),
    )
    found = mask_of(label_studio.read(tmp_path))
    expected = np.zeros((H, W), bool)
    expected[2:12, 32:36] = True  # to the left of its corner, and down
    np.testing.assert_array_equal(found == 2, expected)
    rows, columns = np.nonzero(found == 1)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 6)
    assert (rows.mean(), columns.mean()) == (14.5, 19.5)


def test_the_latest_completed_annotation_counts(tmp_path):
    for name in ("a", "b", "c", "d", "e"):
        save_image(tmp_path / f"{name}.png", (H, W))
    left, right = (
        [result("rectanglelabels", box(*corners))] for corners in ((0, 0, 9, 9), (20, 0, 29, 9))
    )
    old = {"result": right, "updated_at": "2024-01-01T00:00:00Z"}
    new = {"result": left, "updated_at": "2024-02-01T00:00:00Z"}
    cancelled = {"result": right, "was_cancelled": True, "updated_at": "2025-01-01T00:00:00Z"}
    tasks = [task(f"{name}.png") for name in ("a", "b", "c", "d", "e")]
    tasks[0]["annotations"] = [new, cancelled, old]
    tasks[1]["annotations"] = [cancelled]
    tasks[2]["annotations"] = []
    tasks[2]["predictions"] = [{"result": right}]
    tasks[4]["annotations"] = [{"result": [result("keypointlabels", {"x": 1, "y": 1})]}]
    write(tmp_path, *tasks)
    read = label_studio.read(tmp_path)
    assert [item.mask is not None for item in read.items] == [True, False, False, True, False]
    found = mask_of(read)
    assert found[:9, :9].all()
    assert found.sum() == 81
    assert not mask_of(read, 3).any()  # somebody looked, and there is nothing
    said = texts(read)
    for part in ("1 image of", "latest one", "nothing but predictions", "3 images have no usable"):
        assert part in said
    assert "1 image is listed without any shape" in said


@pytest.mark.parametrize(
    "name",
    [
        "/data/upload/7/0a1b2c3d-a b.png",
        "/data/upload/a b.png",
        "/data/local-files/?d=set/images/a%20b.png",
        "s3://bucket/x/a b.png",
        "https://host.example/x/a%20b.png?X-Signature=1",
        "C:\\pictures\\a b.png",
        "../../../a b.png",
        "\\data\\local-files\\?d=set\\images\\a b.png",
    ],
)
def test_images_are_found_inside_the_folder_by_whatever_name(tmp_path, name):
    save_image(tmp_path / "in" / "images" / "a b.png", (H, W))
    save_image(tmp_path / "a b.png", (H, W))  # outside
    write(tmp_path / "in", task(name, result("rectanglelabels", box(1, 1, 5, 5))))
    read = label_studio.read(tmp_path / "in")
    assert [item.image_path for item in read.items] == [tmp_path / "in" / "images" / "a b.png"]
    assert ("before the names of uploads" in texts(read)) == ("0a1b" in name)


def test_equal_base_names_are_told_apart_by_their_folders(tmp_path):
    for place in ("x", "y"):
        save_image(tmp_path / "images" / place / "a.png", (H, W))
    write(
        tmp_path,
        task(
            "/data/local-files/?d=store/images/y/a.png", result("rectanglelabels", box(1, 1, 5, 5))
        ),
        task("/data/upload/1/a.png", result("rectanglelabels", box(1, 1, 5, 5))),
    )
    read = label_studio.read(tmp_path)
    assert [item.image_path.parent.name for item in read.items] == ["y"]
    assert "several images are called so" in texts(read)


def test_labels_beside_their_shape_and_damaged_shapes(tmp_path):
    save_image(tmp_path / "a.png", (H, W))
    size = {"original_width": W, "original_height": H}
    write(
        tmp_path,
        task(
            "a.png",
            {"id": "x", "type": "rectangle", "value": box(1, 1, 5, 5), **size},
            {"id": "x", "type": "labels", "value": box(1, 1, 5, 5) | {"labels": ["z"]}, **size},
            result("polygonlabels", {"points": [[1, 1]]}),
            result("polygonlabels", polygon((0, 0), (9, 0), (9, 9)), None),
            result("polygonlabels", polygon((0, 0), (9, 0), (9, 9)), image_rotation=90),
            result("brushlabels", {"format": "rle", "rle": [1, 2, 3]}),
            result("rectanglelabels", {"x": "1", "y": 1, "width": 1, "height": 1}),
        ),
    )
    read = label_studio.read(tmp_path)
    assert read.labels == ["background", "z"]
    assert mask_of(read).sum() == 16
    said = texts(read)
    for part in (
        "3 shapes of the type polygon",
        "1 shape of the type brush",
        "1 shape of the type rect",
    ):
        assert part in said


def test_an_image_of_another_size_stays_unlabelled(tmp_path):
    save_image(tmp_path / "a.png", (H, W + 1))
    write(tmp_path, task("a.png", result("rectanglelabels", box(1, 1, 5, 5))))
    read = label_studio.read(tmp_path)
    assert [item.mask for item in read.items] == [None]
    assert f"{W}×{H}" in texts(read)


def test_json_min_is_named(tmp_path):
    save_image(tmp_path / "a.png", (H, W))
    write(tmp_path, {"image": "a.png", "label": [box(1, 1, 5, 5)], "annotator": 1})
    with pytest.raises(InputError, match="not as JSON-MIN"):
        label_studio.read(tmp_path)


def test_polygons_fill_as_pycocotools_does(tmp_path):
    save_image(tmp_path / "a.png", (H, W))
    points = [(3.3, 2.7), (33.1, 9.9), (18.4, 27.6)]
    write(tmp_path, task("a.png", result("polygonlabels", polygon(*points))))
    expected = np.zeros(W * H, np.uint8)
    flat = [value for point in points for value in point]
    rle.paint(expected, rle.counts_from_polygon(flat, (W, H)), 1)
    np.testing.assert_array_equal(mask_of(label_studio.read(tmp_path)), expected.reshape(W, H).T)
