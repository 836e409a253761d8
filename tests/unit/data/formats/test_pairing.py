"""Which mask belongs to which image: one rule for folders with lists or without."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from format_samples import MASK, mask_of, save_image, save_mask

from core.data.formats import ConversionReport, index_masks, paddlex_seg, registry
from core.data.formats.detection import detect_format
from core.data.formats.pairing import pair_folder
from core.images.io import write_image
from core.system.errors import InputError

OTHER = np.flip(MASK, 1).copy()


def pairs_of(folder, *names):
    files = []
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        files.append(path)
    return {
        image.relative_to(folder).as_posix(): mask and mask.relative_to(folder).as_posix()
        for image, mask in pair_folder(files, folder).pairs
    }


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/x.jpg", "masks/x_mask.png"),
        ("images/x.ome.tif", "masks/x.tif"),
        ("images/x.ome.tiff", "masks/x.ome.tif"),
        ("images/x.jpg", "masks/x.jpg.png"),
        ("x.png", "x-gt.png"),
        ("images/cam.1.2024.jpg", "masks/cam.1.2024.png"),
        ("images/image_001.png", "masks/mask_001.png"),
        ("JPEGImages/X.JPG", "SegmentationClass/x.PNG"),
        ("images/a.gif", "masks/a.gif"),
    ],
)
def test_endings_suffixes_and_case_do_not_part_a_pair(tmp_path, image, mask):
    assert pairs_of(tmp_path, image, mask) == {image: mask}


def test_normal_forms_are_one_name(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Größe é") for form in ("NFC", "NFD"))
    image, mask = f"images/{decomposed}.jpg", f"masks/{composed}.png"
    assert pairs_of(tmp_path, image, mask) == {image: mask}


@pytest.mark.parametrize(
    "layout", ["{kind}/{subset}/0{end}", "{subset}/{kind}/0{end}", "{subset}/0{ending}{end}"]
)
def test_images_of_one_name_get_the_mask_of_their_own_folder(tmp_path, layout):
    for subset, mask in (("train", MASK), ("val", OTHER)):
        place = {"subset": subset}
        save_image(tmp_path / layout.format(kind="image", ending="", end=".jpg", **place))
        save_mask(tmp_path / layout.format(kind="label", ending="_mask", end=".png", **place), mask)
    result = index_masks.read(tmp_path)
    masks = {item.subset: item.mask() for item in result.items}
    np.testing.assert_array_equal(masks["train"], MASK)
    np.testing.assert_array_equal(masks["val"], OTHER)


def test_a_mask_of_another_subset_is_never_taken(tmp_path):
    found = pairs_of(tmp_path, "images/val/0.jpg", "masks/train/0.png")
    assert found == {"images/val/0.jpg": None}


def test_both_readers_pair_alike_and_list_what_has_no_partner(tmp_path):
    for stem in ("a", "b"):
        save_image(tmp_path / f"images/{stem}.jpg")
    save_mask(tmp_path / "masks/a_mask.png")
    save_mask(tmp_path / "masks/alone.png")
    for reader in (paddlex_seg, index_masks):
        result = reader.read(tmp_path)
        found = {item.image_path.name: item.mask is None for item in result.items}
        assert found == {"a.jpg": False, "b.jpg": True}
        np.testing.assert_array_equal(mask_of(result), MASK)
        told = " ".join(map(str, result.report.messages))
        assert "1 mask has no image" in told and "alone.png" in told
        assert "1 image has no annotation" in told and "b.jpg" in told


def test_a_mask_for_two_images_is_told(tmp_path):
    report = ConversionReport()
    files = [tmp_path / name for name in ("images/a.jpg", "images/a.png", "masks/a.png")]
    pair_folder(files, tmp_path).report(report)
    assert "2 images share a mask" in str(report.messages[0])


@pytest.mark.parametrize("mask", ["masks/{}.jpg", "images/{}_mask.jpeg"])
def test_masks_with_loss_are_refused_with_the_reason(tmp_path, mask):
    for stem in ("a", "b"):
        save_image(tmp_path / f"images/{stem}.jpg")
        path = tmp_path / mask.format(stem)
        path.parent.mkdir(exist_ok=True)
        write_image(path, np.full((3, 4, 3), 255, np.uint8))
    with pytest.raises(InputError, match="2 masks are JPEGs"):
        registry.read(detect_format(tmp_path), tmp_path)
    save_image(tmp_path / "images/c.jpg")
    (tmp_path / "masks").mkdir(exist_ok=True)
    save_mask(tmp_path / "masks/c.png")
    result = registry.read(detect_format(tmp_path), tmp_path)
    known = {item.image_path.name: item.mask is not None for item in result.items}
    assert known == {"a.jpg": False, "b.jpg": False, "c.jpg": True}
    assert "2 masks are JPEGs" in " ".join(map(str, result.report.messages))


@pytest.mark.parametrize("names", [("images", "masks"), ("image", "label")])
def test_masks_of_0_and_255_are_background_and_one_object(tmp_path, names):
    white = np.where(MASK == 1, 255, 0).astype(np.uint8)
    for stem in ("a", "b"):
        save_image(tmp_path / names[0] / f"{stem}.png")
        save_mask(tmp_path / names[1] / f"{stem}.png", white)
    result = registry.read(detect_format(tmp_path), tmp_path)
    assert result.labels == ["background", "foreground"]
    np.testing.assert_array_equal(mask_of(result), MASK == 1)
    assert "255 is taken as a class" in " ".join(map(str, result.report.messages))
    (tmp_path / "labels.txt").write_text("background\nobject\n")
    result = registry.read(detect_format(tmp_path), tmp_path)
    np.testing.assert_array_equal(mask_of(result), white)  # as training would read it
    assert "255 is ignored" in " ".join(map(str, result.report.messages))
