"""labelme's JSON: one file of shapes beside each image, perhaps with the image inside.

Shapes are filled the way labelme fills them (Pillow's polygon with its outline; lines 10 pixels
wide, points of radius 5), in the order of the file, later ones on top.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from core.data.class_names import IGNORE_NAME, LABELME_BACKGROUND
from core.data.formats.class_numbers import check_count
from core.data.formats.contours import Region, outer_ring, regions, touches_border
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import AnnotationFile, Evidence, FileHead, Format
from core.data.formats.image_index import Canvas, ImageIndex, absolute, canvas_of, find_files
from core.data.formats.import_result import ImportedImage, ImportedShape, ImportResult
from core.data.formats.labelme_shapes import (
    Annotation,
    editable_shapes,
    embedded_image,
    parse_annotation,
    rasterize,
)
from core.data.formats.pairing import note_unlabelled, photographs, unlabelled
from core.data.formats.parsing import MAX_FILE_BYTES
from core.data.formats.writing import (
    LabelledImage,
    copy_image,
    first_class,
    labelled_images,
    new_folder,
)
from core.datasets import LABELS_FILE
from core.images.io import IGNORE_INDEX, ImageArray, image_suffix
from core.images.palette import default_palette
from core.system.errors import InputError
from core.system.files import (
    read_text,
    write_bytes_atomic,
    write_json_atomic,
    write_text_atomic,
)
from core.system.messages import message

_OwnShapes = dict[tuple[int, int, int, int, int], list[ImportedShape]]
_VERSION = "5.5.0"  # the version of labelme whose shapes these are


@dataclass(frozen=True, slots=True)
class _File:
    """A JSON file, the image it belongs to, and what it was drawn on."""

    path: Path
    image: Path
    annotation: Annotation
    canvas: Canvas


def read(folder: Path | str, *, extract_to: Path | None = None) -> ImportResult:
    """Read every labelme file of a folder (and below), or one file.

    ``_background_`` is class 0 and ``__ignore__`` is 255. The other classes come in the order of
    the folder's ``labels.txt``, then those that it does not name, sorted: the same files always
    give the same numbers.

    Args:
        folder: folder, or a single ``.json`` file.
        extract_to: folder for images that exist only inside their JSON; None leaves them out.

    Returns:
        Images with masks that are drawn when asked for; the report names every file and shape that
        could not be taken over.

    Raises:
        InputError: no such folder, or no file that can be used (the first one's reason).
    """
    source = absolute(folder)
    root = source if source.is_dir() else source.parent
    paths = find_files(source, (".json",)) if source.is_dir() else [source]
    report = ConversionReport()
    index = ImageIndex(root, report)
    files: dict[Path, _File] = {}
    for path in paths:
        with report.leaving_out():
            file = _read_file(path, index, extract_to, report)
            if file.image in files:
                raise InputError(
                    "{file} is about {image}, as {other} is; one image has one file, and the first"
                    " counts.",
                    file=path,
                    image=file.image.name,
                    other=files[file.image].path.name,
                )
            for lost in file.annotation.lost:
                report.left_out(lost)
            files[file.image] = file
    report.require(files, InputError("{folder} holds no labelme JSON files.", folder=source))
    classes = _classes(list(files.values()), _known_labels(root))
    values = {name: index for index, name in enumerate(classes)} | {IGNORE_NAME: IGNORE_INDEX}
    items = [_item(file, values, report) for file in files.values()]
    if source.is_dir():
        items += unlabelled(photographs(index.images, root), items, root, report)
    return ImportResult(items, classes, default_palette(len(classes)), report)


def _item(file: _File, values: Mapping[str, int], report: ConversionReport) -> ImportedImage:
    if file.annotation.lost and not file.annotation.labels:  # nothing of it can be drawn
        note_unlabelled(file.image, report)
        return ImportedImage(file.image)
    return ImportedImage(
        file.image,
        functools.partial(_draw, file.path, file.canvas, values, report),
        # What was turned is no outline of the image any more.
        shapes=functools.partial(_editable, file.path, values)
        if file.canvas.orientation == 1
        else None,
    )


def _known_labels(root: Path) -> list[str]:
    path = root / LABELS_FILE
    return read_text(path).split("\n") if path.is_file() else []


def _classes(files: Sequence[_File], known: Sequence[str]) -> list[str]:
    used = {label for file in files for label in file.annotation.labels}
    named = dict.fromkeys(name.strip() for name in known)
    rest = [name for name in (*named, *sorted(used - named.keys())) if name]
    others = (name for name in rest if name not in (LABELME_BACKGROUND, IGNORE_NAME))
    classes = [LABELME_BACKGROUND, *others]
    check_count(classes, tool="labelme")
    return classes


def _read_file(
    path: Path, index: ImageIndex, extract_to: Path | None, report: ConversionReport
) -> _File:
    annotation = parse_annotation(path, read_text(path, max_bytes=MAX_FILE_BYTES))
    image = index.at(annotation.image_path, file=path)
    if image is None:
        image = _image_elsewhere(path, annotation, index, extract_to)
    canvas = canvas_of(image, annotation.size, file=path, report=report)
    return _File(path, image, annotation.without_image(), canvas)


def _image_elsewhere(
    path: Path, annotation: Annotation, index: ImageIndex, extract_to: Path | None
) -> Path:
    """Return the image that is not where the file says: in the folder, or inside the file."""
    if annotation.embedded is None:
        return index.find(annotation.image_path, file=path)
    with contextlib.suppress(InputError):
        found = index.find(annotation.image_path, file=path)
        if found.read_bytes() == embedded_image(path, annotation):
            return found
    return _embedded_image(path, annotation, extract_to)


def _embedded_image(path: Path, annotation: Annotation, extract_to: Path | None) -> Path:
    """Write the image inside the file to ``extract_to``; the same file gives the same name."""
    data = embedded_image(path, annotation)
    if extract_to is None:
        raise InputError(
            "The image of {file} exists only inside it; name a folder to take it out to.",
            file=path,
        )
    suffix = image_suffix(data)
    if suffix is None:
        raise InputError("The image inside {file} is no image in a known format.", file=path)
    number, target = 1, extract_to / f"{path.stem}{suffix}"
    while target.exists() and target.read_bytes() != data:
        number += 1
        target = extract_to / f"{path.stem}_{number}{suffix}"
    if not target.exists():
        extract_to.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(target, data)
    return target.absolute()


def _draw(
    path: Path, canvas: Canvas, values: Mapping[str, int], report: ConversionReport
) -> ImageArray:
    annotation = parse_annotation(path, read_text(path, max_bytes=MAX_FILE_BYTES))
    return canvas.upright(rasterize(annotation.shapes, canvas.size, values, path, report))


def _editable(path: Path, values: Mapping[str, int]) -> list[ImportedShape]:
    annotation = parse_annotation(path, read_text(path, max_bytes=MAX_FILE_BYTES))
    return editable_shapes(annotation.shapes, values)


def write(result: ImportResult, folder: Path | str) -> ConversionReport:
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
    report = ConversionReport()
    names = list(result.labels)
    first = first_class(names)
    if first:
        names[0] = LABELME_BACKGROUND
    with new_folder(folder) as partial:
        for item in labelled_images(result, report):
            image = copy_image(item, partial)
            target = partial / f"{item.name}.json"
            write_json_atomic(target, _annotation(item, image.name, names, first=first))
        known = [IGNORE_NAME, *([] if first else [LABELME_BACKGROUND]), *names]
        write_text_atomic(partial / LABELS_FILE, "\n".join(known) + "\n")
    return report


def _annotation(item: LabelledImage, image: str, names: list[str], *, first: int) -> dict[str, Any]:
    height, width = item.mask.shape
    own = _own_shapes(item)
    shapes = [
        _shape(region, IGNORE_NAME if region.value == IGNORE_INDEX else names[region.value], own)
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


def _own_shapes(item: LabelledImage) -> _OwnShapes:
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


def _is_labelme(head: FileHead) -> bool:
    """Shapes are written before the image, but in alphabetical order the image is first."""
    return b'"shapes"' in head.data or b'"imageData"' in head.data


FORMAT = Format(
    key="labelme",
    title=message("labelme folder (JSON files)"),
    read=lambda path, options: read(path, extract_to=options.extract_to),
    write=write,
    options=frozenset({"extract_to"}),
    file=AnnotationFile(suffixes=(".json",), is_one=_is_labelme, evidence=Evidence.FILE_PER_IMAGE),
)
