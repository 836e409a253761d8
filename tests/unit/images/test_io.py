from __future__ import annotations

import io
import struct
import zlib
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from damaged_files import count_refused
from PIL import Image, ImageOps

from core.images import io as images
from core.images import palette
from core.system.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "图像 一"
    path.mkdir()
    return path


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
def test_written_images_read_back(folder: Path, rgb: np.ndarray, suffix: str) -> None:
    path = folder / f"a{suffix}"
    images.write_image(path, rgb)
    read = images.read_image(path)
    assert read.dtype == np.uint8
    tolerance = 60 if suffix == ".webp" else 0  # lossy on noise
    assert np.abs(read.astype(int) - rgb).mean() <= tolerance
    assert images.image_size(path) == (30, 20)


def test_channels_are_bgr_and_grey_is_repeated(folder: Path) -> None:
    Image.new("RGB", (4, 3), (10, 20, 30)).save(folder / "a.png")
    assert images.read_image(folder / "a.png")[0, 0].tolist() == [30, 20, 10]
    Image.new("L", (4, 3), 7).save(folder / "b.png")
    assert images.read_image(folder / "b.png")[0, 0].tolist() == [7, 7, 7]
    Image.new("RGBA", (4, 3), (10, 20, 30, 0)).save(folder / "c.png")
    assert images.read_image(folder / "c.png")[0, 0].tolist() == [30, 20, 10]
    Image.new("CMYK", (4, 3), (0, 0, 0, 0)).save(folder / "d.jpg")
    assert images.read_image(folder / "d.jpg").shape == (3, 4, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp"])
def test_the_cameras_orientation_is_applied(folder: Path, orientation: int, suffix: str) -> None:
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:16, :16] = 255
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = orientation
    path = folder / f"a{suffix}"
    image.save(path, exif=exif)
    with Image.open(path) as stored:
        upright = np.asarray(ImageOps.exif_transpose(stored).convert("RGB")).astype(int)
    read = images.read_image(path)
    assert read.shape == upright.shape
    assert np.abs(read - upright).max() < 20
    assert images.image_size(path) == (read.shape[1], read.shape[0])
    thumbnail = images.thumbnail(path, max_side=16)
    assert thumbnail.shape[0] / thumbnail.shape[1] == read.shape[0] / read.shape[1]


def test_an_orientation_behind_the_pixels_of_a_png_counts(folder: Path) -> None:
    image = Image.fromarray(np.zeros((32, 64, 3), np.uint8))
    exif = image.getexif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    image.save(stream, "PNG", exif=exif)
    data = stream.getvalue()
    start = data.index(b"eXIf") - 4
    end = start + 12 + struct.unpack(">I", data[start : start + 4])[0]
    tail = len(data) - 12  # the last chunk, IEND
    path = folder / "a.png"
    path.write_bytes(data[:start] + data[end:tail] + data[start:end] + data[tail:])
    assert images.read_image(path).shape == (64, 32, 3)
    assert images.image_size(path) == (32, 64)


def test_thumbnail_is_a_small_picture_of_the_whole(folder: Path) -> None:
    pixels = np.full((400, 900, 3), 50, np.uint8)
    pixels[:, 450:] = 200
    for suffix in (".jpg", ".png"):
        images.write_image(folder / f"a{suffix}", pixels)
        small = images.thumbnail(folder / f"a{suffix}", max_side=90)
        assert small.shape == (40, 90, 3)
        assert abs(int(small[20, 20, 0]) - 50) < 4
        assert abs(int(small[20, 70, 0]) - 200) < 4
    assert images.thumbnail(folder / "a.png", max_side=2000).shape == (400, 900, 3)


def test_a_thumbnail_of_grey_or_floating_point_pixels_has_three_channels(folder: Path) -> None:
    grey = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None], 60, axis=0)
    images.write_image(folder / "grey.png", grey)
    small = images.thumbnail(folder / "grey.png", max_side=50)
    assert small.shape == (30, 50, 3)
    assert np.array_equal(small[..., 0], small[..., 2])
    values = grey.astype(np.float32) / 100 - 7
    values[0, 0] = np.nan
    Image.fromarray(values).save(folder / "float.tif")
    spread = images.thumbnail(folder / "float.tif", max_side=50)
    assert spread.shape == (30, 50, 3)
    assert spread[20, 0, 0] < 5
    assert spread[20, -1, 0] > 250


