"""What the tools are set to; kept between sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from core.annotation.brush import MAX_SIZE, BrushShape
from core.images.io import IGNORE_INDEX

OVER_ALL = -1
"""``only_over``: any class may be painted over."""
_RANGES: dict[str, tuple[int, int]] = {
    "brush_size": (1, min(MAX_SIZE, 2000)),
    "tolerance": (0, 100),
    "superpixel_size": (4, 128),
    "radius": (1, 50),
    "min_area": (1, 100_000),
    "only_over": (OVER_ALL, IGNORE_INDEX),
}


@dataclass(frozen=True, slots=True)
class ToolOptions:
    """Settings of all tools.

    Attributes:
        brush_size: diameter or side of brush and eraser, in pixels.
        brush_shape: ``round`` or ``square``.
        only_over: the only class id that painting may change, or ``OVER_ALL``.
        tolerance: how different a colour the wand takes (Lab units).
        contiguous: whether the wand takes connected pixels only.
        superpixel_size: side of a typical superpixel, in pixels.
        radius: how far growing, shrinking and smoothing reach, in pixels.
        min_area: smaller parts are specks, in pixels.
    """

    brush_size: int = 20
    brush_shape: BrushShape = "round"
    only_over: int = OVER_ALL
    tolerance: int = 8
    contiguous: bool = True
    superpixel_size: int = 16
    radius: int = 2
    min_area: int = 20

    def with_value(self, name: str, value: Any) -> Self:
        """Return the options with one changed, kept in its range."""
        if name in _RANGES:
            low, high = _RANGES[name]
            value = min(max(int(value), low), high)
        return replace(self, **{name: value})

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, but for ``only_over``: classes differ."""
        usual = asdict(ToolOptions())
        return {
            name: value
            for name, value in asdict(self).items()
            if value != usual[name] and name != "only_over"
        }

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Read what ``to_dict`` wrote; what does not fit is left out."""
        options = cls()
        if isinstance(values, Mapping):
            for field in fields(cls):
                value = values.get(field.name)
                if type(value) is type(getattr(options, field.name)) and (
                    field.name != "brush_shape" or value in ("round", "square")
                ):
                    options = options.with_value(field.name, value)
        return options


def option_range(name: str) -> tuple[int, int]:
    """Return the least and greatest value of a numeric option."""
    return _RANGES[name]
