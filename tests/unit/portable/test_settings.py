"""Settings: to and from the manifest, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.portable.manifest import Manifest, read_manifest, write_manifest
from core.portable.portable_error import PortableError
from core.portable.settings import Settings

LABELS = ("background", "Crack", "Blowhole")
CONTENT = {
    "rules": ["any Crack longer than 2 mm -> reject, unsure above 1.5 mm", "any Blowhole -> warn"],
    "thresholds": [None, 0.3, 0.6],
    "minimum_area": {"Crack": "0.5 mm2", "*": "12 px2"},
    "fill_holes": {"Blowhole": "4 px2"},
    "regions": [[[0, 0], [9, 0], [9, 9]]],
    "regions_file": "regions.png",
    "dont_care": [[[1, 1], [2, 1], [2.5, 2]]],
    "dont_care_file": None,
    "pixel_size_mm": 0.1,
    "inconclusive_below": 0.5,
}


def read(**content) -> Settings:
    return Settings.from_dict(content, labels=LABELS, background=0)


def test_settings_go_to_json_and_back():
    settings = Settings.from_dict(CONTENT, labels=LABELS, background=0)
    assert settings.to_dict() == CONTENT
    assert (
        Settings.from_dict(json.loads(json.dumps(settings.to_dict())), labels=LABELS, background=0)
        == settings
    )


def test_settings_go_into_the_manifest_and_back(tmp_path):
    settings = Settings.from_dict(CONTENT, labels=LABELS, background=0, folder=tmp_path)
    manifest = Manifest(
        format="onnx", model="UNet", labels=LABELS, background=0, thresholds=(None, 0.4, 0.4)
    )
    write_manifest(tmp_path, settings.into_manifest(manifest))
    again = read_manifest(tmp_path)
    assert again.rules[1] == "any Blowhole -> warn"
    assert again.thresholds == (None, 0.4, 0.4)
    assert Settings.from_manifest(again, tmp_path) == settings
    assert settings.area.regions_file == tmp_path / "regions.png"
    cleared = Settings().into_manifest(again)
    assert (cleared.rules, cleared.settings, cleared.pixel_size_mm) == ((), {}, None)
    assert Settings.from_manifest(cleared) == Settings()


def test_the_models_own_thresholds_are_used_where_it_is_said():
    manifest = Manifest(format="onnx", model="UNet", labels=LABELS, thresholds=(None, 0.4, 0.4))
    assert Settings.from_manifest(manifest).thresholds is None
    asked = replace(manifest, settings={"thresholds": True})
    assert Settings.from_manifest(asked).thresholds is True
    assert read(thresholds=False).thresholds is None


def test_areas_in_pixels():
    settings = read(minimum_area={"Crack": "0.5 mm2", "*": "12 px"}, pixel_size_mm=0.1)
    assert settings.areas_px(settings.minimum_area, LABELS) == (12, 50, 12)
    assert settings.areas_px(settings.fill_holes, LABELS) == (0, 0, 0)
    assert read(minimum_area=7).areas_px(read(minimum_area=7).minimum_area, LABELS) == (7, 7, 7)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"rule": []}, "There is no setting rule; there are dont_care"),
        ({"rules": "any Crack -> reject"}, "rules is no list of texts"),
        ({"rules": [3]}, "rules is no list of texts"),
        ({"rules": ["any Scratch -> reject"]}, "none of the classes Crack, Blowhole"),
        ({"rules": ["any Crack longer than 2 mm -> reject"]}, "the size of a pixel is not known"),
        ({"minimum_area": {"Crack": "1 mm2"}}, "minimum_area of Crack is in millimetres"),
        ({"fill_holes": {"Scratch": 1}}, "fill_holes names Scratch, which is none of the classes"),
        ({"minimum_area": {"Crack": "1 m"}}, "give an area such as 20 px2"),
        ({"thresholds": [0.5]}, "one number between 0 and 1, or null, for each class"),
        ({"thresholds": [0.5, 0.5, 1.5]}, "one number between 0 and 1"),
        ({"thresholds": "x"}, "one number between 0 and 1"),
        ({"regions": [[[0, 0], [1, 1]]]}, "regions is no list of polygons"),
        ({"regions": 3}, "regions is no list of polygons"),
        ({"dont_care": [[[0, 0], [1, 1], [float("nan"), 0]]]}, "dont_care is no list of polygons"),
        ({"dont_care": [[[0, 0], [1, 1], [1e12, 0]]]}, "dont_care is no list of polygons"),
        ({"regions_file": 3}, "region file 3 is no name of a file"),
        ({"rules": 3}, "rules is no list of texts"),
        ({"pixel_size_mm": 0}, "pixel_size_mm is 0: give a number above 0"),
        ({"pixel_size_mm": True}, "pixel_size_mm is True"),
        ({"pixel_size_mm": float("nan")}, "pixel_size_mm is nan"),
        ({"inconclusive_below": 1.5}, "above 0 and up to 1"),
    ],
)
def test_what_is_wrong_is_refused_in_a_sentence(content, problem):
    with pytest.raises(PortableError, match=problem):
        read(**content)


@pytest.mark.parametrize("name", ["../other.png", "/dev/zero", "a\\b.png", "C:x.png", "..", ""])
def test_an_export_names_no_files_outside_of_it(tmp_path, name):
    with pytest.raises(PortableError, match="no name of a file in the export's folder"):
        Settings.from_dict({"regions_file": name}, labels=LABELS, background=0, folder=tmp_path)
