"""COCO's instances: polygons and run lengths, compressed or not, in one JSON for many images.

Annotations are drawn in the order of the file, later ones on top; crowds are drawn last and are
ignored (255) unless asked otherwise. Polygons are filled as pycocotools does.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.data.formats import rle
from core.data.formats.class_numbers import number_classes
from core.data.formats.coco_writing import write
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import AnnotationFile, Crowd, Evidence, FileHead, Format
from core.data.formats.image_index import Canvas, ImageIndex, absolute, canvas_of, find_files
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.pairing import note_unlabelled, photographs, unlabelled
from core.data.formats.parsing import (
    load_json,
    parse_color,
    said_size,
    subset_of,
    subset_of_path,
)
from core.datasets import Subset
from core.images.io import IGNORE_INDEX, ImageArray
from core.images.palette import Color
from core.system.errors import InputError
from core.system.messages import Message, message


@dataclass(frozen=True, slots=True)
class _Category:
    name: str
    color: Color | None


@dataclass(slots=True)
class _Picture:
    """What the files say of an image; nothing is known of one with unusable annotations only."""

    canvas: Canvas
    subset: Subset | None
    drawn: list[_Drawn] = field(default_factory=list)
    is_known: bool = False
    """Whether a file with outlines lists it without any annotation that was left out."""
    has_losses: bool = False


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A usable annotation: polygons or run lengths, not yet drawn."""

    category: str
    crowd: bool
    segmentation: Any


def is_coco(data: Any) -> bool:
    """Whether parsed JSON lists images as COCO does, with annotations of whatever kind, or none."""
    return (
        isinstance(data, dict)
        and isinstance(data.get("images"), list)
        and all(isinstance(data.get(key, []), list) for key in ("annotations", "categories"))
    )


def read(path: Path | str, *, crowd: Crowd = "ignore") -> ImportResult:
    """Read one JSON file, or all of a folder (those named ``instances_*`` where there are any).

    Class 0 is the background; the others come in the order of the category ids of the first file,
    then of the next. A file or a folder named after a subset gives it to its images. A category
    ``__ignore__`` is 255. Images of files without any outline (captions, boxes, key points) stay
    unlabelled, and so do those of which no annotation can be used.

    Args:
        path: JSON file or folder; images lie in the file's folder or the one above, or in the
            folder, and below.
        crowd: whether pixels of a crowd are ignored or of its class.

    Raises:
        InputError: no such file, or none that can be used (the first one's reason).
    """
    source = absolute(path)
    files, root = _files(source)
    report = ConversionReport()
    reader = _Reader(root, crowd, report)
    for file in files:
        with report.leaving_out():
            reader.read_file(file)
    report.require(
        reader.images, InputError("{folder} holds no COCO file with images.", folder=source)
    )
    return reader.result(with_others=source.is_dir())


def _files(source: Path) -> tuple[list[Path], Path]:
    if source.is_dir():
        files = find_files(source, (".json",))
        instances = [file for file in files if file.name.startswith("instances_")]
        return instances or files, source
    parent = source.parent
    # The usual places: annotations/x.json beside images/, or x.json beside the images.
    return [source], parent.parent if parent.name == "annotations" else parent


