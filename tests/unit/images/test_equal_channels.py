"""Grey that a program saved as colours: an index where nothing else can be meant."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from core.images.equal_channels import equal_channels
from core.images.io import read_mask
from core.system.errors import InputError

GREY = np.array([[0, 1, 2], [255, 7, 0]], np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_equal_channels_are_one(mode, tmp_path):
    image = Image.fromarray(GREY).convert(mode)
    np.testing.assert_array_equal(equal_channels(image), GREY)
    image.save(tmp_path / "灰.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "灰.png"), GREY)


@pytest.mark.parametrize("channel", range(3))
def test_one_pixel_that_differs_is_enough(channel):
    pixels = np.repeat(GREY[..., None], 3, axis=2)
    pixels[1, 2, channel] = 1
    assert equal_channels(Image.fromarray(pixels)) is None


def test_the_shape_may_be_in_alpha():
    image = Image.fromarray(GREY).convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    assert equal_channels(image) is None
    assert equal_channels(Image.fromarray(GREY)) is None


def test_sixteen_bits_are_not_cut_to_eight(tmp_path):
    deep = np.repeat(GREY[..., None], 3, axis=2).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    with pytest.raises(InputError, match="3 channels"):
        read_mask(tmp_path / "a.png")
