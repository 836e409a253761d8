"""Painting by superpixel: small areas of one colour that follow edges (SLIC)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from core.annotation.color_space import as_bgr, to_lab
from core.annotation.edits import Box, Region, crop, intersect, whole_box
from core.images.io import ImageArray

TILE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Superpixels:
    """``labels`` (int32, the box's size) number the superpixels of ``box`` from 0."""

    box: Box
    labels: npt.NDArray[np.int32]

    def at(self, x: int, y: int) -> Region | None:
        """Return the superpixel that holds pixel (x, y), None outside the box."""
        x0, y0, x1, y1 = self.box
        if not (x0 <= x < x1 and y0 <= y < y1):
            return None
        return Region(self.box, self.labels == self.labels[y - y0, x - x0]).tight()


def superpixels(
    image: ImageArray, box: Box, *, size: int = 16, compactness: float = 10.0
) -> Superpixels | None:
    """Cut a part of an image into superpixels.

    Args:
        image: uint8 grey or BGR.
        box: the part; it is cut at the image's border.
        size: side in pixels of a typical superpixel.
        compactness: how square they are against how well they follow colours (Lab units).

    Returns:
        The superpixels, None if the box lies outside.
    """
    from skimage.segmentation import slic  # a second, only once the tool is used

    inside = intersect(box, whole_box(image))
    if inside is None:
        return None
    part = as_bgr(crop(image, inside))
    count = max(1, round(part.shape[0] * part.shape[1] / (size * size)))
    lab = to_lab(part)
    labels = slic(
        lab,
        n_segments=count,
        compactness=compactness / max(float(np.ptp(lab)), 1.0),  # slic spreads values over 0 … 1
        convert2lab=False,
        start_label=0,
        enforce_connectivity=True,
        channel_axis=-1,
    )
    return Superpixels(inside, np.asarray(labels, np.int32))


class SuperpixelCache:
    """Superpixels of one image, cut into tiles that are worked out when first needed."""

    def __init__(
        self, image: ImageArray, *, size: int = 16, compactness: float = 10.0, max_tiles: int = 64
    ) -> None:
        self._image = image
        self._size = size
        self._compactness = compactness
        self._tiles: LRUCache[tuple[int, int], Superpixels] = LRUCache(max_tiles)

    def tile_at(self, x: int, y: int) -> Superpixels | None:
        """Return the superpixels around pixel (x, y), None outside the image."""
        if not (0 <= x < self._image.shape[1] and 0 <= y < self._image.shape[0]):
            return None
        key = (x // TILE, y // TILE)
        tile = self._tiles.get(key)
        if tile is None:
            left, top = key[0] * TILE, key[1] * TILE
            tile = superpixels(
                self._image,
                (left, top, left + TILE, top + TILE),
                size=self._size,
                compactness=self._compactness,
            )
            assert tile is not None  # the pixel is inside
            self._tiles[key] = tile
        return tile

    def at(self, x: int, y: int) -> Region | None:
        """Return the superpixel that holds pixel (x, y), None outside the image."""
        tile = self.tile_at(x, y)
        return None if tile is None else tile.at(x, y)
