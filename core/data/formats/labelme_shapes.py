"""Parsing one labelme file without trusting it, and filling its shapes."""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from core.data.formats.conversion_report import ConversionReport
from core.data.formats.import_result import ImportedShape
from core.data.formats.parsing import MAX_COORDINATE, parse_json
from core.images.io import ImageArray
from core.system.errors import InputError
from core.system.messages import Message, message

LINE_WIDTH = 10
POINT_RADIUS = 5
MAX_POINTS = 2_000_000
_LEAST_POINTS = {
    "polygon": 3,
    "rectangle": 2,
    "rotation": 3,
    "oriented_rectangle": 3,
    "circle": 2,
    "line": 2,
    "linestrip": 2,
    "point": 1,
    "mask": 2,
}

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape: ``points`` are (x, y) in pixels, ``mask`` a PNG in base64 of a "mask" shape."""

    label: str
    kind: str
    points: tuple[Point, ...]
    mask: str | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """A labelme file; ``size`` is (width, height) if it says, ``lost`` the shapes left out.

    ``embedded`` is its image in base64, not yet decoded.
    """

    image_path: str
    size: tuple[int, int] | None
    shapes: tuple[Shape, ...]
    labels: frozenset[str]
    embedded: str | None = None
    lost: tuple[Message, ...] = ()

    def without_image(self) -> Annotation:
        """Return what is small: everything but the embedded image and the shapes."""
        return replace(self, embedded=None, shapes=())


def parse_annotation(path: Path, text: str) -> Annotation:
    """Parse the text of a labelme file.

    Raises:
        InputError: not JSON, not labelme's, or values no labelme writes (``path`` is named).
    """
    data = parse_json(path, text)
    if not isinstance(data, dict) or not isinstance(data.get("shapes"), list):
        raise InputError("{file} is no labelme file: it has no list of shapes.", file=path)
    image_path = data.get("imagePath")
    if not isinstance(image_path, str) or not image_path or "\0" in image_path:
        raise InputError("{file} does not say which image it belongs to.", file=path)
    shapes: list[Shape] = []
    lost: list[Message] = []
    points = 0
    for number, entry in enumerate(data["shapes"], 1):
        try:
            shape = _parse_shape(path, number, entry)
        except InputError as error:
            lost.append(error.message)
            continue
        points += len(shape.points)
        if points > MAX_POINTS:
            raise InputError("{file} holds more points than can be drawn.", file=path)
        reason = _unusable(path, number, shape)
        if reason is None:
            shapes.append(shape)
        else:
            lost.append(reason)
    return Annotation(
        image_path,
        _parse_size(data),
        tuple(shapes),
        frozenset(shape.label for shape in shapes),
        _parse_image(data.get("imageData")),
        tuple(lost),
    )


def _parse_size(data: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the size if it is one; files of other programs have zeros and fractions there."""
    width, height = (_whole(data.get(key)) for key in ("imageWidth", "imageHeight"))
    return None if width is None or height is None else (width, height)


def _whole(value: Any) -> int | None:
    if type(value) not in (int, float) or not 1 <= value <= MAX_COORDINATE or value != int(value):
        return None
    return int(value)


def _parse_image(data: Any) -> str | None:
    return None if data is None or data == "" else str(data)


