"""Result files: tables that grow, masks and pictures under names that every system takes."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from line_models import parts_picture, write_line_model
from PIL import Image

from core.images.io import read_image, read_mask
from core.portable.line_predictor import LinePredictor
from core.portable.portable_error import PortableError
from core.portable.result_files import ResultFiles


@pytest.fixture
def predictor(tmp_path):
    write_line_model(tmp_path / "export")
    return LinePredictor(tmp_path / "export")


def _rows(file):
    return list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))


def test_what_is_said_is_written(tmp_path, predictor):
    out = tmp_path / "结果"
    picture = parts_picture()
    judged = predictor.judge(picture)
    even = np.full((20, 30, 3), 180, np.uint8)
    with ResultFiles(out, predictor.manifest, facts={"model": "x"}) as results:
        results.add("零件.png", picture, judged)
        rows = _rows(out / "results.csv")  # at once
        assert [(row["image"], row["outcome"]) for row in rows] == [("零件.png", "reject")]
        results.add_error("b.png", PortableError("{file} is unreadable.", file="b.png"))
        results.add("c.png", even, predictor.judge(even))
    assert results.counts == {"accept": 1, "warn": 0, "inconclusive": 0, "reject": 1, "error": 1}
    rows = _rows(out / "results.csv")
    assert [row["outcome"] for row in rows] == ["reject", "error", "accept"]
    assert rows[1]["error"] == "b.png is unreadable."
    objects = _rows(out / "objects.csv")
    assert {row["name"] for row in objects} == {"Crack", "Dark"}
    assert {row["image"] for row in objects} == {"零件.png"}
    content = json.loads((out / "results.json").read_text("utf-8"))
    assert content["model"] == "x" and content["counts"]["reject"] == 1
    assert [one["outcome"] for one in content["images"]] == ["reject", None, "accept"]
    np.testing.assert_array_equal(read_mask(out / content["images"][0]["mask"]), judged.label_map)
    with Image.open(out / content["images"][0]["mask"]) as mask:
        assert mask.getpalette()[3:6] == [220, 40, 40]
    overlay = read_image(out / content["images"][0]["overlay"])
    assert overlay.shape[1] == 80 and overlay.shape[0] > 60


def test_names_do_not_meet(tmp_path, predictor):
    even = np.full((8, 8, 3), 180, np.uint8)
    judged = predictor.judge(even)
    names = ["a/x.png", "b/x.png", "x.jpg", "X.PNG", "film.mp4#000001", 'a<b>:"|?*.png', "..."]
    with ResultFiles(tmp_path, predictor.manifest, overlays=False) as results:
        for name in names:
            results.add(name, even, judged)
    masks = sorted(file.name for file in (tmp_path / "masks").iterdir())
    assert len(masks) == len({name.casefold() for name in masks}) == len(names)
    assert "x.png" in masks and "film_000001.png" in masks and "a_b______.png" in masks
    assert not (tmp_path / "overlays").exists()


def test_classes_without_colours_get_some(tmp_path):
    write_line_model(tmp_path / "export", colors=None)
    predictor = LinePredictor(tmp_path / "export")
    picture = parts_picture()
    with ResultFiles(tmp_path, predictor.manifest) as results:
        results.add("a.png", picture, predictor.judge(picture))
    with Image.open(tmp_path / "masks" / "a.png") as mask:
        palette = mask.getpalette()
    assert max(palette[3:6]) > 150 and max(palette[6:9]) > 150 and palette[3:6] != palette[6:9]


def test_a_folder_that_is_a_file(tmp_path, predictor):
    (tmp_path / "out").write_text("x")
    with pytest.raises(PortableError, match="cannot be written to"):
        ResultFiles(tmp_path / "out", predictor.manifest)
