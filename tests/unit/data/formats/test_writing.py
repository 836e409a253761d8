"""Names that a format, a list or a disk cannot hold change, and the conversion goes on."""

from __future__ import annotations

import os

import numpy as np
import pytest
from format_samples import LABELS, MASK, save_image

from core.data.formats import ImportedImage, ImportResult, registry
from core.images.palette import default_palette
from core.project import Project

KNOWN = np.where(MASK == 255, 0, MASK).astype(np.uint8)  # YOLO has no ignored pixels
READ_AND_WRITTEN = [one.key for one in registry.WRITABLE if one.read is not None]
ODD = {
    "not UTF-8": os.fsdecode(b"\xd6\xd0\xce\xc4"),
    "tab": "a\tb",
    "long": "长" * 80,
    "line": "a\nb",
    "space": " a ",
}


def images_called(folder, maps):
    items = []
    for stem, mask in maps.items():
        save_image(folder / "plain.png")
        (folder / "plain.png").rename(folder / f"{stem}.png")
        items.append(ImportedImage(folder / f"{stem}.png", mask.copy))
    return ImportResult(items, list(LABELS), default_palette(3))


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("key", READ_AND_WRITTEN)
def test_odd_names_are_written_otherwise_and_told(tmp_path, key, kind):
    result = images_called(tmp_path / "in", {ODD[kind]: KNOWN, "good": KNOWN})
    lost = [str(text) for text in registry.write(key, result, tmp_path / "out").messages]
    back = registry.read(key, tmp_path / "out")
    assert len(back.items) == 2
    for item in back.items:
        np.testing.assert_array_equal(item.mask(), KNOWN)
    if kind != "long":
        assert any("1 name is not UTF-8, or hold tabs" in text for text in lost)
    elif key == "cityscapes":
        assert any("1 name is too long for this format" in text for text in lost)
    for text in lost:
        text.encode()  # can be shown


@pytest.mark.parametrize("key", READ_AND_WRITTEN)
def test_own_exports_with_odd_names_read_back(tmp_path, key):
    names = ("cam 12:30:05", "a.b.c", "a #1 50%", "-rf", 'it\'s "so"', "e\u0301")
    maps = {name: np.roll(KNOWN, place, 1) for place, name in enumerate(names)}
    registry.write(key, images_called(tmp_path / "in", maps), tmp_path / "out")
    back = registry.read(key, tmp_path / "out")
    found = {i.image_path.stem.removesuffix("_leftImg8bit"): i.mask() for i in back.items}
    assert found.keys() == maps.keys()
    for name, mask in maps.items():
        np.testing.assert_array_equal(found[name], mask)


def test_a_project_names_the_image_whose_name_it_cannot_store(tmp_path):
    result = images_called(tmp_path / "in", {ODD["not UTF-8"]: KNOWN, "good": KNOWN})
    with Project.create(tmp_path / "项 目") as project:
        report = project.import_result(result, source=tmp_path / "in")
        assert (report.added, report.masks) == (1, 1)
        assert ["1 image is left out" in str(text) for text in report.lost] == [True]
        report = project.add_images([item.image_path for item in result.items])
        assert ["names are not UTF-8" in str(text) for text in report.lost] == [True]
