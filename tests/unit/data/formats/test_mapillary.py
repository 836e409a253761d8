"""Mapillary Vistas: names of its configuration, the newest labels, instances of 16 bits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from format_samples import save_image, save_mask
from PIL import Image

from core.data.formats import mapillary
from core.data.formats.detection import detect_format
from core.system.errors import InputError

MAP = np.array([[0, 1, 1, 3], [0, 2, 0, 0], [2, 2, 0, 3]], np.uint8)
NAMES = [
    ("construction--flat--road", "Road"),
    ("void--unlabeled", "Unlabeled"),
    ("object--vehicle--car", "Car"),
    ("object--other--car", "Car"),
]


def write(root, name, names=NAMES):
    labels = [
        {"name": one, "readable": two, "color": [n, 9, 9]} for n, (one, two) in enumerate(names)
    ]
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(json.dumps({"labels": labels}))


def test_classes_come_from_the_configuration_and_unlabelled_is_ignored(tmp_path):
    write(tmp_path, "config.json")
    save_image(tmp_path / "training" / "images" / "x.jpg")
    save_mask(tmp_path / "training" / "labels" / "x.png", MAP)
    save_image(tmp_path / "validation" / "images" / "y.jpg")
    instances = tmp_path / "validation" / "instances" / "y.png"
    instances.parent.mkdir()
    Image.fromarray(MAP.astype(np.uint16) * 256 + 77).save(instances)
    save_image(tmp_path / "testing" / "images" / "z.jpg")
    assert detect_format(tmp_path) == "mapillary"
    result = mapillary.read(tmp_path)
    assert result.labels == ["Road", "Car", "object--other--car"]
    assert result.colors[1] == (2, 9, 9)
    assert [item.subset for item in result.items] == ["train", "val", "test"]
    for item in result.items[:2]:
        np.testing.assert_array_equal(item.mask(), np.choose(MAP, [0, 255, 1, 2]))
    assert result.items[2].mask is None


def test_the_newest_version_counts_and_is_said(tmp_path):
    write(tmp_path, "config_v1.2.json")
    write(tmp_path, "config_v2.0.json", [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")])
    save_image(tmp_path / "training" / "images" / "x.jpg")
    save_mask(tmp_path / "training" / "v1.2" / "labels" / "x.png", np.zeros_like(MAP))
    save_mask(tmp_path / "training" / "v2.0" / "labels" / "x.png", MAP)
    assert detect_format(tmp_path) == "mapillary"
    result = mapillary.read(tmp_path)
    assert result.labels == list("ABCD")
    np.testing.assert_array_equal(result.items[0].mask(), MAP)
    assert ["several versions" in str(text) for text in result.report.messages] == [True]


@pytest.mark.parametrize("names", [[], [(7, "x")], [(f"a{n}", f"A{n}") for n in range(256)]])
def test_configurations_that_cannot_be_meant(tmp_path, names):
    write(tmp_path, "config.json", names)
    (tmp_path / "training" / "labels").mkdir(parents=True)
    with pytest.raises(InputError, match="names no classes"):
        mapillary.read(tmp_path)


def test_some_configuration_alone_is_no_vistas(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    save_image(tmp_path / "a.png")
    assert detect_format(tmp_path) == "images"
