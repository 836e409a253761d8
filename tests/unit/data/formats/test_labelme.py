from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.data.formats import labelme, paddlex_seg
from core.images import io as images
from core.images import palette
from core.system.errors import InputError

SIZE = (40, 30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "标注 labelme"
    path.mkdir()
    return path


def shape(label: str, kind: str, points: list, **more: Any) -> dict[str, Any]:
    return {"label": label, "shape_type": kind, "points": points, "flags": {}, **more}


def save(folder: Path, name: str = "图 1", shapes: list | None = None, **more: Any) -> Path:
    """Write an image and its JSON; ``more`` replaces entries."""
    image = Image.new("RGB", SIZE, (9, 9, 9))
    image.save(folder / f"{name}.png")
    data = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes or [],
        "imagePath": f"{name}.png",
        "imageData": None,
        "imageWidth": SIZE[0],
        "imageHeight": SIZE[1],
        **more,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(data, ensure_ascii=False), "utf-8")
    return path


def draw(folder: Path, shapes: list, **options: Any) -> np.ndarray:
    save(folder, shapes=shapes)
    (item,) = labelme.read(folder, **options).items
    assert item.mask is not None
    return item.mask()


def test_a_rectangle_holds_both_corners(folder: Path) -> None:
    for points in ([[5, 6], [10, 8]], [[10, 8], [5, 6]], [[5, 6], [10, 6], [10, 8], [5, 8]]):
        mask = draw(folder, [shape("a", "rectangle", points)])
        expected = np.zeros((30, 40), np.uint8)
        expected[6:9, 5:11] = 1
        np.testing.assert_array_equal(mask, expected)


def test_a_polygon_holds_its_outline(folder: Path) -> None:
    mask = draw(folder, [shape("a", "polygon", [[5, 5], [15, 5], [15, 15]])])
    expected = np.zeros((30, 40), np.uint8)
    for y in range(5, 16):
        expected[y, y:16] = 1
    np.testing.assert_array_equal(mask, expected)


def test_circle_point_and_line(folder: Path) -> None:
    mask = draw(folder, [shape("a", "circle", [[20, 15], [20, 11]])])
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (11, 19, 16, 24)
    ys, xs = np.mgrid[:30, :40]
    distance = np.hypot(xs - 20, ys - 15)
    assert mask[distance <= 3.5].all()
    assert not mask[distance > 5].any()
    point = draw(folder, [shape("a", "point", [[20, 15]])])
    assert np.ptp(np.nonzero(point), axis=1).tolist() == [10, 10]
    line = draw(folder, [shape("a", "line", [[5, 15], [30, 15]])])
    assert line[:, 15].sum() == 10
    assert line[15].sum() == 26
    strip = draw(folder, [shape("a", "linestrip", [[5, 15], [20, 15], [20, 25]])])
    assert strip[15, 5:20].all()
    assert strip[15:25, 20].all()


def png(array: np.ndarray) -> str:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


@pytest.mark.parametrize("top", [1, 255])
def test_a_mask_shape_is_put_at_its_box(folder: Path, top: int) -> None:
    stencil = np.array([[0, 1, 1], [1, 0, 1]], np.uint8) * top
    entry = shape("a", "mask", [[37.4, 10.0], [39.4, 11.0]], mask=png(stencil))
    mask = draw(folder, [entry])
    expected = np.zeros((30, 40), np.uint8)
    expected[10:12, 37:40] = stencil > 0
    np.testing.assert_array_equal(mask, expected)
    beyond = shape("a", "mask", [[38, 29], [40, 30]], mask=png(stencil))
    assert draw(folder, [beyond]).sum() == 1  # clipped at the image's edge


def test_later_shapes_lie_on_top_and_names_become_numbers(folder: Path) -> None:
    box = [[0, 0], [39, 29]]
    shapes = [
        shape("zebra", "rectangle", box),
        shape("ant", "rectangle", [[5, 5], [30, 25]]),
        shape("__ignore__", "rectangle", [[10, 10], [12, 12]]),
        shape("_background_", "rectangle", [[20, 20], [21, 21]]),
    ]
    save(folder, shapes=shapes)
    result = labelme.read(folder)
    assert result.labels == ["_background_", "ant", "zebra"]
    assert result.colors == palette.default_palette(3)
    assert result.items[0].mask is not None
    mask = result.items[0].mask()
    assert (mask[0, 0], mask[5, 5], mask[11, 11], mask[20, 20]) == (2, 1, 255, 0)


