"""Masks in colours in folders whose masks hold numbers: lists, pairs and VOC's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from format_samples import save_image
from PIL import Image

from core.data.class_names import IGNORE_NAME
from core.data.formats import ImportResult, registry
from core.data.formats.color_masks import UnnamedColorsError
from core.data.formats.color_tables import voc_palette
from core.data.formats.format import ReadOptions
from core.system.errors import InputError

COLOR_FILES = {
    "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\nrust:0,200,9::\n"
    "crack:250,0,9::\n",
    "class_dict.csv": "name,r,g,b\nbackground,0,0,0\nrust,0,200,9\ncrack,250,0,9\n",
    "dataset_meta.json": json.dumps(
        {
            "label_map": {"0": "background", "1": "rust", "2": "crack"},
            "segmentation_colors": [[0, 0, 0], [0, 200, 9], [250, 0, 9]],
        }
    ),
    "label_colors.txt": "0 0 0 background\n0 200 9 rust\n250 0 9 crack\n",
}
CLASSES = np.zeros((48, 64), np.uint8)
CLASSES[4:20, 5:30], CLASSES[25:40, 35:60] = 1, 2
"""1 is crack, 2 is rust."""
COLORS = np.array([(0, 0, 0), (250, 0, 9), (0, 200, 9)], np.uint8)


def layout(root: Path, kind: str, masks: dict[str, np.ndarray]) -> None:
    """A folder of masks with their images: ``kind`` is "lists", "pairs" or "voc"."""
    place = root / ("SegmentationClass" if kind == "voc" else "Annotations")
    place.mkdir(parents=True)
    (root / "JPEGImages").mkdir()
    lines = []
    for name, mask in masks.items():
        save_image(root / f"JPEGImages/{name}.png", (48, 64))
        Image.fromarray(mask).save(place / f"{name}.png")
        lines.append(f"JPEGImages/{name}.png\tAnnotations/{name}.png\n")
    if kind == "lists":
        (root / "train_list.txt").write_text("".join(lines), encoding="utf-8")


def classes_of(result: ImportResult, place: int = 0) -> list[list[str]]:
    """The class names of the pixels."""
    mask = result.items[place].mask
    assert mask is not None
    names = np.array([*result.labels, *[""] * (255 - len(result.labels)), IGNORE_NAME])
    return names[mask()].tolist()


WANTED = np.array(["background", "crack", "rust"])[CLASSES].tolist()


@pytest.mark.parametrize("kind", ["lists", "pairs", "voc"])
@pytest.mark.parametrize("table", COLOR_FILES)
@pytest.mark.parametrize("has_labels", [True, False])
def test_tables_of_colours_count_in_every_layout(tmp_path, kind, table, has_labels):
    layout(tmp_path, kind, {"裂 a": COLORS[CLASSES], "b": COLORS[CLASSES.T.copy().T]})
    (tmp_path / table).write_text(COLOR_FILES[table], encoding="utf-8")
    if has_labels:
        (tmp_path / "labels.txt").write_text("background\ncrack\nrust\n")
    result = registry.read("voc" if kind == "voc" else "seg", tmp_path)
    assert classes_of(result) == WANTED
    assert classes_of(result, 1) == WANTED
    if has_labels and not (kind == "voc" and table == "labelmap.txt"):
        assert result.labels == ["background", "crack", "rust"]  # their order, not the table's
    assert result.colors[result.labels.index("crack")] == (250, 0, 9)


@pytest.mark.parametrize("kind", ["lists", "pairs", "voc"])
def test_colours_that_nobody_names_are_asked_for(tmp_path, kind):
    layout(tmp_path, kind, {"a": COLORS[CLASSES]})
    (tmp_path / "labels.txt").write_text("background\ncrack\n")
    key = "voc" if kind == "voc" else "seg"
    with pytest.raises(UnnamedColorsError, match="3 colours, and no file says") as caught:
        registry.read(key, tmp_path)
    assert {one.color for one in caught.value.colors} == {(0, 0, 0), (250, 0, 9), (0, 200, 9)}
    named = {(0, 0, 0): "Background", (250, 0, 9): "crack", (0, 200, 9): "rust"}
    result = registry.read(key, tmp_path, ReadOptions(colors=named))
    assert result.labels == ["background", "crack", "rust"]
    assert classes_of(result) == WANTED


@pytest.mark.parametrize("kind", ["lists", "pairs", "voc"])
def test_vocs_colours_are_the_classes_of_labels_txt(tmp_path, kind):
    layout(tmp_path, kind, {"a": np.array(voc_palette(3), np.uint8)[CLASSES]})
    (tmp_path / "labels.txt").write_text("background\ncrack\nrust\n")
    result = registry.read("voc" if kind == "voc" else "seg", tmp_path)
    assert result.labels == ["background", "crack", "rust"]
    assert classes_of(result) == WANTED


@pytest.mark.parametrize("kind", ["lists", "voc"])
def test_colours_and_numbers_in_one_folder(tmp_path, kind):
    layout(tmp_path, kind, {"a": CLASSES, "b": COLORS[CLASSES], "c": np.dstack([CLASSES] * 3)})
    (tmp_path / "labels.txt").write_text("background\ncrack\nrust\n")
    key = "voc" if kind == "voc" else "seg"
    result = registry.read(key, tmp_path)
    assert classes_of(result) == classes_of(result, 2) == WANTED
    with pytest.raises(InputError):  # this one alone, as nobody says what it means
        classes_of(result, 1)
    (tmp_path / "class_dict.csv").write_text(COLOR_FILES["class_dict.csv"])
    result = registry.read(key, tmp_path)
    assert [classes_of(result, place) for place in range(3)] == [WANTED] * 3


@pytest.mark.parametrize("kind", ["lists", "voc"])
def test_a_class_may_be_grey_and_one_may_be_ignored(tmp_path, kind):
    table = "background:0,0,0\nrust:128,128,128\n__ignore__:9,9,9\ncrack:250,0,9\n"
    colors = np.array([(0, 0, 0), (128, 128, 128), (9, 9, 9)], np.uint8)
    layout(tmp_path, kind, {"a": colors[CLASSES], "b": COLORS[CLASSES // 2]})
    (tmp_path / "label_colors.txt").write_text(table)
    result = registry.read("voc" if kind == "voc" else "seg", tmp_path)
    assert classes_of(result) == np.array(["background", "rust", IGNORE_NAME])[CLASSES].tolist()


@pytest.mark.parametrize("kind", ["lists", "pairs"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_black_and_white_in_channels_is_read_as_in_one(tmp_path, kind, mode):
    white = np.asarray(Image.fromarray(np.uint8(CLASSES == 1) * 255).convert(mode))
    layout(tmp_path, kind, {"a": white})
    result = registry.read("seg", tmp_path)
    assert result.labels == ["background", "foreground"]
    np.testing.assert_array_equal(result.items[0].mask(), CLASSES == 1)
    assert "255 is taken as a class" in " ".join(map(str, result.report.messages))


@pytest.mark.parametrize("kind", ["lists", "pairs", "voc"])
def test_a_table_of_values_names_the_numbers(tmp_path, kind):
    layout(tmp_path, kind, {"a": CLASSES, "b": np.dstack([CLASSES] * 3)})
    text = "Pixel Value, Class\n0, background\n2, rust\n1, crack\n"
    (tmp_path / "_classes.csv").write_text(text)
    result = registry.read("voc" if kind == "voc" else "seg", tmp_path)
    assert result.labels == ["background", "crack", "rust"]
    assert classes_of(result) == classes_of(result, 1) == WANTED
