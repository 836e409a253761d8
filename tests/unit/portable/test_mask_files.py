"""Masks as indexed PNGs, written and read without an image library."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from core.images.io import read_mask
from core.portable.mask_files import decode_label_map, encode_label_map
from core.portable.portable_error import PortableError

COLORS = ((10, 20, 30), (200, 0, 0), (0, 0, 250))


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (301, 5)])
def test_masks_are_read_back_by_everyone(tmp_path, size):
    label_map = np.random.default_rng(0).choice(np.array([0, 1, 2, 255], np.uint8), size)
    data = encode_label_map(label_map, COLORS)
    np.testing.assert_array_equal(decode_label_map(data), label_map)
    (tmp_path / "a.png").write_bytes(data)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), label_map)
    with Image.open(io.BytesIO(data)) as image:
        image.verify()  # the checksums
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    for index, color in enumerate(COLORS):
        assert (shown[label_map == index] == color[::-1]).all()


def test_other_files_are_refused():
    good = encode_label_map(np.zeros((20, 30), np.uint8), COLORS)
    grey = cv2.imencode(".png", np.zeros((20, 30), np.uint8))[1].tobytes()
    stream = io.BytesIO()
    pixels = np.arange(600, dtype=np.uint8).reshape(20, 30)
    Image.fromarray(pixels).convert("P").save(stream, "PNG", optimize=True)
    for data in (b"", grey, good[:40], good[:-30], good.replace(b"IDAT", b"IDOT"), b"GIF89a"):
        with pytest.raises(PortableError, match=r"x\.png is no mask that this program wrote"):
            decode_label_map(data, name="x.png")
