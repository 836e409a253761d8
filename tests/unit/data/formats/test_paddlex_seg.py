from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from data_folders import make_folder, make_image, make_mask
from PIL import Image

from core.data.formats import ImportedImage, ImportResult, paddlex_seg
from core.data.validation import validate_folder
from core.datasets import open_data_folder
from core.images import io as images
from core.images import palette
from core.system.errors import InputError


def test_a_folder_with_lists(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, train=2, val=1, test=1)
    (folder / "colors.txt").write_text("1 2 3\n4 5 6\n")
    result = paddlex_seg.read(folder)
    assert [item.subset for item in result.items] == ["train", "train", "val", "test"]
    assert result.labels == ["类 0", "类 1", "类 2"]
    assert result.colors[:2] == [(1, 2, 3), (4, 5, 6)]
    assert result.report.messages == []
    for index, item in enumerate(result.items):
        assert item.image_path == folder / "JPEGImages" / f"图 {index}.png"
        assert item.mask is not None
        np.testing.assert_array_equal(item.mask(), make_mask(index))


def test_what_is_missing_is_told_and_the_rest_read(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, train=4, val=1, test=0)
    (folder / "JPEGImages" / "图 0.png").unlink()
    (folder / "Annotations" / "图 1.png").unlink()
    images.write_mask(folder / "Annotations" / "图 2.png", make_mask(2)[1:])
    with (folder / "val_list.txt").open("a", encoding="utf-8") as file:
        file.write("JPEGImages/图 3.png\tAnnotations/图 3.png\na b c\n../x.png y.png\n")
    result = paddlex_seg.read(folder)
    lost = "\n".join(map(str, result.report.messages))
    assert len(result.report.messages) == 5
    for part in ("图 0.png", "图 1.png", "listed twice", "has 3 parts", "leaves the data folder"):
        assert part in lost
    by_name = {item.image_path.stem: item for item in result.items}
    assert sorted(by_name) == ["图 1", "图 2", "图 3", "图 4"]
    assert by_name["图 1"].mask is None
    assert by_name["图 3"].subset == "train"
    assert by_name["图 2"].mask is not None
    with pytest.raises(InputError, match="32×23"):
        by_name["图 2"].mask()


@pytest.mark.parametrize("names", [("JPEGImages", "Annotations"), ("images", "masks")])
def test_a_folder_without_lists(tmp_path: Path, names: tuple[str, str]) -> None:
    folder = make_folder(tmp_path, train=3, val=0, test=0, lists=False)
    (folder / "Annotations" / "图 2.png").unlink()
    for old, new in zip(("JPEGImages", "Annotations"), names, strict=True):
        (folder / old).rename(folder / new)
    (folder / names[0] / "deep").mkdir()
    (folder / names[1] / "deep").mkdir()
    shutil.copy(folder / names[0] / "图 0.png", folder / names[0] / "deep" / "x.PNG")
    shutil.copy(folder / names[1] / "图 0.png", folder / names[1] / "deep" / "x.png")
    result = paddlex_seg.read(folder)
    assert [item.image_path.name for item in result.items] == [
        "x.PNG",
        "图 0.png",
        "图 1.png",
        "图 2.png",
    ]
    assert [item.mask is None for item in result.items] == [False, False, False, True]
    assert {item.subset for item in result.items} == {None}


def test_classes_without_names_get_numbers(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, train=2, val=0, test=0, lists=False)
    (folder / "labels.txt").unlink()
    result = paddlex_seg.read(folder)
    assert result.labels == ["0", "1", "2"]
    assert "no labels.txt" in str(result.report.messages[0])


def test_folders_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        paddlex_seg.read(tmp_path / "none")
    with pytest.raises(InputError, match="no lists, and no folders"):
        paddlex_seg.read(tmp_path)
    folder = make_folder(tmp_path, train=1, val=0, test=0, lists=False)
    Image.new("RGB", (32, 24)).save(folder / "JPEGImages" / "图 0.bmp")
    result = paddlex_seg.read(folder)
    assert len(result.items) == 2
    assert "2 images share a mask" in str(result.report.messages[0])
    (folder / "train_list.txt").write_text("")
    with pytest.raises(InputError, match="holds no images with masks"):
        paddlex_seg.read(folder)


def test_written_folder_is_valid_and_reads_back(tmp_path: Path) -> None:
    source = paddlex_seg.read(make_folder(tmp_path))
    target = tmp_path / "导出 out"
    assert paddlex_seg.write(source, target).messages == []
    report = validate_folder(target)
    assert report.findings == ()
    again = paddlex_seg.read(target)
    assert again.labels == source.labels
    assert again.colors == source.colors
    assert [item.subset for item in again.items] == [item.subset for item in source.items]
    for old, new in zip(source.items, again.items, strict=True):
        assert old.mask is not None
        assert new.mask is not None
        np.testing.assert_array_equal(new.mask(), old.mask())
        assert new.image_path.read_bytes() == old.image_path.read_bytes()
    with Image.open(target / "Annotations" / "图 0.png") as stored:
        assert stored.mode == "P"
        assert tuple(stored.getpalette()[3:6]) == source.colors[1]


def test_names_that_meet_are_told_apart_and_losses_are_told(tmp_path: Path) -> None:
    items = []
    for index, name in enumerate(("a/x.png", "b/x.png", "c/X.jpg")):
        path = tmp_path / name
        path.parent.mkdir()
        mask = make_mask(index)
        images.write_image(path, make_image(mask, index=index))
        items.append(ImportedImage(path, mask.copy))

    def fail() -> np.ndarray:
        raise InputError("{file} is broken.", file="m.png")

    items += [ImportedImage(items[0].image_path), ImportedImage(items[0].image_path, fail)]
    result = ImportResult(items, ["a", "b", "c"], palette.default_palette(3))
    lost = paddlex_seg.write(result, tmp_path / "out").messages
    assert [str(message) for message in lost] == [
        "m.png is broken.",
        f"1 image has no mask and is left out (the first is {items[0].image_path}).",
    ]
    assert sorted(p.name for p in (tmp_path / "out" / "JPEGImages").iterdir()) == [
        "X_3.jpg",
        "x.png",
        "x_2.png",
    ]
    train = open_data_folder(tmp_path / "out").subsets["train"]
    assert len(train) == 3
    for index, item in enumerate(train):
        np.testing.assert_array_equal(images.read_mask(item.mask), make_mask(index))


def test_a_folder_with_content_is_not_overwritten(tmp_path: Path) -> None:
    source = paddlex_seg.read(make_folder(tmp_path))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("keep")
    with pytest.raises(InputError, match="is not empty"):
        paddlex_seg.write(source, tmp_path / "out")
    assert (tmp_path / "out" / "mine").read_text() == "keep"
