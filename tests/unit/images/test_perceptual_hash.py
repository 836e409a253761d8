"""Images that look alike differ in few bits, whatever their size, brightness and compression."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.images.io import write_image
from core.images.perceptual_hash import perceptual_hash
from core.system.errors import InputError


def texture(seed: int) -> np.ndarray:
    rough = np.random.default_rng(seed).normal(size=(24, 32)).astype(np.float32)
    smooth = cv2.GaussianBlur(
        cv2.resize(rough, (320, 240), interpolation=cv2.INTER_CUBIC), (0, 0), 4
    )
    grey = cv2.normalize(smooth, None, 20, 220, cv2.NORM_MINMAX).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def bits(first: bytes, second: bytes) -> int:
    return (int.from_bytes(first) ^ int.from_bytes(second)).bit_count()


def test_what_looks_alike_is_near_and_the_rest_far(tmp_path: Path) -> None:
    image = texture(1)
    variants = {
        "图 a.png": image,
        "small.jpg": cv2.resize(image, (200, 150), interpolation=cv2.INTER_AREA),
        "darker.jpg": (image * 0.7).astype(np.uint8),
        "marked.png": cv2.circle(image.copy(), (100, 100), 4, (0, 0, 255), -1),
    }
    hashes = {}
    for name, pixels in {**variants, "other.png": texture(2)}.items():
        write_image(tmp_path / name, pixels)
        hashes[name] = perceptual_hash(tmp_path / name)
        assert len(hashes[name]) == 32
    first = hashes.pop("图 a.png")
    other = hashes.pop("other.png")
    assert max(bits(first, one) for one in hashes.values()) <= 20
    assert bits(first, other) > 60


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(InputError):
        perceptual_hash(tmp_path / "a.png")