def test_numbers_do_not_depend_on_files_but_on_names(folder: Path) -> None:
    save(folder, "1", [shape("b", "rectangle", [[0, 0], [3, 3]])])
    save(folder, "2", [shape("a", "rectangle", [[0, 0], [3, 3]])])
    assert labelme.read(folder).labels == ["_background_", "a", "b"]
    (folder / "labels.txt").write_bytes(
        "__ignore__\r\n_background_\r\nb\r\n类\r\n".encode("gb18030")
    )
    result = labelme.read(folder)
    assert result.labels == ["_background_", "b", "类", "a"]
    masks = {item.image_path.stem: item.mask() for item in result.items if item.mask}
    assert (masks["1"][0, 0], masks["2"][0, 0]) == (1, 3)


def test_an_image_inside_the_file_is_taken_out(folder: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    box = [shape("a", "rectangle", [[0, 0], [39, 29]])]
    save(folder, shapes=box, imageData=png(pixels))
    (folder / "图 1.png").unlink()
    with pytest.raises(InputError, match="exists only inside it"):
        labelme.read(folder)
    out = tmp_path / "取出 out"
    for _ in range(2):
        (item,) = labelme.read(folder, extract_to=out).items
        assert item.image_path == out / "图 1.png"
    assert len(list(out.iterdir())) == 1
    np.testing.assert_array_equal(images.read_image(out / "图 1.png")[..., ::-1], pixels)
    save(folder, shapes=box, imageData=png(pixels[::-1]))
    (folder / "图 1.png").unlink()
    (item,) = labelme.read(folder, extract_to=out).items
    assert item.image_path == out / "图 1_2.png"  # the first stays as it is


def test_the_image_may_lie_elsewhere_in_the_folder(folder: Path) -> None:
    path = save(folder)
    (folder / "json").mkdir()
    data = json.loads(path.read_text("utf-8"))
    path.unlink()
    (folder / "json" / "x.json").write_text(
        json.dumps(data | {"imagePath": "..\\图 1.png"}), "utf-8"
    )
    (item,) = labelme.read(folder).items
    assert item.image_path == folder / "图 1.png"
    with pytest.raises(InputError, match="outside its folder"):
        labelme.read(folder / "json")


def test_numbers_are_labels_and_a_useless_size_is_none(folder: Path) -> None:
    box = [shape(3, "rectangle", [[0, 0], [3, 3]])]
    for size in ({"imageWidth": -4}, {"imageWidth": 0, "imageHeight": 0}, {"imageWidth": 40.0}):
        save(folder, "a", box, **size)
        result = labelme.read(folder)
        assert result.labels == ["_background_", "3"]
        assert (result.items[0].mask() == 1).sum() == 16


def broken(what: str) -> dict[str, Any]:
    point = [shape("a", "rectangle", [[0, 0], [3, 3]])]
    return {
        "outside": {"imagePath": "../../secret.png"},
        "absolute": {"imagePath": "/etc/passwd"},
        "drive": {"imagePath": "C:\\x.png"},
        "null": {"imagePath": "a\0.png"},
        "no name": {"imagePath": None},
        "no shapes": {"shapes": {"a": 1}},
        "shape is text": {"shapes": ["polygon"]},
        "label is null": {"shapes": [shape(None, "polygon", [[0, 0]])]},
        "nan": {"shapes": [shape("a", "line", [[0, 0], [float("nan"), 3]])]},
        "infinite": {"shapes": [shape("a", "line", [[0, 0], [float("inf"), 3]])]},
        "huge": {"shapes": [shape("a", "circle", [[0, 0], [1e12, 3]])]},
        "three": {"shapes": [shape("a", "line", [[0, 0], [1, 2, 3]])]},
        "true": {"shapes": [shape("a", "line", [[0, 0], [True, 3]])]},
        "other size": {"imageWidth": 41, "shapes": point},
        "data": {"imageData": "%%%", "imagePath": "gone.png"},
        "data type": {"imageData": [1], "imagePath": "gone.png"},
    }[what]


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("outside", "names an image outside its folder"),
        ("absolute", "names an image outside its folder"),
        ("drive", "names an image outside its folder"),
        ("null", "does not say which image"),
        ("no name", "does not say which image"),
        ("no shapes", "is no labelme file"),
        ("other size", "drawn on 41×30 pixels but its image .* has 40×30"),
        ("data", "image inside .* is damaged"),
        ("data type", "image inside .* is damaged"),
    ],
)
def test_hostile_files_are_one_sentence_each(folder: Path, what: str, sentence: str) -> None:
    save(folder, "a", **broken(what))
    with pytest.raises(InputError, match=sentence) as caught:
        labelme.read(folder)
    assert "\n" not in str(caught.value)
    assert "a.json" in str(caught.value)
    save(folder, "good", [shape("a", "rectangle", [[0, 0], [3, 3]])])
    result = labelme.read(folder)
    assert [(item.image_path.name, item.mask is None) for item in result.items] == [
        ("good.png", False),
        ("a.png", True),
    ]
    assert str(result.report.messages[0]) == str(caught.value)
    assert "1 image has no annotation" in str(result.report.messages[1])


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("shape is text", "Shape 1 of .* lacks a label or points"),
        ("label is null", "Shape 1 of .* lacks a label or points"),
        ("nan", "no pair of coordinates"),
        ("infinite", "no pair of coordinates"),
        ("huge", "no pair of coordinates"),
        ("three", "no pair of coordinates"),
        ("true", "no pair of coordinates"),
    ],
)
def test_a_faulty_shape_costs_only_itself(folder: Path, what: str, sentence: str) -> None:
    faulty = broken(what)["shapes"]
    save(folder, "a", faulty)
    (item,) = labelme.read(folder).items
    assert item.mask is None  # nothing is known of it: not background
    save(folder, "a", [*faulty, shape("b", "rectangle", [[0, 0], [3, 3]])])
    result = labelme.read(folder)
    assert result.labels == ["_background_", "b"]
    assert result.items[0].mask().sum() == 16
    (told,) = map(str, result.report.messages)
    assert re.search(sentence, told)