class _Reader:
    def __init__(self, root: Path, crowd: Crowd, report: ConversionReport) -> None:
        self._index = ImageIndex(root, report)
        self._root = root
        self._crowd: Crowd = crowd
        self._report = report
        self._colors: dict[str, Color | None] = {}
        self.images: dict[Path, _Picture] = {}

    def read_file(self, file: Path) -> None:
        data = load_json(file)
        if not is_coco(data):
            raise InputError(
                "{file} is no COCO file: it lacks images, annotations or categories.", file=file
            )
        categories = self._categories(file, data.get("categories", []))
        for category in categories.values():
            self._colors.setdefault(category.name, category.color)
        images = self._images(file, data["images"])
        problems: dict[str, list[Any]] = {}
        has_outlines = False
        for number, entry in enumerate(data.get("annotations", []), 1):
            reason = self._add(entry, images, categories)
            has_outlines = has_outlines or not reason
            if reason:
                self._lose(entry, images)
                problems.setdefault(reason, []).append(
                    entry.get("id", number) if isinstance(entry, dict) else number
                )
        for reason, ids in problems.items():
            self._report.left_out(_PROBLEMS[reason](file, ids))
        if has_outlines or (not data.get("annotations") and "annotations" in data):
            for image in images.values():
                if image is not None:
                    self.images[image].is_known = True
        else:
            self._report.assumed(
                message(
                    "{file} holds no outlines of objects: its {count} {count:image stays|images "
                    "stay} unlabelled.",
                    file=file,
                    count=len(images),
                )
            )

    def _lose(self, entry: Any, images: dict[Any, Path | None]) -> None:
        id_ = entry.get("image_id") if isinstance(entry, dict) else None
        image = images.get(id_) if isinstance(id_, (int, str)) else None
        if image is not None:
            self.images[image].has_losses = True

    def _categories(self, file: Path, entries: Sequence[Any]) -> dict[Any, _Category]:
        """Return the categories by id, in the order of the ids, without the faulty ones."""
        found: dict[Any, _Category] = {}
        nameless, twice = 0, []
        for entry in entries:
            id_ = entry.get("id") if isinstance(entry, dict) else None
            name = entry.get("name") if isinstance(entry, dict) else None
            if type(name) in (int, float):
                name = str(name)
            if not isinstance(id_, (int, str)) or not isinstance(name, str) or not name.strip():
                nameless += 1
            elif id_ in found:
                twice.append(id_)
            else:
                found[id_] = _Category(name.strip(), parse_color(entry.get("color")))
        if nameless:
            self._report.left_out(
                message(
                    "{count} {count:category|categories} of {file} {count:has|have} no name or no "
                    "id, and {count:is|are} left out.",
                    count=nameless,
                    file=file,
                )
            )
        if twice:
            self._report.left_out(
                message(
                    "{count} {count:category|categories} of {file} {count:has|have} the id of "
                    "another, and {count:is|are} left out (the first is {id}).",
                    count=len(twice),
                    file=file,
                    id=twice[0],
                )
            )
        return dict(sorted(found.items(), key=lambda pair: (isinstance(pair[0], str), pair[0])))

    def _images(self, file: Path, entries: Sequence[Any]) -> dict[Any, Path | None]:
        """Return the image of each id; None where it was reported as lost."""
        found: dict[Any, Path | None] = {}
        for entry in entries:
            try:
                id_, image, canvas = self._image(file, entry)
            except InputError as error:
                self._report.left_out(error.message)
                if isinstance(entry, dict) and isinstance(entry.get("id"), (int, str)):
                    found.setdefault(entry["id"], None)
                continue
            if id_ in found:
                self._report.left_out(
                    message(
                        "{file} has several images with the id {id}; the first is used.",
                        file=file,
                        id=id_,
                    )
                )
                continue
            found[id_] = image
            subset = subset_of(file.stem) or subset_of_path(image, self._root)
            self.images.setdefault(image, _Picture(canvas, subset))
        return found

    def _image(self, file: Path, entry: Any) -> tuple[int | str, Path, Canvas]:
        name = entry.get("file_name") if isinstance(entry, dict) else None
        id_ = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(id_, (int, str)):
            raise InputError("{file} lists an image without a name or an id.", file=file)
        image = self._index.find(name, file=file)
        said = said_size(entry.get("width"), entry.get("height"))
        canvas = canvas_of(image, said, file=file, report=self._report)
        if image in self.images and self.images[image].canvas != canvas:
            raise InputError(
                "{file} shows {image} turned otherwise than another file; the first counts.",
                file=file,
                image=image.name,
            )
        return id_, image, canvas

    def _add(
        self, entry: Any, images: dict[Any, Path | None], categories: dict[Any, _Category]
    ) -> str:
        """Take an annotation; returns the key of the reason if it cannot be used."""
        if not isinstance(entry, dict):
            return "damaged"
        id_, category = entry.get("image_id"), entry.get("category_id")
        if not isinstance(id_, (int, str)) or not isinstance(category, (int, str)):
            return "damaged"
        if id_ not in images:
            return "image"
        if category not in categories:
            return "category"
        image = images[id_]
        if image is None:
            return ""  # the image was reported
        segmentation = entry.get("segmentation")
        if not segmentation:
            return "box"
        picture = self.images[image]
        if isinstance(segmentation, list):
            parts = _parts(segmentation)
            usable = [part for part in parts if _is_polygon(part)]
            if not usable:
                return "damaged"
            if len(usable) < len(parts):
                self._report.alike(
                    "left out",
                    message(
                        "{count} {count:image has|images have} annotations with parts that are no "
                        "outlines; their other parts count (the first is {file})."
                    ),
                    image,
                )
            segmentation = usable
        else:
            try:
                _runs_of(segmentation, picture.canvas.size)
            except ValueError:
                return "damaged"
        crowd = bool(entry.get("iscrowd"))
        picture.drawn.append(_Drawn(categories[category].name, crowd, segmentation))
        return ""

    def result(self, *, with_others: bool) -> ImportResult:
        classes = number_classes(self._colors, tool="COCO")
        items = [self._item(image, found, classes.values) for image, found in self.images.items()]
        if with_others:
            others = photographs(self._index.images, self._root)
            items += unlabelled(others, items, self._root, self._report)
        crowds = sum(shape.crowd for found in self.images.values() for shape in found.drawn)
        return ImportResult(items, classes.names, classes.colors, self._report, crowds)

    def _item(self, image: Path, found: _Picture, values: dict[str, int]) -> ImportedImage:
        if not found.drawn and (found.has_losses or not found.is_known):
            note_unlabelled(image, self._report)
            return ImportedImage(image, None, found.subset)
        draw = functools.partial(_draw, found.canvas, found.drawn, values, self._crowd)
        return ImportedImage(image, draw, found.subset)


