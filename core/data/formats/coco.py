"""COCO's instances: polygons and run lengths, compressed or not, in one JSON for many images.

Annotations are drawn in the order of the file, later ones on top; crowds are drawn last and are
ignored (255) unless asked otherwise. Polygons are filled as pycocotools does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.data.formats import coco_writer, rle
from core.data.formats.result import ImportedImage, ImportResult
from core.data.formats.untrusted import (
    BACKGROUND_NAMES,
    IGNORE_NAME,
    ImageIndex,
    checked_size,
    find_files,
    load_json,
    parse_color,
    said_size,
    subset_of,
    subset_of_path,
)
from core.datasets import Subset
from core.images.io import IGNORE_INDEX, ImageArray
from core.images.palette import Color, default_palette
from core.system.errors import InputError
from core.system.messages import Message, message

__all__ = ["is_coco", "read", "write"]

write = coco_writer.write
Crowd = Literal["ignore", "class"]
_MAX_CLASSES = 255


@dataclass(frozen=True, slots=True)
class _Category:
    name: str
    color: Color | None


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A usable annotation: polygons or run lengths, not yet drawn."""

    category: str
    crowd: bool
    segmentation: Any


def is_coco(data: Any) -> bool:
    """Whether parsed JSON has the lists that COCO's instances have."""
    return isinstance(data, dict) and all(
        isinstance(data.get(key), list) for key in ("images", "annotations", "categories")
    )


def read(path: Path | str, *, crowd: Crowd = "ignore") -> ImportResult:
    """Read one JSON file, or all of a folder (those named ``instances_*`` where there are any).

    Class 0 is the background; the others come in the order of the category ids of the first file,
    then of the next. A file or a folder named after a subset gives it to its images. A category
    ``__ignore__`` is 255.

    Args:
        path: JSON file or folder; images lie in the file's folder or the one above, or in the
            folder, and below.
        crowd: whether pixels of a crowd are ignored or of its class.

    Raises:
        InputError: no such file, or none that can be used (the first one's reason).
    """
    source = Path(path).absolute()
    files, root = _files(source)
    lost: list[Message] = []
    index = ImageIndex(root)
    reader = _Reader(index, root, crowd, lost)
    for file in files:
        try:
            reader.read_file(file)
        except InputError as error:
            lost.append(error.message)
    if not reader.images and lost:
        raise InputError(lost[0].template, **lost[0].params)
    if not reader.images:
        raise InputError("{folder} holds no COCO file with images.", folder=source)
    return reader.result()


def _files(source: Path) -> tuple[list[Path], Path]:
    if source.is_dir():
        files = find_files(source, frozenset({".json"}))
        instances = [file for file in files if file.name.startswith("instances_")]
        return instances or files, source
    parent = source.parent
    # The usual places: annotations/x.json beside images/, or x.json beside the images.
    return [source], parent.parent if parent.name == "annotations" else parent


