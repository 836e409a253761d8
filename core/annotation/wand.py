"""Magic wand: the pixels whose colour is like the one clicked."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from core.annotation.colors import to_lab
from core.annotation.edits import Box, Pixels, Region, crop, grow_box, intersect, whole_box
from core.annotation.fill import box_around, grow_connected
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
    edge_strength: float = 0.0,
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
        edge_strength: Lab units per pixel at which an edge stops a contiguous selection even where
            colours are alike; 0 ignores edges.
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

    def alike(part: Box, *, edges: bool) -> Region:
        lab = to_lab(crop(image, part))
        offset = lab - color
        like: Pixels = np.einsum("ijk,ijk->ij", offset, offset) <= tolerance * tolerance
        if edges:
            like &= _gradient(lab) < edge_strength
        if part[0] <= x < part[2] and part[1] <= y < part[3]:
            like[y - part[1], x - part[0]] = True
        return Region(part, like)

    if not contiguous:
        return alike(box, edges=False).tight()
    edges = edge_strength > 0
    found = grow_connected(lambda part: alike(part, edges=edges), x, y, within=box, diagonal=False)
    if found is None or not edges:
        return found
    # The gradient is wider than the boundary: give back the alike pixels of the edge itself.
    grown = intersect(grow_box(found.box, 1, (box[2], box[3])), box)
    assert grown is not None
    inner = found.in_box(grown).astype(np.uint8)
    near = np.asarray(cv2.dilate(inner, np.ones((3, 3), np.uint8)), np.bool_)
    return Region(grown, near & alike(grown, edges=False).pixels)


def _gradient(lab: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Change of colour a pixel, in Lab units."""
    dx = cv2.Sobel(lab, cv2.CV_32F, 1, 0, scale=1 / 8)
    dy = cv2.Sobel(lab, cv2.CV_32F, 0, 1, scale=1 / 8)
    squares = (dx * dx + dy * dy).reshape(lab.shape).sum(axis=2)
    gradient: npt.NDArray[np.float32] = np.sqrt(squares, dtype=np.float32)
    return gradient
