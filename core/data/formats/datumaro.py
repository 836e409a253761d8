"""Datumaro's own JSON: ``annotations/<subset>.json`` and ``images/<subset>/``.

Polygons and masks are drawn by ``z_order``, then in the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.data.formats.areas import Area, AreaImages, LostShapes, coco_area, polygon_area
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import AnnotationFile, Evidence, FileHead, Format
from core.data.formats.image_index import ImageIndex, checked_size, find_files
from core.data.formats.import_result import ImportResult
from core.data.formats.parsing import load_json, said_size, subset_of, subset_of_path
from core.images.io import IMAGE_SUFFIXES
from core.system.errors import InputError
from core.system.messages import message

_NOT_DRAWN = ("label", "caption")
"""What says something of a whole image."""


def read(path: Path | str) -> ImportResult:
    """Read one JSON file, or all of a folder; the file's name is the subset.

    Class 0 is the background; the others come in the order of the categories. Boxes, points and
    lines have no area and are left out.

    Raises:
        InputError: no such file, or none that can be used (the first one's reason).
    """
    source = Path(path).absolute()
    if source.is_dir():
        root, files = source, find_files(source, (".json",))
    else:
        root = source.parent.parent if source.parent.name == "annotations" else source.parent
        files = [source]
    report = ConversionReport()
    reader = _Reader(root, report)
    for file in files:
        with report.leaving_out():
            reader.read_file(file)
    report.require(
        reader.images,
        InputError("{folder} holds no JSON file of datumaro's with images.", folder=source),
    )
    return reader.images.result()


class _Reader:
    def __init__(self, root: Path, report: ConversionReport) -> None:
        self._root = root
        self._index = ImageIndex(root)
        self._report = report
        self.images = AreaImages("datumaro", report)

    def read_file(self, file: Path) -> None:
        data = load_json(file)
        items = data.get("items") if isinstance(data, dict) else None
        if not isinstance(items, list):
            raise InputError("{file} is no JSON file of datumaro's.", file=file)
        labels = _labels(data.get("categories"))
        for label in labels:
            if label:
                self.images.add_class(label)
        lost = LostShapes(self._report)
        for item in items:
            with self._report.leaving_out():
                self._add_item(file, item, labels, lost)
        lost.tell()

    def _add_item(self, file: Path, item: Any, labels: Sequence[str], lost: LostShapes) -> None:
        image, said = self._image(file, item)
        size = checked_size(image, said, file=file)
        if image in self.images:
            raise InputError(
                "{file} has the image {image} more than once; the first is used.",
                file=file,
                image=image.name,
            )
        listed = item.get("annotations")
        areas: list[Area] = []
        shapes = [
            one
            for one in (listed if isinstance(listed, list) else ())
            if not isinstance(one, dict) or one.get("type") not in _NOT_DRAWN
        ]
        for entry in shapes:
            kind = str(entry.get("type") or "?") if isinstance(entry, dict) else "?"
            try:
                areas.append(_area(entry, kind, labels, size))
            except ValueError:
                lost.add(file, kind)
        known = bool(areas) or listed == []
        subset = subset_of(file.stem) or subset_of_path(image, self._root)
        self.images.add(image, size, areas if known else None, subset)

    def _image(self, file: Path, item: Any) -> tuple[Path, tuple[int, int] | None]:
        """Return an item's image and the size that it says; by its path, else by its id."""
        id_ = item.get("id") if isinstance(item, dict) else None
        entry = item.get("image") if isinstance(item, dict) else None
        path = entry.get("path") if isinstance(entry, dict) else None
        size = entry.get("size") if isinstance(entry, dict) else None
        names = [name for name in (path, id_) if isinstance(name, str) and name]
        if not names:
            raise InputError("{file} lists an image without a name or an id.", file=file)
        for name in names:
            suffixes = ("",) if Path(name).suffix.lower() in IMAGE_SUFFIXES else IMAGE_SUFFIXES
            for suffix in sorted(suffixes):
                for start in ("images/" + file.stem, "images", "."):
                    beside = f"../{start}/{name}{suffix}"
                    try:
                        found = self._index.at(beside, file=file)
                    except InputError:
                        continue  # another place is looked into
                    if found is not None:
                        return found, _size(size)
        return self._index.find(names[0], file=file), _size(size)


def _size(value: Any) -> tuple[int, int] | None:
    """Return (width, height) of a size that datumaro writes the other way round."""
    if isinstance(value, list) and len(value) == 2:
        return said_size(value[1], value[0])
    return None


def _labels(categories: Any) -> list[str]:
    """Return the names by number, "" where there is none."""
    of_labels = categories.get("label") if isinstance(categories, dict) else None
    entries = of_labels.get("labels") if isinstance(of_labels, dict) else None
    names = [
        entry.get("name") if isinstance(entry, dict) else None
        for entry in (entries if isinstance(entries, list) else ())
    ]
    return [name.strip() if isinstance(name, str) else "" for name in names]


def _area(entry: Any, kind: str, labels: Sequence[str], size: tuple[int, int]) -> Area:
    """Return what an annotation covers; raises ``ValueError`` where it is nothing."""
    if not isinstance(entry, Mapping):
        raise ValueError("damaged")
    number, z_order = entry.get("label_id"), entry.get("z_order", 0)
    if type(number) is not int or not 0 <= number < len(labels) or not labels[number]:
        raise ValueError("no label")
    if type(z_order) is not int:
        raise ValueError("no order")
    if kind == "mask":
        return coco_area(labels[number], entry.get("rle"), size, z_order)
    points = entry.get("points")
    if kind != "polygon" or not isinstance(points, list):
        raise ValueError("no area")
    return polygon_area(labels[number], points, z_order=z_order)


def _is_datumaro(head: FileHead) -> bool:
    """Long lists of labels or items may come between the two names."""
    if not head.data.lstrip().startswith(b"{"):
        return False
    try:
        text = head.data + head.tail()
    except OSError:
        return False
    return b'"items"' in text and (b'"label_id"' in text or b'"categories"' in text)


FORMAT = Format(
    key="datumaro",
    title=message("Datumaro (JSON)"),
    read=lambda path, _: read(path),
    file=AnnotationFile(suffixes=(".json",), is_one=_is_datumaro, evidence=Evidence.FILE_OF_MANY),
)