def damaged(kind: str, rgb: np.ndarray) -> bytes:
    if kind == "text":
        return b"no image at all"
    if kind == "empty":
        return b""
    stream = io.BytesIO()
    image = Image.fromarray(rgb).resize((300, 200))
    if kind == "jpeg with thumbnail":
        image.save(stream, "JPEG")
        whole = stream.getvalue()
        inner = io.BytesIO()
        image.resize((30, 20)).save(inner, "JPEG")
        segment = b"Exif\0\0" + inner.getvalue()
        head = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment
        return head + whole[2 : len(whole) // 2]
    if kind == "PNG with a flipped bit":
        image.save(stream, "PNG")
        data = bytearray(stream.getvalue())
        data[len(data) // 2] ^= 1
        return bytes(data)
    image.save(stream, kind)
    return stream.getvalue()[: len(stream.getvalue()) // 2]


@pytest.mark.parametrize(
    "kind",
    [
        "text",
        "empty",
        "JPEG",
        "PNG",
        "BMP",
        "TIFF",
        "WEBP",
        "jpeg with thumbnail",
        "PNG with a flipped bit",
    ],
)
def test_damaged_images_are_one_sentence(folder: Path, rgb: np.ndarray, kind: str) -> None:
    path = folder / "坏 bad.jpg"
    path.write_bytes(damaged(kind, rgb))
    with pytest.raises(InputError, match=r"坏 bad.jpg is (unreadable|cut short)"):
        images.read_image(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp", ".webp"])
def test_any_damage_is_one_sentence_or_nothing(folder: Path, rgb: np.ndarray, suffix: str) -> None:
    path = folder / f"a{suffix}"
    images.write_image(path, rgb)
    readers = (images.read_image, images.read_mask, images.image_size)
    refused = count_refused(path, readers, head=150)
    assert refused > 60  # at least every mask: it has three channels


def test_whole_jpeg_with_bytes_after_its_end_is_read(folder: Path, rgb: np.ndarray) -> None:
    images.write_image(folder / "a.jpg", rgb)
    data = (folder / "a.jpg").read_bytes()
    (folder / "a.jpg").write_bytes(data + b"\0" * 100)
    assert images.read_image(folder / "a.jpg").shape == rgb.shape


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_missing_and_huge_images(folder: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        images.read_image(folder / "none.png")
    with pytest.raises(InputError, match="does not exist"):
        images.image_size(folder / "none.png")
    with pytest.raises(InputError, match="more than 500 million"):
        images.image_size(bomb(folder, 60000))
    for side in (25000, 60000):
        for read in (images.read_image, images.read_mask):
            with pytest.raises(InputError, match="more than 500 million"):
                read(bomb(folder, side))


def bomb(folder: Path, side: int) -> Path:
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    (folder / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    return folder / "bomb.png"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_masks_keep_their_stored_values(folder: Path) -> None:
    values = np.array([[0, 1, 2], [3, 0, 255]], np.uint8)
    Image.fromarray(values).save(folder / "grey.png")
    palette = Image.fromarray(values).convert("L")
    palette.putpalette([200] * 768)
    palette.save(folder / "palette.png")
    Image.fromarray(values.astype(np.uint16)).save(folder / "deep.png")
    for name in ("grey", "palette", "deep"):
        read = images.read_mask(folder / f"{name}.png")
        assert read.dtype == np.uint8
        np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_masks_of_few_bits_are_not_stretched(folder: Path, bits: int) -> None:
    top = 2**bits - 1
    row = np.array([0, 1, top, 0], np.uint8)
    text = "".join(f"{value:0{bits}b}" for value in row)
    packed = int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")
    (folder / "m.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, bits, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0" + packed))
        + chunk(b"IEND", b"")
    )
    assert images.read_mask(folder / "m.png").tolist() == [row.tolist()]


def test_masks_that_are_none(folder: Path, rgb: np.ndarray) -> None:
    images.write_image(folder / "rgb.png", rgb)
    with pytest.raises(InputError, match=r"rgb\.png has 3 channels"):
        images.read_mask(folder / "rgb.png")
    Image.fromarray(np.array([[0, 300]], np.uint16)).save(folder / "deep.png")
    with pytest.raises(InputError, match="values up to 300"):
        images.read_mask(folder / "deep.png")


def test_mask_written_with_palette(folder: Path) -> None:
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    images.write_mask(folder / "遮罩 m.png", mask, palette=[(1, 2, 3), (4, 5, 6)])
    np.testing.assert_array_equal(images.read_mask(folder / "遮罩 m.png"), mask)
    with Image.open(folder / "遮罩 m.png") as stored:
        assert stored.mode == "P"
        shown = np.asarray(stored.convert("RGB")).reshape(256, 3)
    assert shown[0].tolist() == [1, 2, 3]
    assert shown[1].tolist() == [4, 5, 6]
    assert tuple(shown[2]) == palette.default_palette(3)[2]
    assert shown[255].tolist() == [255, 255, 255]
    with pytest.raises(ValueError, match="uint8"):
        images.write_mask(folder / "b.png", mask.astype(np.int64))


def test_palette_is_stable_and_distinct() -> None:
    assert palette.default_palette(5) == palette.default_palette(40)[:5]
    assert len(set(palette.default_palette(256))) == 256
    grey = palette.default_palette(1)[0]
    assert len(set(grey)) == 1
    lab = cv2.cvtColor(
        np.array([palette.default_palette(16)], np.float32) / 255, cv2.COLOR_RGB2LAB
    )[0]
    assert min(np.linalg.norm(a - b) for a, b in combinations(lab, 2)) > 15


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("TIFF", ".tif")])
def test_suffix_fits_the_bytes(rgb: np.ndarray, kind: str, suffix: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, kind)
    assert images.image_suffix(stream.getvalue()) == suffix
    assert images.image_suffix(b"GIF8") is None
