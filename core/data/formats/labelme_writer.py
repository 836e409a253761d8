"""Writing labelme's JSON: polygons that labelme fills to the same label map."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from core.data.formats.labelme_shapes import BACKGROUND, IGNORE
from core.data.formats.outlines import Region, outer_ring, regions, touches_border
from core.data.formats.result import ImportedShape, ImportResult
from core.data.formats.writing import Labelled, copy_image, first_class, labelled, new_folder
from core.datasets import LABELS_FILE
from core.images.io import IGNORE_INDEX
from core.system.files import write_json_atomic, write_text_atomic
from core.system.messages import Message

_OwnShapes = dict[tuple[int, int, int, int, int], list[ImportedShape]]
_VERSION = "5.5.0"  # the version of labelme whose shapes these are


def write(result: ImportResult, folder: Path | str) -> list[Message]:
    """Write images with a JSON beside each, and ``labels.txt``.

    labelme has no holes: what lies in a hole follows as a shape of its own, ``_background_`` where
    it is nothing else, and covers it; ignored pixels are shapes ``__ignore__``. A region that is
    one of the image's own polygons or rectangles keeps its vertices. One whose polygon would not be
    filled exactly becomes a mask shape.

    Returns:
        A sentence for each image that could not be written.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    lost: list[Message] = []
    names = list(result.labels)
    first = first_class(names)
    if first:
        names[0] = BACKGROUND
    with new_folder(folder) as partial:
        for item in labelled(result, lost):
            image = copy_image(item, partial)
            target = partial / f"{item.name}.json"
            write_json_atomic(target, _annotation(item, image.name, names, first=first))
        known = [IGNORE, *([] if first else [BACKGROUND]), *names]
        write_text_atomic(partial / LABELS_FILE, "\n".join(known) + "\n")
    return lost


def _annotation(item: Labelled, image: str, names: list[str], *, first: int) -> dict[str, Any]:
    height, width = item.mask.shape
    own = _own_shapes(item)
    shapes = [
        _shape(region, IGNORE if region.value == IGNORE_INDEX else names[region.value], own)
        for region in regions(item.mask)
        if region.value >= first or not touches_border(region, item.mask)
    ]
    return {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def _own_shapes(item: Labelled) -> _OwnShapes:
    """Return the image's shapes by class and pixels' box, as far as labelme has their kind."""
    own: _OwnShapes = {}
    for shape in () if item.shapes is None else item.shapes():
        if shape.kind != "ellipse":
            xs, ys = zip(*((int(x), int(y)) for x, y in shape.points), strict=True)
            x, y = min(xs), min(ys)
            place = (shape.class_index, x, y, max(xs) - x + 1, max(ys) - y + 1)
            own.setdefault(place, []).append(shape)
    return own


def _shape(region: Region, label: str, own: _OwnShapes) -> dict[str, Any]:
    entry: dict[str, Any] = {"label": label, "group_id": None, "description": "", "flags": {}}
    rows, columns = region.stencil.shape
    for shape in own.get((region.value, region.x, region.y, columns, rows), ()):
        if _is_exact(region, [(int(x), int(y)) for x, y in _corners(shape)]):
            vertices = [list(point) for point in shape.points]
            return {**entry, "shape_type": shape.kind, "points": vertices, "mask": None}
    points = [(int(x), int(y)) for x, y in outer_ring(region)]
    points += points[-1:] * (3 - len(points))  # a polygon has three points
    if _is_exact(region, points):
        polygon = [[float(x), float(y)] for x, y in points]
        return {**entry, "shape_type": "polygon", "points": polygon, "mask": None}
    stream = io.BytesIO()
    Image.fromarray(region.stencil).save(stream, "PNG")
    corners = [
        [float(region.x), float(region.y)],
        [float(region.x + columns - 1), float(region.y + rows - 1)],
    ]
    mask = base64.b64encode(stream.getvalue()).decode("ascii")
    return {**entry, "shape_type": "mask", "points": corners, "mask": mask}


def _corners(shape: ImportedShape) -> tuple[tuple[float, float], ...]:
    if shape.kind == "polygon":
        return shape.points
    (x0, y0), (x1, y1) = shape.points
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def _is_exact(region: Region, points: list[tuple[int, int]]) -> bool:
    """Whether labelme's way of filling covers the region and, besides, only its holes."""
    height, width = region.stencil.shape
    canvas = Image.new("L", (width, height), 0)
    moved = [(x - region.x, y - region.y) for x, y in points]
    ImageDraw.Draw(canvas).polygon(moved, outline=1, fill=1)
    filled = np.pad(region.stencil, 1)
    cv2.floodFill(filled, None, (0, 0), (2,))
    return bool(np.array_equal(np.asarray(canvas) > 0, filled[1:-1, 1:-1] != 2))