def embedded_image(path: Path, annotation: Annotation) -> bytes:
    """Return the bytes of the image inside a file; raises ``InputError`` for damaged ones."""
    try:
        return base64.b64decode(annotation.embedded or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("The image inside {file} is damaged.", file=path) from error


def _parse_shape(path: Path, number: int, entry: Any) -> Shape:
    label = entry.get("label") if isinstance(entry, dict) else None
    points = entry.get("points") if isinstance(entry, dict) else None
    if type(label) in (int, float):  # as scripts write them
        label = str(label)
    if not isinstance(label, str) or not label.strip() or not isinstance(points, list):
        raise InputError(
            "Shape {number} of {file} lacks a label or points.", number=number, file=path
        )
    mask = entry.get("mask")
    return Shape(
        label.strip(),
        str(entry.get("shape_type") or "polygon"),
        tuple(_parse_point(path, number, point) for point in points),
        mask if isinstance(mask, str) else None,
    )


def _parse_point(path: Path, number: int, point: Any) -> Point:
    if isinstance(point, list) and len(point) == 2:
        x, y = point
        if all(type(v) in (int, float) and abs(v) <= MAX_COORDINATE for v in (x, y)):
            return float(x), float(y)  # NaN fails the comparison
    raise InputError(
        "Shape {number} of {file} has a point that is no pair of coordinates.",
        number=number,
        file=path,
    )


def _unusable(path: Path, number: int, shape: Shape) -> Message | None:
    """Return why a shape cannot be drawn, None if it can."""
    least = _LEAST_POINTS.get(shape.kind)
    if least is None:
        return message(
            "Shape {number} of {file} is of an unknown type ({kind}) and is left out.",
            number=number,
            file=path,
            kind=shape.kind,
        )
    if len(shape.points) < least or (shape.kind == "mask" and shape.mask is None):
        return message(
            "Shape {number} of {file} ({kind}) is incomplete and is left out.",
            number=number,
            file=path,
            kind=shape.kind,
        )
    return None


def rasterize(
    shapes: Sequence[Shape],
    size: tuple[int, int],
    values: Mapping[str, int],
    path: Path,
    report: ConversionReport | None = None,
) -> ImageArray:
    """Fill shapes in their order.

    Args:
        shapes: usable shapes of ``parse_annotation``.
        size: (width, height) of the image.
        values: class index of each label; the shapes of others are left out.
        path: file to name in errors.
        report: told of damaged shapes.

    Returns:
        (height, width) uint8, 0 where no shape is.

    Raises:
        InputError: every shape is damaged.
    """
    canvas = Image.new("L", size, 0)
    draw = ImageDraw.Draw(canvas)
    damaged: list[InputError] = []
    for shape in shapes:
        value = values.get(shape.label)
        if value is None:
            continue
        if shape.kind != "mask":
            _draw_shape(draw, shape, value)
            continue
        try:
            _paste_mask(canvas, shape, value, path)
        except InputError as error:
            damaged.append(error)
    if damaged and (report is None or len(damaged) == len(shapes)):
        raise damaged[0]
    if damaged and report is not None:
        report.alike(
            "left out",
            message(
                "{count} {count:file has|files have} damaged mask shapes; the others count "
                "({file})."
            ),
            path,
        )
    return np.array(canvas, np.uint8)


def editable_shapes(shapes: Sequence[Shape], values: Mapping[str, int]) -> list[ImportedShape]:
    """Return the shapes that have vertices or a box; ``values`` as for ``rasterize``."""
    found: list[ImportedShape] = []
    for shape in shapes:
        value = values.get(shape.label)
        if value is None:
            continue
        points = shape.points
        match shape.kind:
            case "polygon" | "rotation" | "oriented_rectangle":
                found.append(ImportedShape(value, "polygon", points))
            case "rectangle":
                xs, ys = zip(*points, strict=True)
                corners = (min(xs), min(ys)), (max(xs), max(ys))
                found.append(ImportedShape(value, "rectangle", corners))
            case "circle":
                start, end = _box(*points[0], math.dist(points[0], points[1]))
                found.append(ImportedShape(value, "ellipse", (start, end)))
    return found


def _draw_shape(draw: ImageDraw.ImageDraw, shape: Shape, value: int) -> None:
    points = list(shape.points)
    x, y = points[0]
    match shape.kind:
        case "rectangle":
            xs, ys = zip(*points, strict=True)
            draw.rectangle([(min(xs), min(ys)), (max(xs), max(ys))], outline=value, fill=value)
        case "circle":
            radius = math.dist(points[0], points[1])
            draw.ellipse(_box(x, y, radius), outline=value, fill=value)
        case "point":
            draw.ellipse(_box(x, y, POINT_RADIUS), outline=value, fill=value)
        case "line" | "linestrip":
            draw.line(points, fill=value, width=LINE_WIDTH)
        case _:
            draw.polygon(points, outline=value, fill=value)


def _box(x: float, y: float, radius: float) -> list[Point]:
    return [(x - radius, y - radius), (x + radius, y + radius)]


def _paste_mask(canvas: Image.Image, shape: Shape, value: int, path: Path) -> None:
    """Put the shape's own mask at the upper left of its box; only non-zero pixels count."""
    x, y = (int(coordinate) for coordinate in np.min(shape.points[:2], axis=0))
    try:
        data = base64.b64decode(shape.mask or "", validate=True)
        image = Image.open(io.BytesIO(data), formats=["PNG"])
        if image.width > canvas.width or image.height > canvas.height:
            raise ValueError("too large")
        stencil = Image.fromarray((np.asarray(image.convert("L")) > 0).astype(np.uint8) * 255)
    except Exception as error:
        raise InputError("A mask shape in {file} is damaged.", file=path) from error
    canvas.paste(value, (x, y), stencil)
