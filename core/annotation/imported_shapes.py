"""Shapes of other programs' files, kept where they show what the imported mask shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.annotation.edits import Mask, whole_box
from core.annotation.polygon import Polygon
from core.annotation.shape_layers import ShapeLayers
from core.annotation.shape_text import joined_texts, shape_text
from core.annotation.shapes import MOST_SHAPES, Outline, Shape
from core.data.formats import ImportedShape


def imported_text(shapes: Sequence[ImportedShape], mask: Mask, lut: npt.NDArray[np.uint8]) -> str:
    """Return the text of those shapes that an imported mask shows.

    Args:
        shapes: in the order in which they were filled, later ones on top.
        mask: uint8 (H, W) of the project's class ids.
        lut: (256,) uint8, the project's class ids by those of ``shapes``.
    """
    found: dict[int, Shape] = {}
    for number, shape in enumerate(shapes[:MOST_SHAPES], 1):
        class_id, outline = int(lut[shape.class_index]), _outline(shape)
        if class_id and outline.is_storable:
            found[number] = Shape(number, class_id, outline)
    layers = ShapeLayers((), (mask.shape[1], mask.shape[0]))
    layers.settle(mask, [whole_box(mask)], found)
    return joined_texts(map(shape_text, layers.shapes))


def _outline(shape: ImportedShape) -> Outline:
    return Outline.of(Polygon.of(shape.points), shape.kind)
