"""Pictures as cameras, phones, GDAL and other tools write them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, features

from core.images.decoding import turned
from core.images.drawing import visualize
from core.images.headers import count_pages
from core.images.io import image_size, read_deep_image, read_image, read_mask, thumbnail
from core.system.errors import InputError

RAMPS = np.stack(
    [
        np.repeat(np.arange(64)[None], 48, 0),
        np.repeat(np.arange(48)[:, None], 64, 1),
        np.arange(64)[None] + np.arange(48)[:, None],
        np.arange(64)[None] * np.arange(48)[:, None] // 12,
    ],
    -1,
)
FILM = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(range(256)) * 40
TRAILER = b"<x:xmpmeta>\xff\xd8\xff\xe0 a second picture \xff\xd9" + b"z" * 64


def follows(read: np.ndarray, bands: np.ndarray) -> bool:
    """Whether blue, green and red of a picture follow the third, second and first band."""
    return all(
        np.corrcoef(read[..., 2 - place].ravel(), bands[..., place].ravel())[0, 1] > 0.98
        for place in range(3)
    )


def photograph(path: Path, **options: object) -> np.ndarray:
    pixels = np.random.default_rng(1).integers(0, 256, (12, 16, 3), np.uint8)
    pixels = cv2.resize(pixels, (64, 48))
    Image.fromarray(pixels).save(path, **options)
    return pixels


@pytest.mark.parametrize("tail", [FILM, b"\0" * 4096, TRAILER], ids=["film", "zeros", "trailer"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_with_something_behind_it_is_whole(tmp_path, tail, progressive):
    path = tmp_path / "a.jpg"
    photograph(path, progressive=progressive, quality=95)
    plain = read_image(path)
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    np.testing.assert_array_equal(read_image(path), plain)
    for part in (0.4, 0.7, 0.95):
        path.write_bytes(whole[: int(len(whole) * part)] + tail)
        with pytest.raises(InputError, match="cut short"):
            read_image(path)


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize(
    "options", [{}, {"subsampling": 0}, {"restart_marker_blocks": 3}], ids=lambda one: str(one)
)
def test_a_jpeg_that_breaks_off_is_not_whole_by_the_end_of_another(tmp_path, options, orientation):
    path, other = tmp_path / "a.jpg", tmp_path / "b.jpg"
    exif = Image.Exif()
    exif[274] = orientation
    pixels = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    Image.fromarray(pixels).save(path, quality=95, exif=exif, **options)
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(other)
    whole, end = path.read_bytes(), other.read_bytes()
    for part in (0.3, 0.5, 0.8):
        for tail in (b"\xff\xd9", end[-40:], end):
            path.write_bytes(whole[: int(len(whole) * part)] + tail)
            with pytest.raises(InputError, match="cut short"):
                read_image(path)
    np.testing.assert_array_equal(read_image(other)[0, 0], [90] * 3)  # flat, and whole


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_mpo_is_a_jpeg_with_its_orientation(tmp_path, orientation):
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:16, :24] = 255
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[274] = orientation
    for name in ("a.mpo", "a.jpg"):
        path = tmp_path / name
        second = Image.fromarray(255 - pixels)
        image.save(path, "MPO", save_all=True, append_images=[second], exif=exif, quality=95)
        upright = turned(pixels, orientation)
        read = read_image(path)
        assert image_size(path) == (upright.shape[1], upright.shape[0])
        assert read.shape == upright.shape
        assert np.abs(read.astype(int) - upright).mean() < 4
        assert thumbnail(path, max_side=32).shape[:2] == tuple(np.array(upright.shape[:2]) // 2)


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".jp2", ".ppm", ".tga", ".gif", ".avif"])
def test_what_pillow_decodes_is_read(tmp_path, suffix):
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    path = tmp_path / f"图{suffix}"
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, 32:] = (200, 40, 20)
    Image.fromarray(pixels).save(path)
    read = read_image(path)
    assert image_size(path) == (64, 48)
    assert np.abs(read[..., ::-1].astype(int) - pixels).mean() < 6
    visualize(path, {"label_map": np.zeros((48, 64), np.uint8)}, save_dir=tmp_path / "out")
    (written,) = (tmp_path / "out").iterdir()
    assert read_image(written).shape == (48, 64, 3)


def test_frames_of_a_film_are_counted(tmp_path):
    frames = [Image.new("RGB", (4, 3), (value, 0, 0)) for value in (1, 99, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "b.gif")
    assert (count_pages(tmp_path / "a.gif"), count_pages(tmp_path / "b.gif")) == (3, 1)


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 2), (np.uint16, 500)])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_three_and_four_bands_are_colour_whatever_they_are_called(
    tmp_path, planes, count, dtype, scale, compression
):
    bands = (RAMPS[..., :count] * scale).astype(dtype)
    data = bands if planes == "contig" else bands.transpose(2, 0, 1)
    options = {"planarconfig": planes, "extrasamples": ["unspecified"] * (count - 1)}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, data, photometric="minisblack", compression=compression, **options)
    assert follows(read_image(path), bands)
    if dtype is np.uint8:  # not stretched
        np.testing.assert_array_equal(read_image(path)[..., ::-1], bands[..., :3])


@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_in_name_and_packed_by_lzw(tmp_path, count, dtype):
    bands = (RAMPS[..., :count] * (2 if dtype is np.uint8 else 500)).astype(dtype)
    order = [2, 1, 0, 3][:count]
    _, packed = cv2.imencode(".tif", bands[..., order], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    path = tmp_path / "a.tif"
    path.write_bytes(packed.tobytes())
    with tifffile.TiffFile(path, mode="r+b") as file:  # what GDAL would have written
        assert file.pages[0].compression == 5
        file.pages[0].tags["PhotometricInterpretation"].overwrite(1)
    assert follows(read_image(path), bands)


@pytest.mark.parametrize(
    ("dtype", "value", "text"),
    [
        (np.uint16, 65535, "65535"),
        (np.int16, -9999, "-9999"),
        (np.float32, np.float32(-3.4028234663852886e38), "-3.4028234663852886e+38"),
        (np.float32, np.nan, "nan"),
    ],
)
def test_what_gdal_calls_no_data_stretches_nothing(tmp_path, dtype, value, text):
    values = (RAMPS[..., 0] * 7 + 200).astype(dtype)
    without = np.zeros(values.shape, bool)
    without[:20, :30] = True
    values[without] = value
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(42113, "s", 0, text, True)])
    shown = read_image(tmp_path / "a.tif")[..., 0]
    assert np.corrcoef(shown[~without], values[~without].astype(float))[0, 1] > 0.99
    assert len(np.unique(shown[~without])) > 50
    assert shown[~without].max() > 250
    assert shown[without].max() == 0


def test_a_whole_image_of_no_data_is_left_as_it_is(tmp_path):
    values = np.full((8, 9), 7, np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(42113, "s", 0, "7", True)])
    np.testing.assert_array_equal(read_deep_image(tmp_path / "a.tif"), values)


MASK = np.array([[0, 1, 2], [255, 2, 0]])


@pytest.mark.parametrize(
    "dtype",
    [np.float16, np.float32, np.float64, np.int16, np.int32, np.int64, np.uint32, np.uint64],
)
def test_whole_numbers_of_any_type_are_class_indices(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", MASK.astype(dtype))
    read = read_mask(tmp_path / "a.tif")
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, MASK)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.where(MASK == 1, 0.5, MASK).astype(np.float32), "holds 0.5, and class indices are"),
        (np.where(MASK == 1, np.nan, MASK), "holds nan, and class indices are whole"),
        (np.where(MASK == 1, -1, MASK).astype(np.int32), "the negative value -1"),
        (np.where(MASK == 1, -1, MASK).astype(np.float64), "the negative value -1"),
        (np.where(MASK == 1, 300, MASK).astype(np.int64), "values up to 300"),
    ],
)
def test_what_is_no_class_index_is_named(tmp_path, values, words):
    tifffile.imwrite(tmp_path / "a.tif", values)
    with pytest.raises(InputError, match=words):
        read_mask(tmp_path / "a.tif")


def test_a_jpeg_is_no_mask_whatever_it_is_called(tmp_path):
    for name in ("a.jpg", "b.png"):
        Image.fromarray(MASK.astype(np.uint8)).save(tmp_path / name, "JPEG")
        with pytest.raises(InputError, match="is a JPEG, whose compression changes the values"):
            read_mask(tmp_path / name)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_images_in_planes_are_turned_as_others(tmp_path, orientation):
    values = RAMPS[..., 3].astype(np.float16)
    tag = (274, "H", 1, orientation, True)
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[tag], metadata=None)
    image = Image.fromarray(RAMPS[..., 3].astype(np.uint8))
    exif = image.getexif()
    exif[274] = orientation
    image.save(tmp_path / "b.png", exif=exif)
    deep, plain = read_deep_image(tmp_path / "a.tif"), read_image(tmp_path / "b.png")[..., 0]
    np.testing.assert_array_equal(deep, plain)