@pytest.mark.parametrize(
    "text", ["", "{", '{"shapes": [', "[" * 100_000, "[1e999999, 2]", "null", '"x"', "\x00"]
)
def test_what_is_no_labelme_file(folder: Path, text: str) -> None:
    (folder / "a.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"a\.json"):
        labelme.read(folder)


def test_every_cut_of_a_file_is_refused_or_read(folder: Path) -> None:
    path = save(folder, shapes=[shape("a", "polygon", [[1, 2], [3, 4], [5, 9]])])
    data = path.read_bytes()
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(InputError):
            labelme.read(folder)


def test_unusable_shapes_are_told_and_the_rest_drawn(folder: Path) -> None:
    shapes = [
        shape("a", "polygon", [[0, 0], [3, 3]]),
        shape("b", "teapot", [[0, 0]]),
        shape("c", "mask", [[0, 0], [3, 3]]),
        shape("d", "rectangle", [[0, 0], [3, 3]]),
    ]
    save(folder, shapes=shapes)
    result = labelme.read(folder)
    assert result.labels == ["_background_", "d"]
    lost = [str(message) for message in result.report.messages]
    assert len(lost) == 3
    assert "Shape 1" in lost[0]
    assert "unknown type (teapot)" in lost[1]


@pytest.mark.parametrize("mask", ["%%", base64.b64encode(b"GIF89a").decode()])
def test_a_damaged_mask_shape(folder: Path, mask: str) -> None:
    save(folder, shapes=[shape("a", "mask", [[0, 0], [3, 3]], mask=mask)])
    (item,) = labelme.read(folder).items
    assert item.mask is not None
    with pytest.raises(InputError, match=r"A mask shape in .*图 1\.json is damaged"):
        item.mask()


def test_missing_image_and_empty_folder(folder: Path) -> None:
    with pytest.raises(InputError, match="holds no labelme JSON files"):
        labelme.read(folder)
    save(folder)
    (folder / "图 1.png").unlink()
    with pytest.raises(InputError, match=r"The image 图 1\.png of .* does not exist"):
        labelme.read(folder)


def test_too_many_classes(folder: Path) -> None:
    save(folder, shapes=[shape(f"c{i}", "point", [[0, 0]]) for i in range(255)])
    with pytest.raises(InputError, match="256 classes"):
        labelme.read(folder)


def test_old_files_without_types_and_a_single_file(folder: Path) -> None:
    old = {"label": "a", "points": [[5, 5], [15, 5], [15, 15]]}
    path = save(folder, shapes=[old])
    save(folder, "other", [shape("b", "point", [[3, 3]])])
    result = labelme.read(path)
    assert result.labels == ["_background_", "a"]
    assert len(result.items) == 1
    assert result.items[0].mask is not None
    assert result.items[0].mask().sum() == 66


def test_from_labelme_to_a_data_folder(folder: Path, tmp_path: Path) -> None:
    save(folder, "a", [shape("划痕", "rectangle", [[0, 0], [3, 3]])])
    save(folder, "b", [shape("凹坑", "rectangle", [[0, 0], [3, 3]])])
    source = labelme.read(folder)
    assert paddlex_seg.write(source, tmp_path / "out").messages == []
    again = paddlex_seg.read(tmp_path / "out")
    assert again.labels == source.labels
    for old, new in zip(source.items, again.items, strict=True):
        assert old.mask is not None
        assert new.mask is not None
        np.testing.assert_array_equal(old.mask(), new.mask())
