"""Small folders in SEG layout for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

NAME = "数据 set 一"  # spaces and Chinese characters


def make_mask(index: int, *, classes: int = 3, height: int = 24, width: int = 32) -> np.ndarray:
    """Vertical stripes of all classes, shifted by ``index``, with a corner of ignored pixels."""
    columns = (np.arange(width) * classes // width + index) % classes
    mask = np.tile(columns.astype(np.uint8), (height, 1))
    mask[:2, :2] = 255
    return mask


def make_image(mask: np.ndarray, *, index: int = 0) -> np.ndarray:
    """Each class its grey, and a pixel that tells images apart."""
    image = np.repeat((mask % 100 * 60)[..., None], 3, axis=2).astype(np.uint8)
    image[-1, -1] = (index % 256, index // 256, 7)
    return image


def make_folder(
    parent: Path,
    *,
    train: int = 6,
    val: int = 5,
    test: int = 5,
    classes: int = 3,
    lists: bool = True,
) -> Path:
    """Write ``train + val + test`` images with masks, and lists unless told otherwise."""
    folder = parent / NAME
    images, masks = folder / "JPEGImages", folder / "Annotations"
    images.mkdir(parents=True)
    masks.mkdir()
    (folder / "labels.txt").write_text("".join(f"类 {i}\n" for i in range(classes)), "utf-8")
    index = 0
    for subset, count in (("train", train), ("val", val), ("test", test)):
        lines = []
        for _ in range(count):
            mask = make_mask(index, classes=classes)
            # Pillow, because writing atomically waits for the disk each time.
            picture = make_image(mask, index=index)[..., ::-1]
            Image.fromarray(np.ascontiguousarray(picture)).save(images / f"图 {index}.png")
            Image.fromarray(mask).save(masks / f"图 {index}.png")
            lines.append(f"JPEGImages/图 {index}.png\tAnnotations/图 {index}.png\n")
            index += 1
        if lists and lines:
            (folder / f"{subset}_list.txt").write_text("".join(lines), "utf-8")
    return folder
