"""Recognising a folder's format, and finding its images."""

from __future__ import annotations

import json

import pytest

from core.data.formats.detection import detect_format
from core.data.formats.image_index import find_images
from core.system.errors import InputError


def test_lists_or_paired_folders_are_paddlex_seg(tmp_path):
    listed = tmp_path / "数据 a"
    listed.mkdir()
    (listed / "train_list.txt").write_text("a.png b.png\n")
    assert detect_format(listed) == "seg"
    paired = tmp_path / "paired"
    (paired / "JPEGImages").mkdir(parents=True)
    (paired / "Annotations").mkdir()
    assert detect_format(paired) == "seg"


def test_labelme_is_told_from_other_json_also_in_subfolders(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "config.json").write_text("{}")
    assert detect_format(tmp_path) == "images"
    (tmp_path / "a" / "x.json").write_text(json.dumps({"version": "5.0", "shapes": []}))
    assert detect_format(tmp_path) == "labelme"


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        detect_format(tmp_path / "没有")


def test_images_are_found_below_in_natural_order_without_hidden_ones(tmp_path):
    for name in ("10.png", "2.PNG", "notes.txt", "子/1.jpg", ".trash/3.png", ".4.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    names = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert names == ["2.PNG", "10.png", "子/1.jpg"]


def test_the_search_for_images_can_be_ended(tmp_path):
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_images(tmp_path, check=stop)


def test_the_surest_evidence_counts(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    assert detect_format(tmp_path) == "seg"
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0 0 1 0 1 1\n")
    assert detect_format(tmp_path) == "yolo"
    (tmp_path / "a.json").write_text('{"shapes": []}')
    assert detect_format(tmp_path) == "labelme"
    (tmp_path / "b.json").write_text('{"images": [], "annotations": [], "categories": []}')
    assert detect_format(tmp_path) == "coco"
    (tmp_path / "autosave_label.txt").touch()
    assert detect_format(tmp_path) == "eiseg"
    (tmp_path / "val_list.txt").touch()
    assert detect_format(tmp_path) == "seg"
