"""Masks in colours: whose colours they are, which are refused, and what is asked."""

from __future__ import annotations

import json

import numpy as np
import pytest
from format_samples import mask_of, save_image
from PIL import Image

from core.data.formats import color_masks
from core.data.formats.color_masks import UnnamedColorsError
from core.data.formats.color_tables import read_color_table, voc_palette
from core.data.formats.detection import detect_format
from core.images.io import write_mask
from core.system.errors import InputError

COLORS = {0: (0, 0, 0), 1: (255, 0, 0), 2: (0, 128, 255)}
MAP = np.array([[0, 0, 1, 1], [0, 2, 2, 1], [0, 0, 0, 0]], np.uint8)


def colored(mask, colors=None) -> np.ndarray:
    colors = colors or COLORS
    return np.array([[colors[value] for value in row] for row in mask.tolist()], np.uint8)


def save_colored(path, pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "彩色 masks"
    for name, mask in (("a", MAP), ("b", np.where(MAP == 1, 1, 0))):
        save_image(root / "images" / f"{name}.png")
        save_colored(root / "masks" / f"{name}.png", colored(mask))
    return root


META = {
    "label_map": {"0": "background", "1": "crack", "10": "rust", "2": "dent"},
    "segmentation_colors": [[0, 0, 0], [255, 0, 0], [0, 128, 255], [9, 9, 9]],
}
SUPERVISELY = {
    "classes": [{"title": "crack", "color": "#FF0000"}, {"title": "dent", "color": "#0080FF"}]
}
TABLES = {
    "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncrack:255,0,0::\n"
    "dent:0,128,255::\n",
    "label_colors.txt": "0 0 0\tbackground\n255 0 0\tcrack\n0 128 255\tdent\n",
    "class_dict.csv": "name,r,g,b\nbackground,0,0,0\ncrack,255,0,0\ndent,0,128,255\n",
    "dataset_meta.json": json.dumps(META),
    "meta.json": json.dumps(SUPERVISELY),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_in_the_folder_names_the_colours(folder, name):
    (folder / name).write_text(TABLES[name])
    assert detect_format(folder) == "color-masks"
    result = color_masks.read(folder)
    assert result.labels[:3] == ["background", "crack", "dent"]
    assert result.colors[:3] == list(COLORS.values())
    np.testing.assert_array_equal(mask_of(result), MAP)
    np.testing.assert_array_equal(mask_of(result, 1), MAP == 1)


def test_the_background_is_class_0_wherever_the_table_has_it(folder):
    (folder / "labelmap.txt").write_text("dent:0,128,255::\ncrack:255,0,0::\nbackground:0,0,0::\n")
    result = color_masks.read(folder)
    assert result.labels == ["background", "dent", "crack"]
    np.testing.assert_array_equal(mask_of(result), np.choose(MAP, [0, 2, 1]))


def test_black_that_a_table_forgets_is_the_background_and_said(folder):
    (folder / "labelmap.txt").write_text("crack:255,0,0::\ndent:0,128,255::\n")
    result = color_masks.read(folder)
    assert result.labels == ["background", "crack", "dent"]
    np.testing.assert_array_equal(mask_of(result), MAP)
    assert [remark.outcome for remark in result.report.remarks] == ["assumed"]
    assert "Black" in str(result.report.messages[0])


def test_a_given_table_counts_before_the_folders_and_merges_and_ignores(folder, tmp_path):
    (folder / "labelmap.txt").write_text(TABLES["labelmap.txt"])
    table = tmp_path / "mine.txt"
    table.write_text("defect,255,0,0\ndefect #0080ff\n0;0;0;__ignore__\n")
    result = color_masks.read(folder, colors=read_color_table(table))
    assert (result.labels, result.colors) == (["defect"], [(255, 0, 0)])
    np.testing.assert_array_equal(mask_of(result), np.where(MAP == 0, 255, 0))


def test_colours_that_nothing_names_are_listed_with_their_share_and_an_example(folder):
    (folder / "labels.txt").write_text("background\ncrack\ndent\n")  # names without colours
    with pytest.raises(UnnamedColorsError) as caught:
        color_masks.read(folder)
    found = caught.value.colors
    assert [one.color for one in found] == [(0, 0, 0), (255, 0, 0), (0, 128, 255)]
    assert [one.share for one in found] == [pytest.approx(n / 24) for n in (16, 6, 2)]
    assert [one.masks for one in found] == [2, 2, 1]
    assert found[2].example == folder / "images" / "a.png"
    assert "255,0,0 (25.0 %)" in str(caught.value)
    assert "--colors" in str(caught.value)


@pytest.mark.parametrize("names", ["", "background\ncrack\ndent\n"])
def test_vocs_palette_is_known_without_a_table(folder, names):
    palette = dict(enumerate(voc_palette(3))) | {255: (224, 224, 192)}
    mask = np.where((MAP == 0) & (np.arange(4) == 3), 255, MAP)
    save_colored(folder / "masks" / "a.png", colored(mask, palette))
    save_colored(folder / "masks" / "b.png", colored(MAP, palette))
    if names:
        (folder / "labels.txt").write_text(names)
    result = color_masks.read(folder)
    assert result.labels == (names.split() or ["background", "1", "2"])
    np.testing.assert_array_equal(mask_of(result), mask)
    assert "Pascal VOC's palette" in str(result.report.messages[0])


def test_a_colour_outside_the_table_is_one_images_fault(folder):
    (folder / "labelmap.txt").write_text(TABLES["labelmap.txt"])
    pixels = colored(MAP)
    pixels[0, 0] = (9, 9, 99)
    save_colored(folder / "masks" / "a.png", pixels)
    result = color_masks.read(folder)
    with pytest.raises(InputError, match=r"a\.png has pixels of the colour 9, 9, 99"):
        mask_of(result)
    np.testing.assert_array_equal(mask_of(result, 1), MAP == 1)


def test_colours_as_jpeg_leaves_them_are_refused_with_the_reason(folder, tmp_path):
    rng = np.random.default_rng(3)
    large = colored(rng.integers(0, 3, (6, 8)).astype(np.uint8).repeat(9, 0).repeat(9, 1))
    Image.fromarray(large).save(tmp_path / "lossy.jpg", quality=80)
    pixels = np.asarray(Image.open(tmp_path / "lossy.jpg"))
    save_colored(folder / "masks" / "a.png", pixels)
    with pytest.raises(InputError, match="saved with loss"):
        color_masks.read(folder)


def test_many_chosen_colours_are_no_noise_but_255_are_the_most(folder):
    steps = [(r, g, b) for r in range(0, 256, 36) for g in range(0, 256, 36) for b in (0, 100, 200)]
    many = np.array([steps[:100]], np.uint8)
    save_colored(folder / "masks" / "a.png", many)
    assert len(color_masks.find_colors(folder, [(folder, folder / "masks" / "a.png")])) == 100
    grid = [
        (r, g, b) for r in range(0, 256, 31) for g in range(0, 256, 31) for b in range(0, 256, 31)
    ]
    save_colored(folder / "masks" / "a.png", np.array([grid], np.uint8))
    with pytest.raises(InputError, match="more than 255 colours"):
        color_masks.read(folder)


def test_masks_of_one_channel_among_them_hold_numbers_or_the_palettes_colours(folder):
    (folder / "labelmap.txt").write_text(TABLES["labelmap.txt"])
    turned = np.choose(MAP, [2, 0, 1]).astype(np.uint8)  # by the palette it is MAP again
    write_mask(folder / "masks" / "a.png", turned, palette=[COLORS[1], COLORS[2], COLORS[0]])
    Image.fromarray(MAP).save(folder / "masks" / "b.png")
    save_image(folder / "images" / "c.png")
    save_colored(folder / "masks" / "c.png", colored(MAP))
    result = color_masks.read(folder)
    for place in range(3):
        np.testing.assert_array_equal(mask_of(result, place), MAP)
    assert any("2 masks" in str(text) for text in result.report.messages)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a:1,2,3::\nb:1,2,3::\n", "gives the colour 1,2,3 to two classes, a and b"),
        ("a:1,2,3::\nb:1,2\n", "no name with a colour: b:1,2"),
        ("a:1,2,300::\n", "no name with a colour"),
        ("# nothing\n", "names no colours"),
    ],
)
def test_tables_that_cannot_be_meant(tmp_path, content, problem):
    path = tmp_path / "labelmap.txt"
    path.write_text(content)
    with pytest.raises(InputError, match=problem):
        read_color_table(path)


