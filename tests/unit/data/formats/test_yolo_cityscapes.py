"""YOLO's text files and Cityscapes' folders as others write them."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from core.data.formats import cityscapes, yolo
from core.data.formats.cityscapes import IDS, TRAINED
from core.data.formats.detection import detect_format
from core.images.io import write_image, write_mask
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
    assert "a.txt has 1 boxes" in texts[0]
    assert texts[1].startswith("5 lines of") and "is line 2)" in texts[1]
    assert "names the class 2" in texts[2]
    assert len(result.items) == 1
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


@pytest.fixture
def city(tmp_path):
    root = tmp_path / "城市 scapes"
    images, masks = root / "leftImg8bit/val/ulm", root / "gtFine/val/ulm"
    images.mkdir(parents=True)
    masks.mkdir(parents=True)
    write_image(
        images / "ulm_000000_000019_leftImg8bit.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    )
    objects = [
        {"label": "road", "polygon": [[0, 0], [63, 0], [63, 47], [0, 47]]},
        {"label": "cargroup", "polygon": [[5, 5], [30, 5], [30, 20], [5, 20]]},
        {"label": "license plate", "polygon": [[8, 8], [12, 8], [12, 12], [8, 12]]},
        {"label": "person", "polygon": [[40, 5], [60, 5], [60, 20]], "deleted": 1},
        {"label": "parking", "polygon": [[40, 30], [50, 30], [50, 40], [40, 40]]},
    ]
    data = {"imgHeight": HEIGHT, "imgWidth": WIDTH, "objects": objects}
    path = masks / "ulm_000000_000019_gtFine_polygons.json"
    path.write_text(json.dumps(data))
    return root, path, data


def test_cityscapes_polygons(city):
    root, _, _ = city
    assert detect_format(root) == "cityscapes"
    result = cityscapes.read(root)
    (item,) = result.items
    assert item.subset == "val"
    assert len(result.labels) == 34
    mask = item.mask()
    assert (mask[6, 6], mask[10, 10], mask[10, 50], mask[35, 45], mask[47, 63]) == (
        IDS["car"],
        255,
        IDS["road"],
        IDS["parking"],
        IDS["road"],
    )
    trained = cityscapes.read(root, train_ids=True)
    assert trained.labels == [one.name for one in TRAINED]
    assert len(trained.labels) == 19
    mask = trained.items[0].mask()
    assert (mask[6, 6], mask[10, 10], mask[10, 50], mask[35, 45]) == (13, 255, 0, 255)


def test_cityscapes_label_ids_count_before_polygons(city):
    root, path, _ = city
    ids = np.full((HEIGHT, WIDTH), IDS["sky"], np.uint8)
    ids[:5] = IDS["bicycle"]
    ids[5] = IDS["ground"]
    write_mask(path.with_name("ulm_000000_000019_gtFine_labelIds.png"), ids)
    write_mask(path.with_name("ulm_000000_000019_gtFine_instanceIds.png"), ids * 0)
    np.testing.assert_array_equal(cityscapes.read(root).items[0].mask(), ids)
    mask = cityscapes.read(root, train_ids=True).items[0].mask()
    assert [mask[0, 0], mask[5, 0], mask[9, 0]] == [18, 255, 10]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"imgHeight": 9}, "was drawn on 64×9"),
        ({"objects": [{"label": "dragon", "polygon": [[0, 0], [1, 0], [1, 1]]}]}, "dragon"),
        ({"objects": [{"label": "road", "polygon": [[0, 0], [1, 1]]}]}, "lacks a label or points"),
        ({"objects": [{"label": "road", "polygon": [[0, 0], [1, 0], [1, 1e12]]}]}, "lacks a label"),
        ({"objects": [7]}, "lacks a label"),
        ({"objects": None}, "no file of Cityscapes' polygons"),
    ],
)
def test_cityscapes_with_values_it_never_has(city, change, words):
    root, path, data = city
    path.write_text(json.dumps({**data, **change}))
    with pytest.raises(InputError, match=words):
        cityscapes.read(root).items[0].mask()


def test_official_names_get_official_ids(tmp_path):
    from format_samples import COLORS, sample

    from core.data.formats import ImportResult

    source = sample(tmp_path / "in", {"a": np.array([[0, 1], [255, 1]], np.uint8)})
    result = ImportResult(source.items, ["road", "car"], COLORS[:2])
    (lost,) = cityscapes.write(result, tmp_path / "out").messages
    assert "class unlabeled" in str(lost)
    mask = cityscapes.read(tmp_path / "out").items[0].mask()
    assert mask.tolist() == [[IDS["road"], IDS["car"]], [0, IDS["car"]]]
    assert not (tmp_path / "out" / "labels.txt").exists()
