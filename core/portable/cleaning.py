"""What is done to a label map before its objects are looked for.

In this order:

1. What lies outside the regions of interest, or in a don't-care area, becomes background. It takes
   no part in anything that follows.
2. Holes are filled: background that one class alone surrounds. Another class in a hole stays, and
   so do holes that reach an excluded pixel or the image's border.
3. Objects below the least area of their class become background.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from .objects import NO_CLASS, LabelMap
from .portable_error import PortableError

#: Corners (x, y) in pixels of the image.
Polygon: TypeAlias = tuple[tuple[float, float], ...]
Included: TypeAlias = npt.NDArray[np.bool_]
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPE: Final = 25  # of the header: 0 is grey
_MOST_BYTES: Final = 2**28
_RING: Final = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedArea:
    """Which part of the image is inspected.

    A corner of a polygon stands for the pixel that contains it, and the border belongs to the
    polygon, as where labels are drawn. Polygons and files of one kind are joined.

    Attributes:
        regions: nothing else is inspected; none here nor in the file: all of the image is.
        regions_file: a grey PNG of the same size; what is not 0 is inspected.
        dont_care: not inspected.
        dont_care_file: a grey PNG of the same size; what is not 0 is not inspected.
    """

    regions: tuple[Polygon, ...] = ()
    regions_file: Path | None = None
    dont_care: tuple[Polygon, ...] = ()
    dont_care_file: Path | None = None

    def included(self, size: tuple[int, int]) -> Included | None:
        """Return which pixels of an image of this (height, width) are inspected, (H, W).

        None for all of them. The array is shared: leave it as it is.

        Raises:
            PortableError: a file cannot be read, or is of another size.
        """
        return _included(self, size)


@functools.lru_cache(maxsize=4)
def _included(area: InspectedArea, size: tuple[int, int]) -> Included | None:
    kept = np.ones(size, np.bool_)
    if area.regions or area.regions_file is not None:
        kept &= _drawn(area.regions, area.regions_file, size)
    if area.dont_care or area.dont_care_file is not None:
        kept &= ~_drawn(area.dont_care, area.dont_care_file, size)
    kept.flags.writeable = False
    return None if kept.all() else kept


def _drawn(polygons: Sequence[Polygon], file: Path | None, size: tuple[int, int]) -> Included:
    stencil = np.zeros(size, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(stencil, [np.floor(np.asarray(polygon, np.float64)).astype(np.int32)], (1,))
    drawn = stencil.astype(np.bool_)
    return drawn if file is None else drawn | _read_stencil(file, size)


def _read_stencil(file: Path, size: tuple[int, int]) -> Included:
    stencil = _decoded(file)
    if stencil is None:
        raise PortableError("The region file {file} is no grey PNG that can be read.", file=file)
    if stencil.shape != size:
        raise PortableError(
            "The region file {file} has {width} × {height} pixels, but the image has {image_width} "
            "× {image_height}: regions fit images of their own size only.",
            file=file,
            width=stencil.shape[1],
            height=stencil.shape[0],
            image_width=size[1],
            image_height=size[0],
        )
    return np.asarray(stencil != 0)


def _decoded(file: Path) -> LabelMap | None:
    """Return a grey image; None for all else: the values of a palette are no colours."""
    try:
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:
            return None
        data = file.read_bytes()
        if not data.startswith(_PNG) or data[_COLOR_TYPE : _COLOR_TYPE + 1] != b"\0":
            return None
        stencil = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error):
        return None
    return None if stencil is None else np.asarray(stencil, np.uint8)


def clean_label_map(
    label_map: LabelMap,
    *,
    background: int | None,
    included: Included | None = None,
    fill_holes: Sequence[float] = (),
    minimum_area: Sequence[float] = (),
) -> LabelMap:
    """Return the label map without what is not inspected, small holes and small objects.

    Args:
        label_map: (H, W) uint8 class ids.
        background: what becomes of removed pixels; None: they are of no class (255).
        included: pixels that are inspected, (H, W); None for all.
        fill_holes: largest hole that is filled, pixels, by class id; 0 for none.
        minimum_area: least pixels of an object, by class id; 0 for any.
    """
    empty = NO_CLASS if background is None else background
    clean = label_map.copy()
    if included is not None:
        clean[~included] = empty
    if any(fill_holes):
        _fill_holes(clean, empty, included, fill_holes)
    for class_id, least in enumerate(minimum_area):
        if least > 1 and class_id != background:
            _drop_small(clean, class_id, least, empty)
    return clean


def _fill_holes(
    clean: LabelMap, empty: int, included: Included | None, most: Sequence[float]
) -> None:
    holes = clean == empty
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(
        holes.view(np.uint8), connectivity=4, ltype=cv2.CV_32S
    )
    height, width = clean.shape
    small = np.flatnonzero(stats[:count, cv2.CC_STAT_AREA] <= max(most))
    for number in small[small > 0].tolist():
        x, y, w, h, area = (int(value) for value in stats[number])
        if x == 0 or y == 0 or x + w == width or y + h == height:
            continue
        part = (slice(y - 1, y + h + 1), slice(x - 1, x + w + 1))
        hole = numbers[part] == number
        ring = cv2.dilate(hole.view(np.uint8), _RING).astype(np.bool_) & ~hole
        if included is not None and not included[part][ring | hole].all():
            continue
        around = np.unique(clean[part][ring])
        around = around[around != empty]  # a diagonal neighbour may be another hole
        if len(around) == 1 and around[0] < len(most) and area <= most[around[0]]:
            clean[part][hole] = around[0]


def _drop_small(clean: LabelMap, class_id: int, least: float, empty: int) -> None:
    of_class = (clean == class_id).view(np.uint8)
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(
        of_class, connectivity=8, ltype=cv2.CV_32S
    )
    small = stats[:count, cv2.CC_STAT_AREA] < least
    small[0] = False
    if small.any():
        clean[small[numbers]] = empty
