"""Masks as image files of other tools hold them: of class indices, or in colours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.formats.conversion_report import ConversionReport
from core.data.formats.image_index import canvas_of, checked_size
from core.images.io import IGNORE_INDEX, ImageArray, image_size, read_image, read_mask
from core.images.palette import Color, default_palette
from core.system.errors import InputError
from core.system.files import open_regular
from core.system.messages import message

MASK_SUFFIXES = frozenset({".png", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".ppm", ".tga"})
"""Formats without loss: a JPEG's values are no class indices."""

_ROWS = 256


def read_sized_mask(
    image: Path, mask: Path, *, report: ConversionReport | None = None
) -> ImageArray:
    """Read a mask of class indices that must have the size of its image.

    With a ``report``, one that was drawn on the stored photograph is turned upright, and noted.
    """
    _check_area(image, mask)
    values = read_mask(mask)
    canvas = canvas_of(image, (values.shape[1], values.shape[0]), file=mask, report=report)
    return canvas.upright(values)


def read_color_mask(
    image: Path,
    mask: Path,
    colors: Mapping[Color, int],
    *,
    report: ConversionReport | None = None,
) -> ImageArray:
    """Read a mask whose pixels have the colours of their classes.

    Args:
        image: its image, of the same size.
        mask: image of three channels.
        colors: class index of each red, green, blue.
        report: told of one that is turned, as by ``read_sized_mask``.

    Raises:
        InputError: unreadable, another size, or a colour that is no class.
    """
    _check_area(image, mask)
    bgr = read_image(mask, full_range=True)
    canvas = canvas_of(image, (bgr.shape[1], bgr.shape[0]), file=mask, report=report)
    known = {r << 16 | g << 8 | b: index for (r, g, b), index in colors.items()}
    values = np.empty(bgr.shape[:2], np.uint8)
    for start in range(0, len(bgr), _ROWS):  # all at once takes 30 bytes a pixel
        part = bgr[start : start + _ROWS].astype(np.uint32)
        codes = part[..., 2] << 16 | part[..., 1] << 8 | part[..., 0]
        found, inverse = np.unique(codes, return_inverse=True)
        for code in found.tolist():
            if code not in known:
                raise InputError(
                    "{file} has pixels of the colour {color}, which is no class; say in"
                    " labelmap.txt which class it is.",
                    file=mask,
                    color=f"{code >> 16}, {code >> 8 & 255}, {code & 255}",
                )
        lut = np.array([known[code] for code in found.tolist()], np.uint8)
        values[start : start + _ROWS] = lut[inverse].reshape(codes.shape)
    return canvas.upright(values)


def _check_area(image: Path, mask: Path) -> None:
    """Refuse, before it is decoded, a mask that cannot have its image's size: it may be a bomb.

    Both ways round are let through, as only one of the two may be marked as turned.
    """
    size, of_image = image_size(mask), image_size(image)
    if sorted(size) != sorted(of_image):
        checked_size(image, size, file=mask)


def has_channels(mask: Path) -> bool:
    """Whether an image has several channels; False for what is unreadable."""
    try:
        with open_regular(mask) as file, Image.open(file) as image:
            return len(image.getbands()) > 1
    except Exception:  # decoders of damaged files raise anything; reading the mask tells
        return False


def mask_palette(mask: Path, count: int) -> list[Color]:
    """Return ``count`` colours from a mask's palette; the default ones where it has none."""
    colors = default_palette(count)
    try:
        with open_regular(mask) as file, Image.open(file) as image:
            stored = image.getpalette("RGB") if image.mode == "P" else None
    except Exception:  # decoders of damaged files raise anything; reading the mask tells
        return colors
    for index in range(min(count, len(stored or ()) // 3)):
        red, green, blue = (stored or [])[3 * index : 3 * index + 3]
        colors[index] = (red, green, blue)
    return colors


def only_black_and_white(masks: Sequence[Callable[[], ImageArray]]) -> bool:
    """Whether all masks that can be read hold 0 and 255 and nothing else; the first says mostly."""
    found: set[int] = set()
    for mask in masks:
        found |= used_values([mask])
        if not found <= {0, IGNORE_INDEX}:
            return False
    return found == {0, IGNORE_INDEX}


def white_is_one(read_mask: Callable[[], ImageArray]) -> ImageArray:
    """Return a mask of 0 and 255 as one of 0 and 1."""
    return np.asarray(read_mask() == IGNORE_INDEX, np.uint8)


def note_black_and_white(folder: Path, report: ConversionReport, *, is_class: bool) -> None:
    """Note what became of 255 in a folder whose masks hold only 0 and 255."""
    if is_class:
        report.assumed(
            message(
                "The masks in {folder} hold only 0 and 255; 255 is taken as a class, not as"
                " ignored.",
                folder=folder,
            )
        )
    else:
        report.assumed(
            message(
                "The masks in {folder} hold only 0 and 255, and 255 is ignored; if it marks an"
                " object, give those pixels the number of their class.",
                folder=folder,
            )
        )


def used_values(masks: Sequence[Callable[[], ImageArray]]) -> set[int]:
    """Return the values in all masks that can be read."""
    found: set[int] = set()
    for mask in masks:
        try:
            found |= set(np.flatnonzero(np.bincount(mask().ravel(), minlength=256)).tolist())
        except InputError:
            continue  # the import reports it when it asks for this mask
    return found
