"""CamVid's folders: numbers or colours, with or without a table."""

from __future__ import annotations

import numpy as np
import pytest
from format_samples import mask_of, save_image, save_mask
from PIL import Image

from core.data.formats import camvid
from core.data.formats.color_masks import UnnamedColorsError
from core.data.formats.detection import detect_format
from core.system.errors import InputError

MAP = np.array([[0, 1, 2, 2], [0, 1, 0, 0], [0, 0, 0, 2]], np.uint8)
COLORS = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 255]], np.uint8)
TABLE = "0 0 0 background\n255 0 0 road marking\n0 128 255 tree\n"


def test_numbers_without_a_table_are_the_names(tmp_path):
    for subset in ("train", "val"):
        save_image(tmp_path / subset / "0001TP_1.png")
        save_mask(tmp_path / f"{subset}annot" / "0001TP_1.png", MAP)
    save_image(tmp_path / "train" / "more.png")
    save_mask(tmp_path / "trainannot" / "gone.png", MAP)
    assert detect_format(tmp_path) == "camvid"
    result = camvid.read(tmp_path)
    assert result.labels == ["0", "1", "2"]
    assert [item.subset for item in result.items] == ["train", "val", "train"]
    np.testing.assert_array_equal(mask_of(result, 1), MAP)
    assert result.items[2].mask is None
    said = "\n".join(map(str, result.report.messages))
    for part in ("1 mask has no image", "named by their numbers", "1 image has no usable"):
        assert part in said


@pytest.mark.parametrize("table", ["label_colors.txt", "class_dict.csv"])
@pytest.mark.parametrize("in_colors", [True, False])
def test_a_table_names_numbers_and_colours(tmp_path, table, in_colors):
    ending, name = ("annot", "a") if table == "label_colors.txt" else ("_labels", "a_L")
    save_image(tmp_path / "test" / "a.png")
    path = tmp_path / f"test{ending}" / f"{name}.png"
    path.parent.mkdir()
    Image.fromarray(COLORS[MAP] if in_colors else MAP).save(path)
    (tmp_path / table).write_text(TABLE)
    assert detect_format(tmp_path) == "camvid"
    result = camvid.read(tmp_path)
    assert result.labels == ["background", "road marking", "tree"]
    assert result.colors[2] == (0, 128, 255)
    assert result.items[0].subset == "test"
    np.testing.assert_array_equal(mask_of(result), MAP)


def test_cvats_subsets_have_any_name(tmp_path):
    for subset in ("default", "夜 shift"):
        save_image(tmp_path / subset / "a.png")
        (tmp_path / f"{subset}annot").mkdir()
        Image.fromarray(COLORS[MAP]).save(tmp_path / f"{subset}annot" / "a.png")
    (tmp_path / "label_colors.txt").write_text(TABLE)
    assert detect_format(tmp_path) == "camvid"
    result = camvid.read(tmp_path)
    assert [item.subset for item in result.items] == [None, None]
    np.testing.assert_array_equal(mask_of(result, 0), MAP)
    np.testing.assert_array_equal(mask_of(result, 1), MAP)


def test_colours_without_a_table_are_asked_for(tmp_path):
    save_image(tmp_path / "train" / "a.png")
    (tmp_path / "trainannot").mkdir()
    Image.fromarray(COLORS[MAP]).save(tmp_path / "trainannot" / "a.png")
    with pytest.raises(UnnamedColorsError) as caught:
        camvid.read(tmp_path)
    assert {one.color for one in caught.value.colors} == set(map(tuple, COLORS.tolist()))
    colors = {(0, 0, 0): "background", (255, 0, 0): "x", (0, 128, 255): "x"}
    result = camvid.read(tmp_path, colors=colors)
    assert result.labels == ["background", "x"]
    np.testing.assert_array_equal(mask_of(result), MAP > 0)


def test_without_pairs_it_is_one_sentence(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "trainannot").mkdir()
    with pytest.raises(InputError, match="no CamVid folder"):
        camvid.read(tmp_path)
