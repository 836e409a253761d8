"""Images in memory are brought to what the same image becomes when it is read from a file."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from core.images.in_memory import as_image
from core.images.io import read_image
from core.system.errors import InputError

RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (12, 17, 3), dtype=np.uint8)
RGB[0, 0], RGB[0, 1] = 255, 0
BGR = np.ascontiguousarray(RGB[..., ::-1])
GREY = np.ascontiguousarray(RGB[..., 0])
GREY3 = np.stack([GREY] * 3, -1)
DEEP = (GREY.astype(np.uint16) * 181 + 1000).astype(np.uint16)
ALPHA = np.full(GREY.shape, 7, np.uint8)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (BGR, BGR),
        (RGB[..., ::-1], BGR),  # not contiguous
        (np.dstack([BGR, ALPHA]), BGR),
        (GREY, GREY3),
        (GREY[..., None], GREY3),
        (np.dstack([GREY, ALPHA]), GREY3),
        *[(BGR.astype(kind), BGR) for kind in ("i2", "u4", "i4", "i8", ">i4", "f2", "f4", "f8")],
        *[((BGR / 255).astype(kind), BGR) for kind in ("f4", "f8")],
        (np.dstack([BGR, ALPHA]) / 255, BGR),
        ((GREY / 255).astype(np.float32), GREY3),
        (GREY > 99, np.stack([np.where(GREY > 99, 255, 0)] * 3, -1)),
        (BGR > 99, np.where(BGR > 99, 255, 0)),
        (np.where(GREY > 99, np.nan, 0.0), np.zeros_like(BGR)),
        (Image.fromarray(RGB), BGR),
        (Image.fromarray(GREY), GREY3),
        (Image.fromarray(np.dstack([RGB, ALPHA])), BGR),
        (Image.fromarray(np.dstack([GREY, ALPHA])), GREY3),
        (Image.fromarray(RGB).convert("HSV"), None),
        (Image.fromarray(RGB).convert("CMYK"), BGR),
        (Image.fromarray((GREY / 255).astype(np.float32)), GREY3),
        (Image.fromarray(GREY > 99), np.stack([np.where(GREY > 99, 255, 0)] * 3, -1)),
    ],
)
def test_values_and_channels(given, expected):
    image = as_image(given)
    assert image.dtype == np.uint8
    assert image.shape == BGR.shape
    assert image.flags.c_contiguous
    if expected is not None:
        np.testing.assert_array_equal(image, expected)


def test_palette_gives_its_colours(tmp_path):
    image = Image.fromarray(RGB).quantize(16)
    image.save(tmp_path / "p.png")
    np.testing.assert_array_equal(as_image(image), read_image(tmp_path / "p.png"))


@pytest.mark.parametrize("kind", ["grey", "colour", "Pillow", "Pillow I", "big-endian"])
def test_sixteen_bits_as_their_file(tmp_path, kind):
    stored = np.stack([DEEP] * 3, -1) if kind == "colour" else DEEP
    cv2.imwrite(str(tmp_path / "d.png"), stored)
    given = {
        "Pillow": lambda: Image.fromarray(DEEP),
        "Pillow I": lambda: Image.fromarray(DEEP.astype(np.int32)),
        "big-endian": lambda: DEEP.astype(">u2"),
    }.get(kind, lambda: stored)()
    image = as_image(given)
    assert image.min() == 0
    assert image.max() == 255
    np.testing.assert_array_equal(image, read_image(tmp_path / "d.png"))


@pytest.mark.parametrize(
    "values",
    [
        DEEP.astype(np.float32),
        DEEP.astype(np.float32) / 7 - 500,
        DEEP.astype(np.int32) * 9 - 70_000,
    ],
)
def test_values_beyond_bytes_as_their_file(tmp_path, values):
    Image.fromarray(values).save(tmp_path / "v.tif")
    np.testing.assert_array_equal(as_image(values), read_image(tmp_path / "v.tif"))


def test_a_pillow_image_is_turned_as_its_file(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as image:
        turned = as_image(image)
    assert turned.shape == (17, 12, 3)
    np.testing.assert_array_equal(turned, read_image(tmp_path / "turned.png"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "None is no image: an image is a path"),
        (3, "int is no image"),
        (np.zeros((4, 4, 5), np.uint8), r"shape \(4, 4, 5\)"),
        (np.zeros((3, 40, 40), np.uint8), r"shape \(3, 40, 40\)"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"shape \(1, 4, 4, 3\)"),
        (np.zeros((0, 0, 3), np.uint8), r"shape \(0, 0, 3\)"),
        (np.zeros(4), r"shape \(4,\)"),
        (BGR.astype(np.complex64), "array of complex64"),
        (np.array([["a"]]), "array of <U1"),
        (np.array([[None]]), "array of object"),
        (np.full((4, 4, 3), np.nan), "no finite value"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        as_image(given)
    assert "\n" not in str(caught.value)


def test_a_pillow_image_that_is_cut_short_is_refused(tmp_path):
    file = tmp_path / "cut.png"
    Image.fromarray(RNG.integers(0, 256, (99, 99, 3), dtype=np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:9000])
    with Image.open(file) as image, pytest.raises(InputError, match=r"cut\.png cannot be read"):
        as_image(image)
