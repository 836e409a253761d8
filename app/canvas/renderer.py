"""From image and mask to the pixels of the widget: the cost depends on the widget's size alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from app.canvas.viewport import Span, Viewport, span
from core.annotation.edits import Region
from core.images.io import IGNORE_INDEX
from core.images.palette import Color

ByteArray = npt.NDArray[np.uint8]
Overlay = npt.NDArray[np.uint32]
Box = tuple[int, int, int, int]
"""(left, top, right, bottom), the last two exclusive."""

_IGNORE_COLOR = (255, 255, 255)
_OUTLINE_FILL = 0.25
_TINT = 0.35
_LIGHT, _DARK = 0xFFFFFFFF, 0xB0000000
_STRIPES = 8  # device pixels from one stripe to the next
_STRIPE = 2
_GROUND = 0.3
_SQUARES_FROM = 2.0  # device pixels; below that, smooth


class MaskStyle(StrEnum):
    """How the mask is drawn."""

    FILL = "fill"
    OUTLINE = "outline"
    BOTH = "both"


def overlay_table(
    colors: Sequence[Color],
    *,
    opacity: float,
    hidden: Iterable[int] = (),
    background: int | None = 0,
) -> Overlay:
    """Return 256 premultiplied ARGB values by class id; ``background`` and hidden ids are clear."""
    table = np.zeros(256, np.uint32)
    shown = [*enumerate(colors[:IGNORE_INDEX]), (IGNORE_INDEX, _IGNORE_COLOR)]
    for class_id, color in shown:
        if class_id != background:
            table[class_id] = _premultiplied(color, opacity)
    table[list(hidden)] = 0
    return table


def _premultiplied(color: Color, opacity: float) -> int:
    red, green, blue = (round(part * opacity) for part in color)
    return (round(255 * opacity) << 24) | (red << 16) | (green << 8) | blue


class MaskRenderer:
    """Keeps the overlay of one widget: ARGB premultiplied, (height, width) device pixels."""

    def __init__(self) -> None:
        self.overlay: Overlay = np.zeros((1, 1), np.uint32)
        self._columns = self._rows = Span(0, 0, 0, 1)
        self._fill: Overlay = np.zeros(256, np.uint32)
        self._line: Overlay = np.zeros(256, np.uint32)
        self._hatch: tuple[np.uint32, np.uint32] | None = None
        self._ignored: npt.NDArray[np.bool_] | None = None
        self._style = MaskStyle.FILL

    def set_ignored(self, ignored: npt.NDArray[np.bool_] | None) -> None:
        """Set which pixels (H, W) of the mask do not count whatever it says; draw again then."""
        self._ignored = ignored

    def set_colors(
        self,
        colors: Sequence[Color],
        *,
        opacity: float,
        style: MaskStyle,
        hidden: Iterable[int] = (),
    ) -> None:
        """Set what classes look like; draw again afterwards."""
        hidden = tuple(hidden)
        fill = {MaskStyle.FILL: 1.0, MaskStyle.OUTLINE: 0.0, MaskStyle.BOTH: _OUTLINE_FILL}[style]
        self._fill = overlay_table(colors, opacity=opacity * fill, hidden=hidden)
        line = 0.0 if opacity == 0 else 0.5 + opacity / 2
        self._line = overlay_table(colors, opacity=line, hidden=hidden)
        is_hatched = opacity > 0 and IGNORE_INDEX not in hidden
        stripe = _premultiplied(_IGNORE_COLOR, 0.4 + opacity * 0.6)
        ground = _premultiplied((0, 0, 0), _GROUND * opacity)
        self._hatch = (np.uint32(stripe), np.uint32(ground)) if is_hatched else None
        self._style = style

    def draw(self, mask: ByteArray, columns: Span, rows: Span, size: tuple[int, int]) -> None:
        """Draw everything in sight of a mask (H, W) into a widget of (width, height)."""
        self._columns, self._rows = columns, rows
        if self.overlay.shape != (size[1], size[0]):
            self.overlay = np.zeros((size[1], size[0]), np.uint32)
        else:
            self.overlay[:] = 0
        self._draw_box(mask, self._clipped((columns.start, rows.start, *_ends(columns, rows))))

    def update(self, mask: ByteArray, box: Box) -> Box | None:
        """Draw a part of the mask anew; ``box`` in image pixels.

        Returns:
            The device pixels that changed, or None where the part is out of sight.
        """
        left, right = _covered(self._columns, box[0], box[2])
        top, bottom = _covered(self._rows, box[1], box[3])
        target = self._clipped((left - 1, top - 1, right + 1, bottom + 1))
        if target[0] >= target[2] or target[1] >= target[3]:
            return None
        self._draw_box(mask, target)
        return target

    def clear(self) -> None:
        """Show nothing."""
        self.overlay[:] = 0

    def _clipped(self, box: Box) -> Box:
        height, width = self.overlay.shape
        columns, rows = self._columns, self._rows
        return (
            max(box[0], 0, columns.start),
            max(box[1], 0, rows.start),
            min(box[2], width, columns.start + columns.size),
            min(box[3], height, rows.start + rows.size),
        )

    def _draw_box(self, mask: ByteArray, box: Box) -> None:
        left, top, right, bottom = box
        if left >= right or top >= bottom:
            return
        target = self.overlay[top:bottom, left:right]
        if self._style is MaskStyle.FILL:
            ids = self._ids(mask, left, top, right, bottom)
            np.take(self._fill, ids, out=target, mode="clip")
            self._draw_hatch(target, mask, ids, (left, top))
            return
        # One more pixel on each side decides whether those at the rim are an outline.
        ids = self._ids(mask, left - 1, top - 1, right + 1, bottom + 1)
        inner = ids[1:-1, 1:-1]
        np.take(self._fill, inner, out=target, mode="clip")
        edge = (inner != ids[:-2, 1:-1]) | (inner != ids[1:-1, :-2])
        edge |= (inner != ids[2:, 1:-1]) | (inner != ids[1:-1, 2:])
        self._draw_hatch(target, mask, inner, (left, top))
        self._draw_edge(target, inner, edge, (left, top))

    def _draw_hatch(
        self, target: Overlay, mask: ByteArray, ids: ByteArray, at: tuple[int, int]
    ) -> None:
        """Draw stripes where nothing counts; the corner lies at device pixel (x, y)."""
        if self._hatch is None:
            return
        ignored = ids == IGNORE_INDEX
        if self._ignored is not None and self._ignored.shape == mask.shape:
            rows = source_indices(self._rows, at[1], at[1] + ids.shape[0])
            columns = source_indices(self._columns, at[0], at[0] + ids.shape[1])
            ignored |= self._ignored[rows[:, None], columns]
        if not ignored.any():
            return
        height, width = ids.shape
        places = np.arange(at[0] + at[1], at[0] + at[1] + height + width - 1)
        line = np.where(places % _STRIPES < _STRIPE, *self._hatch)
        stripes = np.lib.stride_tricks.sliding_window_view(line, width)  # each row one on
        np.copyto(target, stripes, where=ignored)

    def _draw_edge(
        self, target: Overlay, ids: ByteArray, edge: npt.NDArray[np.bool_], at: tuple[int, int]
    ) -> None:
        """Draw outlines where ``edge``; the corner of ``target`` lies at device pixel (x, y)."""
        target[edge] = self._line[ids[edge]]

    def _ids(self, mask: ByteArray, left: int, top: int, right: int, bottom: int) -> ByteArray:
        rows = source_indices(self._rows, top, bottom)
        columns = source_indices(self._columns, left, right)
        return mask[rows[:, None], columns]


def draw_region(
    region: Region, color: Color, columns: Span, rows: Span, size: tuple[int, int]
) -> tuple[Overlay, int, int] | None:
    """Draw a region as a tint with a light and dark outline, to be seen on any ground.

    Returns:
        Premultiplied ARGB (h, w) and the device pixel (x, y) of its corner; None where it is out
        of sight.
    """
    left, right = _covered(columns, region.box[0], region.box[2])
    top, bottom = _covered(rows, region.box[1], region.box[3])
    left, top = max(left - 2, 0), max(top - 2, 0)
    right, bottom = min(right + 2, size[0]), min(bottom + 2, size[1])
    if left >= right or top >= bottom:
        return None
    x = unclipped_indices(columns, left - 1, right + 1) - region.box[0]
    y = unclipped_indices(rows, top - 1, bottom + 1) - region.box[1]
    height, width = region.pixels.shape
    inside = region.pixels[np.clip(y, 0, height - 1)[:, None], np.clip(x, 0, width - 1)]
    inside &= ((y >= 0) & (y < height))[:, None] & ((x >= 0) & (x < width))
    inner = inside[1:-1, 1:-1]
    surrounded = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    beside = inside[:-2, 1:-1] | inside[2:, 1:-1] | inside[1:-1, :-2] | inside[1:-1, 2:]
    overlay = np.zeros(inner.shape, np.uint32)
    overlay[inner] = _premultiplied(color, _TINT)
    overlay[inner & ~surrounded] = _LIGHT
    overlay[beside & ~inner] = _DARK
    return overlay, left, top


def draw_picture(
    levels: Sequence[npt.NDArray[Any]], viewport: Viewport
) -> tuple[npt.NDArray[Any], int, int] | None:
    """Resample what is in sight of a picture.

    Args:
        levels: the picture (H, W) or (H, W, 3) and its halvings.
        viewport: what is seen of it.

    Returns:
        (h, w[, 3]) of the picture's own type and the device pixel (x, y) of its corner; None where
        nothing is in sight.
    """
    number = min(len(levels) - 1, max(0, math.floor(-math.log2(viewport.scale))))
    level, factor = levels[number], 2**number
    columns = _level_span(viewport.left, viewport.scale, viewport.width, level.shape[1], factor)
    rows = _level_span(viewport.top, viewport.scale, viewport.height, level.shape[0], factor)
    if columns is None or rows is None:
        return None
    crop = level[rows.first :][: rows.count, columns.first :][:, : columns.count]
    scale = viewport.scale * factor
    if scale >= _SQUARES_FROM:
        how = cv2.INTER_NEAREST
    else:
        how = cv2.INTER_LINEAR if scale >= 1 else cv2.INTER_AREA
    if scale == 1:
        return crop, columns.start, rows.start
    resized = cv2.resize(crop, (columns.size, rows.size), interpolation=how)
    return np.asarray(resized), columns.start, rows.start


def _level_span(start: float, scale: float, size: int, length: int, factor: int) -> Span | None:
    return span(start / factor, scale * factor, size, length)


def unclipped_indices(along: Span, start: int, stop: int) -> npt.NDArray[np.intp]:
    """Return the image's pixels under device pixels ``start`` … ``stop``, also beyond it."""
    places = np.arange(start, stop) - along.start
    return along.first + places * along.count // along.size


def source_indices(along: Span, start: int, stop: int) -> npt.NDArray[np.intp]:
    """Return the image's pixels under device pixels ``start`` … ``stop``, clipped to the span."""
    indices = unclipped_indices(along, start, stop)
    return np.clip(indices, along.first, along.first + along.count - 1)


def _covered(along: Span, first: int, last: int) -> tuple[int, int]:
    """Return the device pixels that show image pixels ``first`` … ``last``, rounded outwards."""
    begin = (first - along.first) * along.size // max(1, along.count)
    end = -(-(last - along.first) * along.size // max(1, along.count))
    return along.start + begin, along.start + end


def _ends(columns: Span, rows: Span) -> tuple[int, int]:
    return columns.start + columns.size, rows.start + rows.size
