"""Shapes as JSON, for the project and the journal.

A list of shapes, each ``[id, class, kind, rings]`` or, where something lies beneath it,
``[id, class, kind, rings, ground]``: a ring is ``[x, y, x, y, …]`` in pixels, ``ground`` zlib in
base64. In the journal an id alone stands for a shape that is gone.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from core.annotation.polygon import Polygon, Ring
from core.annotation.shapes import (
    FARTHEST,
    KINDS,
    MOST_SHAPES,
    MOST_VERTICES,
    Outline,
    Shape,
    ShapeChanges,
    Shapes,
)

ShapeTexts = Mapping[int, str | None]
"""The JSON of shapes that changed by id; None: it is gone."""
NO_TEXTS: ShapeTexts = MappingProxyType({})
"""No shape changed."""
_LAST_ID = 2**53
_BOX_NUMBERS = 4


def shape_text(shape: Shape) -> str:
    """Return the JSON of one shape."""
    rings = [_plain(ring) for ring in shape.outline.polygon.rings]
    parts: list[object] = [shape.id, shape.class_id, shape.outline.kind, rings]
    if shape.ground:
        parts.append(base64.b64encode(shape.ground).decode("ascii"))
    return json.dumps(parts, separators=(",", ":"))


def joined_texts(texts: Iterable[str]) -> str:
    """Return the JSON of a list of which each text is an item."""
    return f"[{','.join(texts)}]"


def shapes_from_text(text: str) -> Shapes:
    """Read a list of shapes.

    Raises:
        ValueError: it is none.
    """
    changes = changes_from_text(text)
    found = [shape for shape in changes.values() if shape is not None]
    if len(found) != len(changes):
        raise ValueError("a list of shapes has an id without a shape")
    return tuple(sorted(found, key=lambda shape: shape.id))


def changes_from_text(text: str | bytes) -> dict[int, Shape | None]:
    """Read shapes and the ids of those that are gone.

    Raises:
        ValueError: it is no such list.
    """
    try:
        items = json.loads(text)
    except RecursionError as error:
        raise ValueError("the shapes are nested too deep") from error
    if not isinstance(items, list) or len(items) > MOST_SHAPES:
        raise ValueError("the shapes are no list, or too many")
    changes: dict[int, Shape | None] = {}
    for item in items:
        shape = None if isinstance(item, int) else _shape(item)
        id_ = _whole(item if shape is None else shape.id, _LAST_ID)
        if id_ in changes:
            raise ValueError(f"two shapes have the id {id_}")
        changes[id_] = shape
    return changes


def texts_of(changes: ShapeChanges) -> dict[int, str | None]:
    """Return the JSON of each shape by id; None where it is gone."""
    return {id_: None if shape is None else shape_text(shape) for id_, shape in changes.items()}


def _shape(item: object) -> Shape:
    if not isinstance(item, list) or len(item) not in (4, 5):
        raise ValueError("a shape has four or five parts")
    id_, class_id, kind, rings = item[:4]
    if kind not in KINDS or not isinstance(rings, list) or not rings:
        raise ValueError("a shape has a kind and rings")
    polygon = Polygon(_ring(rings[0]), tuple(map(_ring, rings[1:])))
    if kind != "polygon" and (len(polygon.outer) != _BOX_NUMBERS // 2 or polygon.holes):
        raise ValueError("a box has two corners")
    ground = b"" if len(item) == 4 else _unpacked(item[4])
    outline = Outline.of(polygon, kind)
    return Shape(_whole(id_, _LAST_ID), _whole(class_id, 255), outline, ground)


def _ring(numbers: object) -> Ring:
    if not isinstance(numbers, list) or not _BOX_NUMBERS <= len(numbers) <= 2 * MOST_VERTICES:
        raise ValueError("a ring has two points at least")
    if len(numbers) % 2 or not all(_is_coordinate(number) for number in numbers):
        raise ValueError("a ring is made of pairs of pixel coordinates")
    return np.array(numbers, np.float64).reshape(-1, 2)


def _is_coordinate(number: object) -> bool:
    return (
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and abs(number) <= FARTHEST  # which not a number is not either
    )


def _whole(number: object, greatest: int) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= greatest:
        raise ValueError(f"{number!r:.20} is no number from 1 to {greatest}")
    return number


def _unpacked(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("what lies beneath a shape is no text")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("what lies beneath a shape is damaged") from error


def _plain(ring: Ring) -> list[float | int]:
    numbers = ring.reshape(-1).tolist()
    return [int(number) if number == int(number) else number for number in numbers]
