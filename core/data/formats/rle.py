"""Run lengths of masks, COCO's (column by column) and CVAT's (row by row), and polygons as runs.

A mask is a list of run lengths that begins with zeros. Compressed COCO strings are parsed here
because pycocotools reads beyond the end of damaged ones; they are made, and polygons turned into
runs, by pycocotools.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from core.data.formats.parsing import MAX_COORDINATE
from core.images.io import ImageArray

Counts = npt.NDArray[np.int64]

MAX_OUTLINE = 2_000_000.0
"""Pixels along one polygon: pycocotools needs about 100 bytes for each."""


def counts_from_list(values: Any, size: tuple[int, int]) -> Counts:
    """Check run lengths of a mask.

    Args:
        values: whole numbers, not negative.
        size: (width, height) of the mask that they must fill.

    Raises:
        ValueError: they are anything else.
    """
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise ValueError("no list of whole numbers")
    if any(value < 0 or value > size[0] * size[1] for value in values):
        raise ValueError("a run is longer than the mask")
    return _checked(np.array(values, np.int64), size)


def counts_from_string(text: str, size: tuple[int, int]) -> Counts:
    """Expand COCO's compressed run lengths.

    Each is a number in groups of five bits, the lowest first, with a sixth bit where more follow;
    from the fourth on it is the difference to the one before the last.

    Raises:
        ValueError: damaged, or not as long as the mask of ``size`` (width, height).
    """
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int64) - 48
    if not codes.size:
        return _checked(np.zeros(0, np.int64), size)
    if codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise ValueError("damaged run lengths")
    ends = np.flatnonzero((codes & 32) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 7:
        raise ValueError("a run is longer than any mask")
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    values = np.add.reduceat((codes & 31) << (5 * place), starts)
    values -= np.where(codes[ends] & 16, np.int64(1) << (5 * lengths), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return _checked(values, size)


def _checked(counts: Counts, size: tuple[int, int]) -> Counts:
    if counts.size and counts.min() < 0:
        raise ValueError("a negative run")
    if int(counts.sum()) != size[0] * size[1]:
        raise ValueError("the runs do not fill the mask")
    return counts


def counts_from_polygon(points: Sequence[float], size: tuple[int, int]) -> Counts:
    """Fill a polygon as pycocotools does.

    Args:
        points: x, y, x, y … of the corners; 0, 0 is the outer corner of the first pixel.
        size: (width, height) of the mask.

    Raises:
        ValueError: as ``polygon_corners``.
    """
    corners = polygon_corners(points)
    encoded = coco_mask.frPyObjects([corners.ravel().tolist()], size[1], size[0])[0]
    return counts_from_string(encoded["counts"].decode("ascii"), size)


def polygon_corners(points: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return the corners of a polygon as (N, 2).

    Raises:
        ValueError: fewer than three points, no finite numbers, or an outline that is too long.
    """
    try:
        corners = np.array(points, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("no numbers") from error
    if corners.ndim != 1 or len(corners) % 2 or len(corners) < 6:
        raise ValueError("a polygon needs three points")
    if not (np.abs(corners) <= MAX_COORDINATE).all():  # NaN fails
        raise ValueError("a point is far outside")
    steps = np.abs(np.diff(corners.reshape(-1, 2), axis=0, append=corners[None, :2]))
    if steps.max(axis=1).sum() > MAX_OUTLINE:
        raise ValueError("the outline is too long")
    return corners.reshape(-1, 2)


def paint(flat: ImageArray, counts: Counts, value: int) -> None:
    """Set the runs of ones in a flat mask to ``value``."""
    ends = np.cumsum(counts)
    for start, end in zip(ends[0::2].tolist(), ends[1::2].tolist(), strict=False):
        flat[start:end] = value


def counts_of(flat: npt.NDArray[np.bool_] | ImageArray) -> Counts:
    """Return the run lengths of a flat mask of zeros and ones, beginning with zeros."""
    values = np.asarray(flat).astype(np.bool_).ravel()
    changes = np.flatnonzero(values[1:] != values[:-1]) + 1
    bounds = np.concatenate([[0], changes, [len(values)]])
    counts = np.diff(bounds)
    return np.concatenate([[0], counts]) if len(values) and values[0] else counts


def coco_counts(stencil: ImageArray, x: int, y: int, size: tuple[int, int]) -> Counts:
    """Return COCO's run lengths of a part of a mask, without making the whole of it.

    Args:
        stencil: (h, w) of zeros and ones.
        x: column of its left edge in the mask.
        y: row of its upper edge.
        size: (width, height) of the mask.
    """
    height = size[1]
    columns, rows = np.nonzero(stencil.T)
    places = (columns + x) * height + rows + y
    breaks = np.flatnonzero(np.diff(places) != 1)
    starts = places[np.concatenate([[0], breaks + 1])]
    ends = places[np.concatenate([breaks, [len(places) - 1]])] + 1
    bounds = np.stack([starts, ends], axis=1).ravel()
    counts = np.diff(np.concatenate([[0], bounds, [size[0] * size[1]]]))
    return counts if counts[-1] else counts[:-1]


def compress(counts: Counts, size: tuple[int, int]) -> str:
    """Return COCO's compressed string of run lengths, by pycocotools."""
    plain = {"size": [size[1], size[0]], "counts": counts.tolist()}
    return str(coco_mask.frPyObjects(plain, size[1], size[0])["counts"].decode("ascii"))