class _Reader:
    def __init__(self, index: ImageIndex, root: Path, crowd: Crowd, lost: list[Message]) -> None:
        self._index = index
        self._root = root
        self._crowd = crowd
        self._lost = lost
        self._categories: dict[str, _Category] = {}
        self.images: dict[Path, tuple[tuple[int, int], list[_Drawn], Subset | None]] = {}

    def read_file(self, file: Path) -> None:
        data = load_json(file)
        if not is_coco(data):
            raise InputError(
                "{file} is no COCO file: it lacks images, annotations or categories.", file=file
            )
        categories = _categories(file, data["categories"])
        for category in categories.values():
            self._categories.setdefault(category.name, category)
        images = self._images(file, data["images"])
        problems: dict[str, list[Any]] = {}
        for number, entry in enumerate(data["annotations"], 1):
            reason = self._add(entry, images, categories)
            if reason:
                problems.setdefault(reason, []).append(
                    entry.get("id", number) if isinstance(entry, dict) else number
                )
        self._lost += [_PROBLEMS[reason](file, ids) for reason, ids in problems.items()]

    def _images(self, file: Path, entries: Sequence[Any]) -> dict[Any, Path | None]:
        """Return the image of each id; None where it was reported as lost."""
        found: dict[Any, Path | None] = {}
        for entry in entries:
            try:
                id_, image, size = self._image(file, entry)
            except InputError as error:
                self._lost.append(error.message)
                if isinstance(entry, dict) and isinstance(entry.get("id"), (int, str)):
                    found.setdefault(entry["id"], None)
                continue
            if id_ in found:
                self._lost.append(
                    message(
                        "{file} has several images with the id {id}; the first is used.",
                        file=file,
                        id=id_,
                    )
                )
                continue
            found[id_] = image
            subset = subset_of(file.stem) or subset_of_path(image, self._root)
            self.images.setdefault(image, (size, [], subset))
        return found

    def _image(self, file: Path, entry: Any) -> tuple[int | str, Path, tuple[int, int]]:
        name = entry.get("file_name") if isinstance(entry, dict) else None
        id_ = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(id_, (int, str)):
            raise InputError("{file} lists an image without a name or an id.", file=file)
        image = self._index.find(name, file=file)
        said = said_size(entry.get("width"), entry.get("height"))
        return id_, image, checked_size(image, said, file=file)

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
        size, drawn, _ = self.images[image]
        try:
            if isinstance(segmentation, list):
                for part in _parts(segmentation):
                    rle.polygon_corners(part)
            else:
                _runs_of(segmentation, size)
        except ValueError:
            return "damaged"
        drawn.append(_Drawn(categories[category].name, bool(entry.get("iscrowd")), segmentation))
        return ""

    def result(self) -> ImportResult:
        names = [name for name in self._categories if name != IGNORE_NAME]
        background = next((name for name in names if name.lower() in BACKGROUND_NAMES), None)
        classes = [background or "background", *(name for name in names if name != background)]
        if len(classes) > _MAX_CLASSES:
            raise InputError(
                "The COCO files use {count} classes; there can be at most 255.", count=len(classes)
            )
        values = {name: index for index, name in enumerate(classes)} | {IGNORE_NAME: IGNORE_INDEX}
        colors = default_palette(len(classes))
        for name, category in self._categories.items():
            if category.color is not None and values[name] < len(colors):
                colors[values[name]] = category.color
        items = [
            ImportedImage(image, functools.partial(_draw, size, drawn, values, self._crowd), subset)
            for image, (size, drawn, subset) in self.images.items()
        ]
        crowds = sum(shape.crowd for _, drawn, _ in self.images.values() for shape in drawn)
        return ImportResult(items, classes, colors, self._lost, crowds)


def _categories(file: Path, entries: Sequence[Any]) -> dict[Any, _Category]:
    """Return the categories by id, in the order of the ids."""
    found: dict[Any, _Category] = {}
    for entry in entries:
        id_ = entry.get("id") if isinstance(entry, dict) else None
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(id_, (int, str)) or not isinstance(name, str) or not name.strip():
            raise InputError("{file} lists a category without a name or an id.", file=file)
        if id_ in found:
            raise InputError("{file} has several categories with the id {id}.", file=file, id=id_)
        found[id_] = _Category(name.strip(), parse_color(entry.get("color")))
    return dict(sorted(found.items(), key=lambda pair: (isinstance(pair[0], str), pair[0])))


def _parts(segmentation: list[Any]) -> list[Any]:
    """Return the polygons of an annotation; some writers leave empty ones."""
    return [part for part in segmentation if part != []]


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
    size: tuple[int, int], drawn: Sequence[_Drawn], values: dict[str, int], crowd: Crowd
) -> ImageArray:
    flat = np.zeros(size[0] * size[1], np.uint8)
    for shape in sorted(drawn, key=lambda one: one.crowd):
        value = IGNORE_INDEX if shape.crowd and crowd == "ignore" else values[shape.category]
        for runs in _runs_of(shape.segmentation, size):
            rle.paint(flat, runs, value)
    return np.ascontiguousarray(flat.reshape(size).T)


_PROBLEMS: dict[str, Callable[[Path, list[Any]], Message]] = {
    "damaged": lambda file, ids: message(
        "{count} annotations of {file} are damaged and left out (the first has the id {id}).",
        count=len(ids),
        file=file,
        id=ids[0],
    ),
    "image": lambda file, ids: message(
        "{count} annotations of {file} belong to no image of it (the first has the id {id}).",
        count=len(ids),
        file=file,
        id=ids[0],
    ),
    "category": lambda file, ids: message(
        "{count} annotations of {file} have an unknown category (the first has the id {id}).",
        count=len(ids),
        file=file,
        id=ids[0],
    ),
    "box": lambda file, ids: message(
        "{count} annotations of {file} are boxes without outlines and left out (the first has the"
        " id {id}).",
        count=len(ids),
        file=file,
        id=ids[0],
    ),
}
