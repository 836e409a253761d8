"""Label maps drawn over their images, as PaddleX's ``visualize`` does."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from core.images.in_memory import as_image
from core.images.io import WRITABLE_SUFFIXES, read_image, write_image
from core.images.palette import default_palette
from core.system.errors import InputError


def visualize(
    image: str | Path | npt.NDArray[Any] | Image.Image,
    result: Mapping[str, Any],
    weight: float = 0.6,
    save_dir: str | Path | None = "./",
    color: Sequence[int] | None = None,
) -> npt.NDArray[np.uint8] | None:
    """Blend an image with the colours of its label map.

    Args:
        image: path, array or Pillow image, as ``predict`` takes them.
        result: what ``predict`` returned; its ``label_map`` (H, W) is drawn.
        weight: share of the image, 0 … 1; the colours have the rest.
        save_dir: gets ``visualize_NAME``; None returns the picture instead.
        color: blue, green, red of class 0, then of class 1, …; the other classes keep theirs.

    Returns:
        (H, W, 3) uint8 BGR when ``save_dir`` is None.

    Raises:
        InputError: unreadable image, another size than the label map, or a wrong argument.
    """
    if not 0 <= weight <= 1:
        raise InputError("weight is {value}: give a number from 0 to 1.", value=weight)
    pixels = read_image(image) if isinstance(image, (str, Path)) else as_image(image)
    label_map = np.asarray(result["label_map"]).astype(np.uint8)
    if pixels.shape != (*label_map.shape, 3):
        raise InputError(
            "The image is {image} and the label map {label_map}: they must be of one size.",
            image=pixels.shape,
            label_map=label_map.shape,
        )
    colors = cv2.LUT(cv2.merge([label_map] * 3), _table(color))
    picture: npt.NDArray[np.uint8] = cv2.addWeighted(pixels, weight, colors, 1 - weight, 0)
    if save_dir is None:
        return picture
    named = isinstance(image, (str, Path))
    name = Path(str(image)).name if named else f"{time.time_ns() // 1_000_000}.png"
    if Path(name).suffix.lower() not in WRITABLE_SUFFIXES:
        name += ".png"
    folder = Path(save_dir)
    folder.mkdir(parents=True, exist_ok=True)
    write_image(folder / f"visualize_{name}", picture)
    return None


def _table(color: Sequence[int] | None) -> npt.NDArray[np.uint8]:
    """Return (1, 256, 3) BGR: the colour of each class."""
    table = np.array(default_palette(256), np.uint8)[:, ::-1].copy()
    if color is not None:
        values = np.asarray(color)
        if values.ndim != 1 or values.size % 3 or values.size > 768 or not _are_bytes(values):
            raise InputError("color is a flat list: blue, green, red of each class, 0 to 255.")
        table[: values.size // 3] = values.reshape(-1, 3)
    return table[None]


def _are_bytes(values: npt.NDArray[Any]) -> bool:
    return values.dtype.kind in "iu" and bool(((values >= 0) & (values <= 255)).all())