def _parts(segmentation: list[Any]) -> list[Any]:
    """Return the polygons of an annotation; some writers leave empty ones, or have no list."""
    if segmentation and all(type(value) in (int, float) for value in segmentation):
        return [segmentation]
    return [part for part in segmentation if part != []]


def _is_polygon(part: Any) -> bool:
    try:
        rle.polygon_corners(part)
    except ValueError:
        return False
    return True


def _runs_of(segmentation: Any, size: tuple[int, int]) -> list[rle.Counts]:
    """Return the run lengths of each part; raises ``ValueError`` for what cannot be drawn."""
    if isinstance(segmentation, list):
        return [rle.counts_from_polygon(part, size) for part in _parts(segmentation)]
    if not isinstance(segmentation, dict) or segmentation.get("size") != [size[1], size[0]]:
        raise ValueError("no run lengths of this image")
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        return [rle.counts_from_string(counts, size)]
    return [rle.counts_from_list(counts, size)]


def _draw(
    canvas: Canvas, drawn: Sequence[_Drawn], values: dict[str, int], crowd: Crowd
) -> ImageArray:
    size = canvas.size
    flat = np.zeros(size[0] * size[1], np.uint8)
    for shape in sorted(drawn, key=lambda one: one.crowd):
        value = IGNORE_INDEX if shape.crowd and crowd == "ignore" else values[shape.category]
        for runs in _runs_of(shape.segmentation, size):
            rle.paint(flat, runs, value)
    return canvas.upright(np.ascontiguousarray(flat.reshape(size).T))


_PROBLEMS: dict[str, Callable[[Path, list[Any]], Message]] = {
    "damaged": lambda file, ids: message(
        "{count} {count:annotation|annotations} of {file} {count:is|are} damaged and left out "
        "(the first has the id {id}).",
        count=len(ids),
        file=file,
        id=ids[0],
    ),
    "image": lambda file, ids: message(
        "{count} {count:annotation|annotations} of {file} {count:belongs|belong} to no image of "
        "it (the first has the id {id}).",
        count=len(ids),
        file=file,
        id=ids[0],
    ),
    "category": lambda file, ids: message(
        "{count} {count:annotation|annotations} of {file} {count:has|have} an unknown category "
        "(the first has the id {id}).",
        count=len(ids),
        file=file,
        id=ids[0],
    ),
    "box": lambda file, ids: message(
        "{count} {count:annotation|annotations} of {file} {count:is a box without an outline|are "
        "boxes without outlines} and left out (the first has the id {id}).",
        count=len(ids),
        file=file,
        id=ids[0],
    ),
}


_OF_OTHERS = re.compile(rb'"(?:segments_info|items|stability_score)"\s*:')
"""What stands in COCO's panoptic files, in datumaro's and in SAM's."""


def _is_instances(head: FileHead) -> bool:
    """COCO's lists are long and come in any order, so two of their names may be far apart."""
    keys = (b'"images"', b'"annotations"', b'"categories"')
    if not head.data.lstrip().startswith(b"{") or not any(key in head.data for key in keys):
        return False
    try:
        tail = head.tail()
    except OSError:
        return False
    if any(_OF_OTHERS.search(part) for part in (head.data, tail)):
        return False
    markers = (*keys, b'"segmentation"', b'"file_name"', b'"image_id"')
    return sum(key in head.data or key in tail for key in markers) >= 2


FORMAT = Format(
    key="coco",
    title=message("COCO (run lengths and polygons)"),
    read=lambda path, options: read(path, crowd=options.crowd),
    write=write,
    options=frozenset({"crowd"}),
    file=AnnotationFile(suffixes=(".json",), is_one=_is_instances, evidence=Evidence.FILE_OF_MANY),
)
POLYGONS_FORMAT = Format(
    key="coco-polygons",
    title=message("COCO with polygons only"),
    write=functools.partial(write, polygons=True),
)
