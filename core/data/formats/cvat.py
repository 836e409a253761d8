"""CVAT for images 1.1, and for video: polygons, masks, boxes and ellipses in one XML.

Shapes are drawn by ``z_order``, then in the order of the file. Polygons, boxes and ellipses are
filled as CVAT's own exports do (pycocotools), masks are exact.
"""

from __future__ import annotations

import codecs
import functools
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import (
    Element,
    ElementTree,
    ParseError,
    SubElement,
    TreeBuilder,
    indent,
)

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from core.data.class_names import IGNORE_NAME
from core.data.formats import rle
from core.data.formats.class_numbers import number_classes
from core.data.formats.contours import regions
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.cvat_tracks import Tracks
from core.data.formats.format import AnnotationFile, Evidence, FileHead, Format
from core.data.formats.image_index import Canvas, ImageIndex, absolute, canvas_of, find_files
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.pairing import note_unlabelled, photographs, unlabelled
from core.data.formats.parsing import (
    MAX_FILE_BYTES,
    parse_color,
    parse_number,
    subset_of,
    subset_of_path,
)
from core.data.formats.writing import (
    LabelledImage,
    copy_image,
    first_class,
    labelled_images,
    new_folder,
)
from core.datasets import Subset
from core.images.io import IGNORE_INDEX, ImageArray
from core.images.palette import Color
from core.system.errors import InputError
from core.system.files import open_regular, write_bytes_atomic
from core.system.messages import message

_FILE_NAME = "annotations.xml"
_MAX_SHAPES = 1_000_000  # of one image; they are all held until its end
_ELLIPSE_CORNERS = 720
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([\w.-]+)")
_DRAWN = ("polygon", "mask", "box", "ellipse")
_WANTED = ("image", "label", "track", "size")
_HEAD_BYTES = 200
_LEFT_OUT = ("polyline", "points", "cuboid", "skeleton", "tag")


@dataclass(frozen=True, slots=True)
class _Shape:
    """A polygon (x, y, x, y …), or run lengths, row by row, in a box (x, y, width, height)."""

    label: str
    z_order: int
    polygon: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    box: tuple[int, int, int, int] = (0, 0, 0, 0)


def read(path: Path | str) -> ImportResult:
    """Read an XML file, or all of a folder; images lie in its folder, or below.

    Class 0 is the background; the others come in the order of the labels. A label ``__ignore__``
    is 255. Lines, points, cuboids, skeletons and tags have no area and are left out.

    Raises:
        InputError: no such file, or none that can be used (the first one's reason).
    """
    source = absolute(path)
    root = source if source.is_dir() else source.parent
    files = find_files(source, (".xml",)) if source.is_dir() else [source]
    report = ConversionReport()
    reader = _Reader(root, report)
    for file in files:
        with report.leaving_out():
            reader.read_file(file)
    report.require(
        reader.images,
        InputError("{folder} holds no XML file of CVAT's with images.", folder=source),
    )
    return reader.result(with_others=source.is_dir())


class _Reader:
    def __init__(self, root: Path, report: ConversionReport) -> None:
        self._root = root
        self._index = ImageIndex(root, report)
        self._report = report
        self._labels: dict[str, Color | None] = {}
        self.images: dict[Path, tuple[Canvas, list[_Shape] | None, Subset | None]] = {}

    def read_file(self, file: Path) -> None:
        left_out: dict[str, int] = {}
        tracks = Tracks()
        for element in _elements(file):
            if element.tag == "track":
                tracks.add(element)
            elif element.tag == "size":
                tracks.set_length(element.text)
            elif element.tag == "label":
                self._add_label(element)
            elif element.tag == "image":
                with self._report.leaving_out():
                    self._add_image(file, element, left_out)
                element.clear()
        for frame, element in tracks.frames(file, self._root, self._report):
            with self._report.leaving_out():
                self._add_image(file, element, left_out, frame)
        for kind, count in left_out.items():
            self._report.left_out(
                message(
                    "{count} {count:shape|shapes} of the type {kind} in {file} {count:is|are} "
                    "damaged or {count:has|have} no area, and {count:is|are} left out.",
                    count=count,
                    kind=kind,
                    file=file,
                )
            )

    def _add_label(self, element: Element) -> None:
        name = (element.findtext("name") or "").strip()
        if name:
            self._labels.setdefault(name, parse_color((element.findtext("color") or "").strip()))

    def _add_image(
        self, file: Path, element: Element, left_out: dict[str, int], frame: Path | None = None
    ) -> None:
        name = element.get("name", "")
        image = frame
        if image is None:
            image = self._index.find(name, file=file, subset=element.get("subset", ""))
        canvas = canvas_of(image, _said_size(element), file=file, report=self._report)
        if image in self.images:
            raise InputError(
                "{file} has the image {image} more than once; the first is used.",
                file=file,
                image=name,
            )
        shapes: list[_Shape] | None = []
        lost = 0
        for child in element:
            if child.tag in _DRAWN:
                shape = _parse_shape(child, canvas.size)
                if shape is not None and shapes is not None:
                    shapes.append(shape)
                    self._labels.setdefault(shape.label, None)
                    continue
            if child.tag in (*_DRAWN, *_LEFT_OUT):
                left_out[child.tag] = left_out.get(child.tag, 0) + 1
                lost += 1
        if lost and not shapes:
            shapes = None
            note_unlabelled(image, self._report)
        subset = subset_of(element.get("subset", "")) or subset_of_path(image, self._root)
        self.images[image] = (canvas, shapes, subset)

    def result(self, *, with_others: bool) -> ImportResult:
        classes = number_classes(self._labels, tool="CVAT")
        items = []
        for image, (canvas, shapes, subset) in self.images.items():
            draw = functools.partial(_draw, canvas, shapes or [], classes.values)
            items.append(ImportedImage(image, None if shapes is None else draw, subset))
        if with_others:
            others = photographs(self._index.images, self._root)
            items += unlabelled(others, items, self._root, self._report)
        return ImportResult(items, classes.names, classes.colors, self._report)


