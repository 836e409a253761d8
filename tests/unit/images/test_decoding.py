"""Images of 16 bits and of floating-point numbers: how they are read as 8 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from damaged_files import count_refused
from PIL import Image

from core.images import io as images
from core.portable.window_level import to_display
from core.system.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "图像 一"
    path.mkdir()
    return path


RAMP = np.linspace(0, 1, 90)[None].repeat(60, axis=0)
DEEP = [
    (RAMP * 4095, np.uint16),
    (RAMP * 4000 - 1000, np.int16),
    (RAMP * 1e6 - 1e5, np.int32),
    (RAMP * 3e9, np.uint32),
    (RAMP * 100 - 50, np.int8),
    (RAMP * 1e-3, np.float16),
    (RAMP * 1e-6, np.float32),
    (RAMP * 1e30, np.float64),
    (np.dstack([RAMP, RAMP, RAMP]) * 4095, np.uint16),
    (np.dstack([RAMP, RAMP, RAMP]), np.float32),
]


@pytest.mark.parametrize(
    ("values", "dtype"), DEEP, ids=lambda item: item.__name__ if isinstance(item, type) else ""
)
def test_deep_images_are_spread_from_black_to_white(
    folder: Path, values: np.ndarray, dtype: type
) -> None:
    path = folder / "深 a.tif"
    photometric = "rgb" if values.ndim == 3 else "minisblack"
    tifffile.imwrite(path, values.astype(dtype), photometric=photometric)
    assert images.image_size(path) == (90, 60)
    read = images.read_image(path)
    assert read.shape == (60, 90, 3)
    assert read.dtype == np.uint8
    assert np.abs(read[..., 1] - 255 * RAMP).max() < 3
    assert read[0, 0].tolist() == [0, 0, 0]
    assert read[0, -1].tolist() == [255, 255, 255]
    small = images.thumbnail(path, max_side=90)
    assert np.array_equal(small, read)
    deep = images.read_deep_image(path)
    assert np.array_equal(to_display(deep), read[..., 0] if deep.ndim == 2 else read)


def test_what_is_no_number_is_black_and_one_hot_pixel_darkens_nothing(folder: Path) -> None:
    values = RAMP.astype(np.float32)
    values[5, 40], values[6, 40], values[7, 40], values[8, 40] = np.nan, np.inf, -np.inf, 1e30
    tifffile.imwrite(folder / "a.tif", values)
    read = images.read_image(folder / "a.tif")[..., 0]
    assert read[5:9, 40].tolist() == [0, 255, 0, 255]
    assert np.abs(read[20] - 255 * RAMP[0]).max() < 3
    tifffile.imwrite(folder / "b.tif", np.full((4, 4), np.nan, np.float32))
    assert not images.read_image(folder / "b.tif").any()


def test_colours_in_planes_inverted_grey_and_alpha_of_sixteen_bits(folder: Path) -> None:
    red, green, blue = RAMP * 4095, RAMP[:, ::-1] * 4095, RAMP * 0
    for planes in ("contig", "separate"):
        stack = np.stack([red, green, blue], 0 if planes == "separate" else -1).astype(np.uint16)
        for orientation in (1, 6):
            path = folder / f"{planes} {orientation}.tif"
            tag = (274, "H", 1, orientation, True)
            tifffile.imwrite(
                path, stack, photometric="rgb", planarconfig=planes, extratags=[tag], metadata=None
            )
            read = images.read_image(path)
            upright = read if orientation == 1 else np.rot90(read, 1)
            assert images.image_size(path) == (read.shape[1], read.shape[0])
            assert upright.shape == (60, 90, 3)
            assert upright[0, 0].tolist() == [0, 255, 0]
            assert upright[0, -1].tolist() == [0, 0, 255]
    tifffile.imwrite(folder / "w.tif", red.astype(np.uint16), photometric="miniswhite")
    assert images.read_image(folder / "w.tif")[0, [0, -1], 0].tolist() == [255, 0]
    assert images.read_deep_image(folder / "w.tif")[0, 0] == 65535
    alpha = np.dstack([red, red, red, np.zeros_like(red)]).astype(np.uint16)
    tifffile.imwrite(folder / "rgba.tif", alpha, photometric="rgb", extrasamples=["unassalpha"])
    assert images.read_image(folder / "rgba.tif")[0, -1].tolist() == [255, 255, 255]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_any_damage_of_a_deep_image_is_one_sentence_or_nothing(folder: Path, dtype: type) -> None:
    tifffile.imwrite(folder / "a.tif", (RAMP * 100).astype(dtype))
    readers = (images.read_image, images.read_deep_image, images.image_size)
    refused = count_refused(folder / "a.tif", readers, head=300)
    assert refused > 10


def test_more_channels_than_colour_are_refused(folder: Path) -> None:
    stack = np.zeros((6, 9, 5), np.uint16)
    tifffile.imwrite(folder / "a.tif", stack, photometric="minisblack", planarconfig="contig")
    with pytest.raises(InputError, match=r"a\.tif has 5 channels"):
        images.read_image(folder / "a.tif")


def test_sixteen_bits_can_be_scaled_over_the_full_range(folder: Path) -> None:
    values = np.array([[0, 257 * 100, 65535]], np.uint16)
    Image.fromarray(values).save(folder / "a.png")
    read = images.read_image(folder / "a.png", full_range=True)
    assert read[0, :, 0].tolist() == [0, 100, 255]


def test_twelve_bits_of_a_camera_are_not_black(folder: Path) -> None:
    values = np.repeat(np.arange(0, 4096, 16, dtype=np.uint16)[None], 60, axis=0)
    Image.fromarray(values).save(folder / "a.png")
    for read in (
        images.read_image(folder / "a.png"),
        images.thumbnail(folder / "a.png", max_side=64),
    ):
        assert read.min() < 5
        assert read.max() > 250
        assert abs(read.mean() - 127.5) < 1
