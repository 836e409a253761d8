"""Supervisely's projects: ``meta.json``, and in each data set ``img/`` and ``ann/``.

Objects are drawn in the order of the file: polygons as Supervisely fills them (their outline is
part of them, holes with their outline are not), bitmaps as they are.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from core.data.formats.areas import Area, AreaImages, LostShapes, stencil_area
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import checked_size, find_images, is_file, require_folder
from core.data.formats.import_result import ImportResult
from core.data.formats.parsing import (
    is_number,
    load_json,
    parse_color,
    said_size,
    subset_of,
    subset_of_path,
)
from core.datasets import Subset
from core.images.io import ImageArray
from core.system.errors import InputError
from core.system.messages import message

META = "meta.json"
IMAGES = "img"
ANNOTATIONS = "ann"
_MOST_OVERHEAD = 65536


def read(folder: Path | str) -> ImportResult:
    """Read a project, or one of its data sets beside a ``meta.json``.

    Class 0 is the background; the others come in the order of ``meta.json``. Images without an
    annotation file stay unlabelled. Lines, points and other objects without area are left out.

    Raises:
        InputError: no such folder, a damaged ``meta.json``, or no images.
    """
    root = require_folder(folder)
    report = ConversionReport()
    images = AreaImages("Supervisely", report)
    meta = load_json(root / META) if is_file(root / META) else {}
    classes = meta.get("classes") if isinstance(meta, dict) else None
    for entry in classes if isinstance(classes, list) else ():
        title = entry.get("title") if isinstance(entry, dict) else None
        if isinstance(title, str) and title.strip():
            images.add_class(title.strip(), parse_color(str(entry.get("color")).lower()))
    lost = LostShapes(report)
    for place in _data_sets(root):
        for image in find_images(place / IMAGES):
            with report.leaving_out():
                _add_image(root, place, image, images, lost, report)
    lost.tell()
    report.require(
        images,
        InputError("{folder} is no project of Supervisely's: it needs img and ann.", folder=root),
    )
    return images.result()


def _data_sets(root: Path) -> Iterator[Path]:
    for place, folders, _ in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if IMAGES in folders and ANNOTATIONS in folders:
            yield Path(place)


def _add_image(
    root: Path,
    place: Path,
    image: Path,
    images: AreaImages,
    lost: LostShapes,
    report: ConversionReport,
) -> None:
    relative = image.relative_to(place / IMAGES)
    names = (relative.with_name(f"{image.name}.json"), relative.with_suffix(".json"))
    paths = [place / ANNOTATIONS / name for name in names]
    file = next((path for path in paths if is_file(path)), None)
    size = checked_size(image, None, file=image)
    areas: list[Area] | None = None
    subset = subset_of_path(image, root)
    try:
        if file is not None:
            areas, by_tag = _read_file(file, image, size, lost)
            subset = by_tag or subset
    finally:
        images.add(image, size, areas, subset)


def _read_file(
    file: Path, image: Path, size: tuple[int, int], lost: LostShapes
) -> tuple[list[Area] | None, Subset | None]:
    data = load_json(file)
    objects = data.get("objects") if isinstance(data, dict) else None
    if not isinstance(objects, list):
        raise InputError("{file} is no annotation of Supervisely's.", file=file)
    said = data.get("size")
    if isinstance(said, dict):
        checked_size(image, said_size(said.get("width"), said.get("height")), file=file)
    areas: list[Area] = []
    for entry in objects:
        kind = str(entry.get("geometryType") or "?") if isinstance(entry, dict) else "?"
        draw = _SHAPES.get(kind)
        try:
            if draw is None:
                raise ValueError(kind)
            title = entry.get("classTitle")
            if not isinstance(title, str) or not title.strip():
                raise ValueError("no class")
            areas.append(draw(title.strip(), entry, size))
        except ValueError:
            lost.add(file, kind)
    tags = data.get("tags")
    names = (
        [tag.get("name") for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []
    )
    subsets = (subset_of(name) for name in names if isinstance(name, str))
    return areas if areas or not objects else None, next((one for one in subsets if one), None)


def _points(value: Any, least: int) -> npt.NDArray[np.int32]:
    if not isinstance(value, list) or len(value) < least:
        raise ValueError("no points")
    for point in value:
        if not isinstance(point, list) or len(point) != 2 or not all(map(is_number, point)):
            raise ValueError("no points")
    return np.rint(np.array(value, np.float64)).astype(np.int32)


def _polygon(label: str, entry: Mapping[str, Any], size: tuple[int, int]) -> Area:
    points = entry.get("points")
    if not isinstance(points, dict):
        raise ValueError("no points")
    exterior = _points(points.get("exterior"), 3)
    interior = points.get("interior") or []
    if not isinstance(interior, list):
        raise ValueError("no holes")
    holes = [_points(ring, 3) for ring in interior]
    x, y, stencil = _canvas(exterior, size)
    corner = np.array((x, y), np.int32)
    cv2.fillPoly(stencil, [exterior - corner], (1,))
    if holes:
        cv2.fillPoly(stencil, [hole - corner for hole in holes], (0,))
    return stencil_area(label, stencil, x, y, size)


def _rectangle(label: str, entry: Mapping[str, Any], size: tuple[int, int]) -> Area:
    points = entry.get("points")
    if not isinstance(points, dict):
        raise ValueError("no points")
    x, y, stencil = _canvas(_points(points.get("exterior"), 2), size)
    stencil[:] = 1
    return stencil_area(label, stencil, x, y, size)


def _canvas(points: npt.NDArray[np.int32], size: tuple[int, int]) -> tuple[int, int, ImageArray]:
    """Return the corner and zeros for the part of the image around points.

    Raises:
        ValueError: no part of the image is there.
    """
    x, y = np.maximum(points.min(axis=0), 0).tolist()
    right, bottom = np.minimum(points.max(axis=0) + 1, size).tolist()
    if x >= right or y >= bottom:
        raise ValueError("outside of the image")
    return x, y, np.zeros((bottom - y, right - x), np.uint8)


def _bitmap(label: str, entry: Mapping[str, Any], size: tuple[int, int]) -> Area:
    bitmap = entry.get("bitmap")
    data = bitmap.get("data") if isinstance(bitmap, dict) else None
    if not isinstance(bitmap, dict) or not isinstance(data, str):
        raise ValueError("no bitmap")
    ((x, y),) = _points([bitmap.get("origin")], 1).tolist()
    return stencil_area(label, _decode_bitmap(data, size), x, y, size)


def _decode_bitmap(text: str, size: tuple[int, int]) -> ImageArray:
    """Return a bitmap (h, w) of zeros and ones: a PNG, packed by zlib, in base64.

    Raises:
        ValueError: damaged, or larger than an image of ``size`` (width, height) can need.
    """
    unpack = zlib.decompressobj()
    most = 4 * size[0] * size[1] + _MOST_OVERHEAD
    try:
        png = unpack.decompress(base64.b64decode(text, validate=True), most)
    except (binascii.Error, zlib.error) as error:
        raise ValueError("damaged") from error
    if unpack.unconsumed_tail:
        raise ValueError("larger than the image")
    try:
        image = Image.open(io.BytesIO(png), formats=["PNG"])
        if image.width > size[0] or image.height > size[1]:
            raise ValueError("larger than the image")
        if image.has_transparency_data:
            channel = image.convert("RGBA").getchannel("A")
        else:
            channel = image.convert("L")
        return (np.asarray(channel) > 0).astype(np.uint8)
    except Exception as error:  # decoders of damaged files raise anything
        raise ValueError("no PNG") from error


_SHAPES: dict[str, Callable[[str, Mapping[str, Any], tuple[int, int]], Area]] = {
    "polygon": _polygon,
    "rectangle": _rectangle,
    "bitmap": _bitmap,
}


def _has_layout(folder: FolderOverview) -> bool:
    return META in folder.names and next(_data_sets(folder.root), None) is not None


FORMAT = Format(
    key="supervisely",
    title=message("Supervisely project (meta.json, img, ann)"),
    read=lambda path, _: read(path),
    folder={Evidence.LAYOUT: _has_layout},
)