def _elements(file: Path) -> Iterator[Element]:
    """Yield what matters of the file; entities, which may be bombs, are refused."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise InputError(
                "{file} is larger than {size} MiB, more than such a file can need.",
                file=file,
                size=MAX_FILE_BYTES >> 20,
            )
        with open_regular(file) as stream:
            source, parser = _readable(stream)
            events = iterparse(source, events=("start", "end"), parser=parser, forbid_dtd=True)
            open_: list[Element] = []
            inside = 0
            for event, element in events:
                if event == "start":
                    inside = inside + 1 if any(one.tag in _WANTED for one in open_) else 0
                    if inside > _MAX_SHAPES:
                        raise InputError("{file} holds more shapes than can be drawn.", file=file)
                    open_.append(element)
                    if open_[0].tag != "annotations" or len(open_) > 100:
                        raise InputError("{file} is no XML file of CVAT's.", file=file)
                    continue
                open_.pop()
                if element.tag in _WANTED:
                    yield element
                if open_ and not any(parent.tag in _WANTED for parent in open_):
                    open_[-1].remove(element)  # the tree of a large file would fill the memory
    except FileNotFoundError as error:
        raise InputError("{file} does not exist.", file=file) from error
    except OSError as error:
        raise InputError(
            "{file} cannot be read: {reason}.", file=file, reason=error.strerror or error
        ) from error
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            "{file} is no valid XML: it is damaged or cut short.", file=file
        ) from error


def _readable(stream: BinaryIO) -> tuple[Any, DefusedXMLParser | None]:
    """Return what to parse, and with what if not as usual: parsers know no Chinese encodings.

    Raises:
        LookupError: an encoding that does not exist.
    """
    found = _ENCODING.match(stream.read(_HEAD_BYTES))
    stream.seek(0)
    name = "utf-8" if found is None else codecs.lookup(found[1].decode("ascii")).name
    if name.startswith("utf") or found is None:
        return stream, None
    decoded = codecs.EncodedFile(stream, "utf-8", name)
    return decoded, DefusedXMLParser(target=TreeBuilder(), encoding="utf-8", forbid_dtd=True)


def _said_size(element: Element) -> tuple[int, int] | None:
    try:
        return int(element.get("width", "")), int(element.get("height", ""))
    except ValueError:
        return None


def _parse_shape(element: Element, size: tuple[int, int]) -> _Shape | None:
    """Return a shape that can be drawn, None for a damaged one."""
    label = (element.get("label") or "").strip()
    try:
        z_order = int(element.get("z_order") or "0")
        if not label:
            return None
        if element.tag == "mask":
            box = tuple(int(element.get(key, "")) for key in ("left", "top", "width", "height"))
            left, top, width, height = box
            inside = 0 <= left < left + width <= size[0] and 0 <= top < top + height <= size[1]
            if not inside:
                return None
            counts = [int(word) for word in (element.get("rle") or "").split(",")]
            rle.counts_from_list(counts, (width, height))
            return _Shape(label, z_order, counts=tuple(counts), box=(left, top, width, height))
        corners = _corners(element)
        rle.polygon_corners(corners)
        return _Shape(label, z_order, polygon=tuple(corners))
    except ValueError:
        return None


def _corners(element: Element) -> list[float]:
    """Return x, y, x, y …; raises ``ValueError``."""
    if element.tag == "polygon":
        points = (element.get("points") or "").split(";")
        pairs = [point.split(",") for point in points]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError("no pairs")
        return [parse_number(number) for pair in pairs for number in pair]
    angle = math.radians(parse_number(element.get("rotation") or "0"))
    if element.tag == "box":
        x0, y0, x1, y1 = (parse_number(element.get(key)) for key in ("xtl", "ytl", "xbr", "ybr"))
        center = np.array([x0 + x1, y0 + y1]) / 2
        half = np.array([x1 - x0, y1 - y0]) / 2
        points_around = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
    else:
        cx, cy, rx, ry = (parse_number(element.get(key)) for key in ("cx", "cy", "rx", "ry"))
        center = np.array([cx, cy])
        turn = np.linspace(0, 2 * math.pi, _ELLIPSE_CORNERS, endpoint=False)
        points_around = np.stack([np.cos(turn) * rx, np.sin(turn) * ry], axis=1)
    if angle:
        sine, cosine = math.sin(angle), math.cos(angle)
        points_around = points_around @ np.array([[cosine, sine], [-sine, cosine]])
    return [float(number) for number in (points_around + center).ravel()]


def _draw(canvas: Canvas, shapes: list[_Shape], values: dict[str, int]) -> ImageArray:
    size = canvas.size
    columns = np.zeros(size, np.uint8)  # column by column, as COCO's runs go
    for shape in sorted(shapes, key=lambda one: one.z_order):
        value = values[shape.label]
        if shape.polygon:
            rle.paint(columns.reshape(-1), rle.counts_from_polygon(shape.polygon, size), value)
            continue
        left, top, width, height = shape.box
        stencil = np.zeros(width * height, np.uint8)
        rle.paint(stencil, np.array(shape.counts, np.int64), 1)
        part = columns[left : left + width, top : top + height]
        part[stencil.reshape(height, width).T > 0] = value
    return canvas.upright(np.ascontiguousarray(columns.T))


def write(result: ImportResult, folder: Path | str) -> ConversionReport:
    """Write ``images/`` and ``annotations.xml`` with one mask for each connected region.

    The background is no label; ignored pixels are masks of a label ``__ignore__``.

    Returns:
        A sentence for each image that could not be written.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    report = ConversionReport()
    first = first_class(result.labels)
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    labels = SubElement(SubElement(SubElement(root, "meta"), "task"), "labels")
    for name, (red, green, blue) in [*zip(result.labels, result.colors, strict=True)][first:]:
        _write_label(labels, name, f"#{red:02x}{green:02x}{blue:02x}")
    ignored = False
    with new_folder(folder) as partial:
        for number, item in enumerate(labelled_images(result, report)):
            copy_image(item, partial / "images")
            _write_image(root, number, item, result.labels, first)
            ignored = ignored or bool((item.mask == IGNORE_INDEX).any())
        if ignored:
            _write_label(labels, IGNORE_NAME, "#ffffff")
        indent(root)
        stream = io.BytesIO()
        ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)
        write_bytes_atomic(partial / _FILE_NAME, stream.getbuffer())
    return report


