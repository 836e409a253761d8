"""Image files as the rest of the program reads them, with OpenCV alone."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from core.images.io import read_image
from core.portable.picture_headers import MAX_PIXELS, read_picture_header
from core.portable.pictures import PICTURE_SUFFIXES, decode_picture, read_picture
from core.portable.portable_error import PortableError
from core.system.errors import InputError

RNG = np.random.default_rng(0)
RGB = cv2.resize(RNG.integers(0, 256, (12, 16, 3), np.uint8), (64, 48))
GREY = RGB[..., 0]
DEEP = (RNG.integers(300, 4000, (48, 64)) + np.arange(64) * 20).astype(np.uint16)
FRACTIONS = RNG.normal(0, 3, (48, 64)).astype(np.float32)


def _pillow(pixels: np.ndarray, **options: object) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(pixels).save(path, **options)


def _mode(mode: str, **options: object) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(RGB).convert(mode).save(path, **options)


def _tiff(pixels: np.ndarray, **options: object) -> Callable[[Path], None]:
    return lambda path: tifffile.imwrite(path, pixels, **options)


def _turned(orientation: int) -> Callable[[Path], None]:
    exif = Image.Exif()
    exif[274] = orientation
    return lambda path: Image.fromarray(RGB).save(path, exif=exif)


def _bytes(suffix: str, pixels: np.ndarray, *flags: int) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(cv2.imencode(suffix, pixels, flags)[1].tobytes()) and None


SAMPLES = {
    "rgb.png": _pillow(RGB),
    "grey.png": _pillow(GREY),
    "alpha.png": _mode("RGBA"),
    "grey alpha.png": _mode("LA"),
    "palette.png": _mode("P"),
    "bits.png": _mode("1"),
    "deep.png": _pillow(DEEP),
    "deep colours.png": _bytes(".png", np.dstack([DEEP, DEEP // 2, DEEP // 3])),
    "deep alpha.png": _bytes(".png", np.dstack([DEEP, DEEP // 2, DEEP // 3, DEEP])),
    "rgb.jpg": _pillow(RGB, quality=90),
    "progressive.jpg": _pillow(RGB, quality=90, progressive=True),
    "grey.jpg": _pillow(GREY),
    "four inks.jpg": _mode("CMYK"),
    "rgb.bmp": _pillow(RGB),
    "grey.bmp": _pillow(GREY),
    "rgb.webp": _pillow(RGB, lossless=True),
    "lossy.webp": _pillow(RGB),
    "alpha.webp": _mode("RGBA"),
    "rgb.ppm": _pillow(RGB),
    "grey.pgm": _pillow(GREY),
    "bits.pbm": _mode("1"),
    "rgb.tif": _pillow(RGB),
    "grey.tif": _pillow(GREY),
    "packed.tif": _pillow(RGB, compression="tiff_lzw"),
    "alpha.tif": _mode("RGBA"),
    "deep.tif": _tiff(DEEP),
    "deep big.tif": _tiff(DEEP, bigtiff=True),
    "deep motorola.tif": _tiff(DEEP, byteorder=">"),
    "deep inverted.tif": _tiff(DEEP, photometric="miniswhite"),
    "deep colours.tif": _tiff(np.dstack([DEEP, DEEP // 2, DEEP // 3]), photometric="rgb"),
    "signed.tif": _tiff(DEEP.astype(np.int16) - 900),
    "wide.tif": _tiff(DEEP.astype(np.int32) * 3),
    "fractions.tif": _tiff(FRACTIONS),
    "double.tif": _tiff(FRACTIONS.astype(np.float64)),
    "no data.tif": _tiff(
        np.where(DEEP > 5000, 65535, DEEP).astype(np.uint16),
        extratags=[(42113, 2, 6, "65535\0", True)],
    ),
    "tiles.tif": _tiff(GREY, tile=(32, 32)),
    "pages.tif": _tiff(np.stack([RGB, RGB[::-1]]), photometric="rgb"),
    **{f"turned {one}{end}": _turned(one) for one in range(1, 9) for end in (".jpg", ".png")},
    **{f"turned {one}.tif": _turned(one) for one in (1, 3, 6, 8)},
    **{f"turned {one}.webp": _turned(one) for one in (1, 6)},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_pixels_are_those_of_the_program(tmp_path, name):
    file = tmp_path / f"零 {name}"
    SAMPLES[name](file)
    pixels = read_picture(file)
    assert (pixels.dtype, pixels.ndim, pixels.shape[2]) == (np.uint8, 3, 3)
    assert pixels.flags["C_CONTIGUOUS"] and np.ptp(pixels) > 100
    np.testing.assert_array_equal(pixels, read_image(file))
    assert file.suffix in PICTURE_SUFFIXES


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("planes.tif", _tiff(np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate")),
        ("bands.tif", _tiff(RGB, photometric="minisblack", planarconfig="contig")),
        ("halves.tif", _tiff(FRACTIONS.astype(np.float16))),
        ("deep.pgm", _pillow(DEEP)),
    ],
)
def test_kinds_that_need_other_libraries_are_named(tmp_path, name, write):
    write(tmp_path / name)
    read_image(tmp_path / name)  # which has them
    with pytest.raises(PortableError, match=f"{name} is of a kind that is not read here .*PNG"):
        read_picture(tmp_path / name)


def test_many_channels_and_other_formats(tmp_path):
    _tiff(np.zeros((8, 8, 6), np.uint8), photometric="minisblack", planarconfig="contig")(
        tmp_path / "many.tif"
    )
    with pytest.raises(PortableError, match="6 channels"):
        read_picture(tmp_path / "many.tif")
    for data in (b"", b"GIF89a" + bytes(20), b"no image", b"II*\0", b"BM", b"\xff\xd8\xff\xe0"):
        with pytest.raises(PortableError, match="unreadable"):
            decode_picture(data)
    with pytest.raises(PortableError, match="does not exist"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(PortableError, match="unreadable"):
        read_picture(tmp_path)


@pytest.mark.parametrize("name", ["rgb.png", "rgb.jpg", "progressive.jpg", "rgb.tif", "tiles.tif"])
@pytest.mark.parametrize("part", [0.4, 0.7, 0.95])
def test_files_that_are_cut_short_are_refused(tmp_path, name, part):
    file = tmp_path / name
    SAMPLES[name](file)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(InputError):
        read_image(file)
    with pytest.raises(PortableError, match=r"cut short|unreadable"):
        read_picture(file)


def test_the_end_of_another_picture_is_not_the_first_ones():
    stream = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(stream, "JPEG")
    other, pixels = stream.getvalue(), RNG.integers(0, 256, (240, 320, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    whole = stream.getvalue()
    for part in (0.3, 0.6, 0.9):
        for tail in (b"\xff\xd9", other):
            with pytest.raises(PortableError, match="cut short"):
                decode_picture(whole[: int(len(whole) * part)] + tail)
    decode_picture(whole + other + bytes(200))
    assert decode_picture(other)[0, 0].tolist() == [90] * 3  # flat, and whole


def _png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _jpeg_of(width: int, height: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


def _tiff_of(width: int, height: int) -> bytes:
    tags = [struct.pack("<HHII", 256, 4, 1, width), struct.pack("<HHII", 257, 4, 1, height)]
    return b"II*\0" + struct.pack("<IH", 8, 2) + b"".join(tags) + bytes(4)


@pytest.mark.parametrize(
    "data",
    [
        _png(40_000, 20_000),
        _jpeg_of(40_000, 20_000),
        _tiff_of(40_000, 20_000),
        b"BM" + bytes(12) + struct.pack("<Iii", 40, 40_000, -20_000) + bytes(40),
        b"P6 40000 # wide\n20000 255\n",
        b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (39_999).to_bytes(3, "little") * 2 + bytes(9),
    ],
    ids=["png", "jpeg", "tiff", "bmp", "ppm", "webp"],
)
def test_huge_images_are_refused_before_they_are_decoded(data, monkeypatch):
    monkeypatch.setattr("cv2.imdecode", None)
    with pytest.raises(PortableError, match=f"more than {MAX_PIXELS // 10**6} million pixels"):
        decode_picture(data, name="x")


@pytest.mark.parametrize("name", ["rgb.png", "deep.tif", "deep big.tif", "rgb.jpg", "rgb.bmp"])
def test_any_damage_is_one_sentence_or_nothing(tmp_path, name):
    file = tmp_path / name
    SAMPLES[name](file)
    data, rng = bytearray(file.read_bytes()), np.random.default_rng(1)
    refused = 0
    for _ in range(80):
        damaged = bytearray(data)
        for place in rng.integers(0, min(len(data), 200), 3):
            damaged[place] = rng.integers(256)
        try:
            decode_picture(bytes(damaged))
        except PortableError:
            refused += 1
    assert refused > 5


def test_sizes_are_those_of_the_headers(tmp_path):
    for name, write in SAMPLES.items():
        write(tmp_path / name)
        header = read_picture_header(name, (tmp_path / name).read_bytes())
        assert (header.width, header.height) == (64, 48), name
