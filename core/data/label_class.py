"""A class that labels are of."""

from __future__ import annotations

from dataclasses import dataclass

from core.images.palette import Color


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class: its ``id`` is what masks store, ``color`` is (red, green, blue)."""

    id: int
    name: str
    color: Color
