"""Cityscapes: label ids and polygons."""

from __future__ import annotations

import json

import numpy as np
import pytest
from format_samples import save_image, save_mask

from core.data.formats import cityscapes
from core.data.formats.cityscapes import IDS, TRAINED
from core.data.formats.detection import detect_format
from core.images.io import write_image, write_mask
from core.system.errors import InputError

HEIGHT, WIDTH = 48, 64


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


@pytest.mark.parametrize("with_table", [True, False])
def test_what_cvat_writes_is_read_with_its_names(tmp_path, with_table):
    mask = np.array([[0, 1, 2, 2], [0, 1, 0, 0], [0, 0, 0, 2]], np.uint8)
    save_image(tmp_path / "imgsFine/leftImg8bit/train/图 a_leftImg8bit.png", mask.shape)
    save_mask(tmp_path / "gtFine/train/图 a_gtFine_labelIds.png", mask)
    if with_table:
        (tmp_path / "label_colors.txt").write_text("0 0 0 background\n9 0 0 dent\n0 9 0 a crack\n")
    assert detect_format(tmp_path) == "cityscapes"
    result = cityscapes.read(tmp_path)
    expected = ["background", "dent", "a crack"] if with_table else ["unlabeled", "ego vehicle"]
    assert result.labels[: len(expected)] == expected
    assert result.items[0].subset == "train"
    np.testing.assert_array_equal(result.items[0].mask(), mask)
