"""Regions laid together."""

from __future__ import annotations

import numpy as np

from core.annotation.edits import Region, unite


def joined(*regions: Region) -> Region:
    """Return the region that has the pixels of all; at least one is needed."""
    box = regions[0].box
    for region in regions[1:]:
        box = unite(box, region.box) or box
    pixels = np.zeros((box[3] - box[1], box[2] - box[0]), np.bool_)
    for region in regions:
        x0, y0, x1, y1 = region.box
        pixels[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]] |= region.pixels
    return Region(box, pixels)