def test_names_with_spaces_digits_and_other_scripts_are_read(tmp_path):
    path = tmp_path / "colors.csv"
    path.write_text("Name,R,G,B\nClass 2,1,2,3\n裂 纹,4,5,6\n#aabbcc 3rd\n", encoding="utf-8")
    table = read_color_table(path)
    assert table == {(1, 2, 3): "Class 2", (4, 5, 6): "裂 纹", (170, 187, 204): "3rd"}


def test_grey_saved_as_colours_is_an_index(tmp_path):
    for name in ("a", "b", "c"):
        save_image(tmp_path / "images" / f"{name}.png")
    grey = np.repeat(MAP[..., None], 3, axis=2)
    save_colored(tmp_path / "masks" / "a.png", grey)
    save_colored(tmp_path / "masks" / "b.png", np.dstack([grey, np.full(MAP.shape, 255, np.uint8)]))
    save_colored(tmp_path / "masks" / "c.png", np.dstack([grey, MAP]))  # the shape is in alpha
    (tmp_path / "labels.txt").write_text("background\na\nb\n")
    from core.data.formats import index_masks

    result = index_masks.read(tmp_path)
    np.testing.assert_array_equal(mask_of(result, 0), MAP)
    np.testing.assert_array_equal(mask_of(result, 1), MAP)
    with pytest.raises(InputError, match="4 channels"):
        mask_of(result, 2)
    assert detect_format(tmp_path) == "color-masks"  # because of c
    (tmp_path / "masks" / "c.png").unlink()
    assert detect_format(tmp_path) != "color-masks"
