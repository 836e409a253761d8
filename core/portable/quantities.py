"""Lengths, areas and shares as people write them: ``2 mm``, ``0.5 mm²``, ``1 %``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from .portable_error import PortableError

AREA_UNITS: Final = ("px2", "mm2", "%")
#: Larger numbers are nothing that an image could hold.
MOST: Final = 1e9
_FORM: Final = re.compile(r"\s*(\d{1,20}(?:\.\d{1,20})?|\.\d{1,20})\s*([^\s\d.]\S{0,9}|)\s*\Z")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit.

    Attributes:
        value: 0 or more.
        unit: ``px``, ``mm``, ``px2``, ``mm2`` or ``%``.
    """

    value: float
    unit: str

    def __str__(self) -> str:
        return f"{number_text(self.value)} {self.unit}".strip()


def number_text(value: float) -> str:
    """Return the shortest decimal number, without exponent, that reads back as the same."""
    return np.format_float_positional(value, trim="-")


def plain_unit(text: str) -> str:
    """Return a unit in the way it is written here: ``mm²`` is ``mm2``, ``pixels`` is ``px``."""
    unit = text.lower().replace("²", "2").replace("^2", "2")
    return {"pixel": "px", "pixels": "px", "percent": "%", "％": "%"}.get(unit, unit)


def area_of(value: object, what: str) -> Quantity:
    """Read an area of an object: ``"20 px2"``, ``"0.5 mm2"``, or a number of pixels.

    Args:
        value: as JSON or a person gives it.
        what: names the setting in the error.

    Raises:
        PortableError: it is none.
    """
    text = number_text(value) if isinstance(value, (int, float)) and value >= 0 else str(value)
    found = _FORM.match(text[:60])
    unit = plain_unit(found[2]) if found else ""
    unit = "px2" if unit in ("", "px") else unit
    if not found or isinstance(value, bool) or unit not in ("px2", "mm2"):
        raise PortableError(
            "{what} is {value}: give an area such as 20 px2 or 0.5 mm2.", what=what, value=text[:60]
        )
    if float(found[1]) > MOST:
        raise PortableError("{what} is {value}, which is too large.", what=what, value=text[:60])
    return Quantity(float(found[1]), unit)


def rounded(value: float) -> float:
    """Return millimetres as people would compute them: 3 × 0.1 is 0.3."""
    return round(value, 9)
