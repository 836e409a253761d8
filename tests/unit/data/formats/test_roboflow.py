"""Roboflow's semantic masks: names by pixel value, each subset with a list of its own."""

from __future__ import annotations

import numpy as np
import pytest
from format_samples import mask_of, save_image, save_mask

from core.data.formats import roboflow
from core.data.formats.detection import detect_format
from core.system.errors import InputError

MAP = np.array([[0, 1, 2, 2], [0, 1, 0, 0], [0, 0, 0, 2]], np.uint8)


def write(root, subset, names, mask=MAP) -> None:
    save_image(root / subset / f"{subset}_jpg.rf.1.jpg")
    save_mask(root / subset / f"{subset}_jpg.rf.1_mask.png", mask)
    lines = "".join(f"{value}, {name}\n" for value, name in enumerate(names))
    (root / subset / "_classes.csv").write_text(f"Pixel Value, Class\n{lines}")


def test_names_and_subsets_are_read(tmp_path):
    write(tmp_path, "train", ["background", "dent", "scratch"])
    write(tmp_path, "valid", ["background", "dent", "scratch"])
    save_image(tmp_path / "valid" / "no mask.jpg")
    assert detect_format(tmp_path) == "roboflow"
    result = roboflow.read(tmp_path)
    assert result.labels == ["background", "dent", "scratch"]
    by_name = {item.image_path.name: item for item in result.items}
    assert by_name["train_jpg.rf.1.jpg"].subset == "train"
    assert by_name["valid_jpg.rf.1.jpg"].subset == "val"
    np.testing.assert_array_equal(by_name["valid_jpg.rf.1.jpg"].mask(), MAP)
    assert by_name["no mask.jpg"].mask is None
    assert ["1 image " in str(text) for text in result.report.messages] == [True]


def test_classes_in_another_order_are_matched_by_name_and_said(tmp_path):
    write(tmp_path, "train", ["background", "dent", "scratch"])
    write(tmp_path, "valid", ["scratch", "background", "dent"])
    result = roboflow.read(tmp_path)
    np.testing.assert_array_equal(mask_of(result, 1), np.choose(MAP, [2, 0, 1]))
    assert [remark.outcome for remark in result.report.remarks] == ["changed"]


def test_values_without_a_name_are_refused_and_255_is_ignored(tmp_path):
    write(tmp_path, "train", ["background", "dent"], np.where(MAP == 2, 255, MAP).astype(np.uint8))
    write(tmp_path, "test", ["background", "dent"])
    result = roboflow.read(tmp_path)
    by_subset = {item.subset: item for item in result.items}
    assert (by_subset["train"].mask()[MAP == 2] == 255).all()
    with pytest.raises(InputError, match="holds the value 2"):
        by_subset["test"].mask()


def test_lists_for_classification_are_another_format(tmp_path):
    save_image(tmp_path / "train" / "a.jpg")
    (tmp_path / "train" / "_classes.csv").write_text("filename, dent, scratch\na.jpg, 1, 0\n")
    assert detect_format(tmp_path) != "roboflow"
    with pytest.raises(InputError, match="no pixel value with a class"):
        roboflow.read(tmp_path)
