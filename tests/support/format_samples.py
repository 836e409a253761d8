"""Images with label maps that are hard to carry over, and helpers to compare what comes back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from core.data.formats import ImportedImage, ImportResult
from core.images.io import write_image, write_mask

LABELS = ["background", "scratch", "凹 坑"]
COLORS = [(0, 0, 0), (200, 30, 40), (10, 120, 250)]
MASK = np.array([[0, 1, 2, 255], [2, 2, 0, 0], [1, 0, 0, 255]], np.uint8)


def label_maps() -> dict[str, np.ndarray]:
    """Nested rings, holes that touch, lone pixels, diagonals, noise, ignored pixels."""
    rings = np.zeros((37, 53), np.uint8)
    for value, radius in ((1, 17), (0, 14), (2, 11), (255, 8), (1, 6), (0, 4), (2, 2)):
        cv2.circle(rings, (26, 18), radius, value, -1)
    rings[0, 0] = rings[36, 52] = 2
    rings[3, 2:9] = 1
    holes = np.ones((20, 31), np.uint8)
    holes[2:5, 2:5] = holes[5:8, 5:8] = holes[2:8, 9:11] = 0
    holes[10:18, 4:20:2] = 2
    holes[12, 25:28] = holes[14, 25:28] = holes[13, 25] = holes[13, 27] = 255
    noise = np.random.default_rng(5).integers(0, 4, (24, 17)).astype(np.uint8)
    noise[noise == 3] = 255
    return {"环 rings": rings, "holes": holes, "noise": noise, "empty": np.zeros((9, 8), np.uint8)}


def sample(folder: Path, maps: dict[str, np.ndarray] | None = None) -> ImportResult:
    """Write images and return them with their label maps."""
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    subsets = ("train", "val", "train", "test")
    for (name, mask), subset in zip((maps or label_maps()).items(), subsets, strict=False):
        image = folder / f"{name}.png"
        write_image(image, np.full((*mask.shape, 3), 99, np.uint8))
        items.append(ImportedImage(image, lambda mask=mask: mask, subset))
    return ImportResult(items, list(LABELS), list(COLORS))


def masks_by_name(result: ImportResult) -> dict[str, np.ndarray]:
    """Return the label maps by the name of their image."""
    return {
        item.image_path.stem.removesuffix("_leftImg8bit"): item.mask()
        for item in result.items
        if item.mask is not None
    }


def assert_same(result: ImportResult, maps: dict[str, np.ndarray]) -> None:
    """Check that a result has these label maps, pixel for pixel."""
    found = masks_by_name(result)
    assert found.keys() == maps.keys()
    for name, mask in maps.items():
        np.testing.assert_array_equal(found[name], mask, err_msg=name)


def save_image(path: Path, size=(3, 4)) -> None:
    """Write a black image of ``size`` (height, width), with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.zeros((*size, 3), np.uint8))


def save_mask(path: Path, mask=MASK, palette=None) -> None:
    """Write a mask, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mask(path, mask, palette=palette)


def mask_of(result, place=0) -> np.ndarray:
    """Return one label map of a result."""
    return result.items[place].mask()