def _write_label(labels: Element, name: str, color: str) -> None:
    label = SubElement(labels, "label")
    SubElement(label, "name").text = _printable(name)
    SubElement(label, "color").text = color
    SubElement(label, "attributes")


def _write_image(
    root: Element, number: int, item: LabelledImage, names: list[str], first: int
) -> None:
    height, width = item.mask.shape
    image = SubElement(
        root,
        "image",
        id=str(number),
        name=f"images/{item.file_name}",
        subset=item.subset,
        width=str(width),
        height=str(height),
    )
    for region in regions(item.mask, skip=range(first)):
        rows, columns = region.stencil.shape
        name = IGNORE_NAME if region.value == IGNORE_INDEX else names[region.value]
        SubElement(
            image,
            "mask",
            label=_printable(name),
            source="manual",
            occluded="0",
            rle=", ".join(map(str, rle.counts_of(region.stencil).tolist())),
            left=str(region.x),
            top=str(region.y),
            width=str(columns),
            height=str(rows),
            z_order="0",
        )


def _printable(name: str) -> str:
    """Return a name without characters that XML cannot hold."""
    return "".join(char if char.isprintable() else "?" for char in name)


def _is_cvat(head: FileHead) -> bool:
    return b"<annotations" in head.data


FORMAT = Format(
    key="cvat",
    title=message("CVAT for images and video 1.1 (XML)"),
    read=lambda path, _: read(path),
    write=write,
    file=AnnotationFile(suffixes=(".xml",), is_one=_is_cvat, evidence=Evidence.FILE_OF_MANY),
)
