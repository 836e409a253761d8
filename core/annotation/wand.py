"""Magic wand: the pixels whose colour is like the one clicked."""

from __future__ import annotations

import numpy as np

from core.annotation.color_space import to_lab
from core.annotation.edits import Box, Pixels, Region, crop, intersect, whole_box
from core.annotation.flood_fill import box_around, grow_connected
from core.images.io import ImageArray

MAX_SIDE = 2048


def wand_box(image: ImageArray, x: int, y: int, *, side: int = MAX_SIDE) -> Box | None:
    """Return the box of at most ``side`` pixels around (x, y); None outside the image."""
    if not (0 <= x < image.shape[1] and 0 <= y < image.shape[0]):
        return None
    return box_around(x, y, side, within=whole_box(image))


def wand(
    image: ImageArray,
    x: int,
    y: int,
    *,
    tolerance: float = 10.0,
    contiguous: bool = True,
    sample: int = 1,
    within: Box | None = None,
) -> Region | None:
    """Select pixels whose colour is near the clicked one.

    Args:
        image: uint8 (H, W), (H, W, 3) or (H, W, 4), BGR.
        x: column clicked.
        y: row clicked.
        tolerance: greatest distance in CIE Lab (76); about 2 is just visible, black to white 100.
        contiguous: only what is connected to the click.
        sample: radius in pixels of the square whose median colour is compared; 0 is the pixel.
        within: box to look in; ``wand_box`` if None.

    Returns:
        The selected pixels, None if the click is outside the box or the image.
    """
    box = within if within is not None else wand_box(image, x, y)
    box = intersect(box, whole_box(image)) if box is not None else None
    if box is None or not (box[0] <= x < box[2] and box[1] <= y < box[3]):
        return None
    around = intersect((x - sample, y - sample, x + sample + 1, y + sample + 1), box)
    assert around is not None  # the click itself
    color = np.median(to_lab(crop(image, around)).reshape(-1, 3), axis=0).astype(np.float32)

    def alike(part: Box) -> Region:
        offset = to_lab(crop(image, part)) - color
        like: Pixels = np.einsum("ijk,ijk->ij", offset, offset) <= tolerance * tolerance
        if part[0] <= x < part[2] and part[1] <= y < part[3]:
            like[y - part[1], x - part[0]] = True
        return Region(part, like)

    if not contiguous:
        return alike(box).tight()
    return grow_connected(alike, x, y, within=box, diagonal=False)
