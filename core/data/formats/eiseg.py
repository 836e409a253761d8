"""What EISeg saves: grey masks, JSON lists of polygons, or COCO, in a folder beside the images.

Of one image the mask counts before the JSON. Polygons are drawn class by class in the order of
EISeg's list of labels (``autosave_label.txt``), each filled along whole pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.data.class_names import BACKGROUND, IGNORE_NAME
from core.data.formats import coco
from core.data.formats.contours import keyhole_ring, regions
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import AnnotationFile, Evidence, FileHead, FolderOverview, Format
from core.data.formats.image_index import (
    ImageIndex,
    checked_size,
    find_files,
    find_images,
    require_folder,
)
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import read_sized_mask
from core.data.formats.pairing import photographs, unlabelled
from core.data.formats.parsing import is_number, load_json
from core.data.formats.writing import copy_image, labelled_images, new_folder
from core.images.io import IGNORE_INDEX, ImageArray, write_mask
from core.images.palette import Color, default_palette
from core.system.errors import InputError
from core.system.files import read_text, write_json_atomic, write_text_atomic
from core.system.messages import message

LABEL_LIST = "autosave_label.txt"
COCO_FILE = "annotations.json"
_FOLDER = "label"
_PICTURES = ("_pseudo", "_cutout")  # for the eye only


@dataclass(frozen=True, slots=True)
class _Label:
    index: int
    name: str
    color: Color | None = None


def is_eiseg(data: Any) -> bool:
    """Whether parsed JSON is a list of EISeg's polygons."""
    return isinstance(data, list) and all(
        isinstance(entry, dict) and "labelIdx" in entry and "points" in entry for entry in data
    )


def read(folder: Path | str) -> ImportResult:
    """Read images with EISeg's files, which lie in ``label/``, elsewhere below, or beside them.

    Class 0 is the background; the others come in the order of their numbers in EISeg.

    Raises:
        InputError: no such folder, or nothing of EISeg's in it.
    """
    root = require_folder(folder)
    lists = [path for path in find_files(root, (".txt",)) if path.name == LABEL_LIST]
    coco_files = [path for path in find_files(root, (".json",)) if path.name == COCO_FILE]
    masks = set(_masks(root, {path.parent for path in [*lists, *coco_files]}))
    if coco_files and not masks:
        return coco.read(root)
    report = ConversionReport()
    labels = {label.index: label for path in lists for label in _read_list(path)}
    order = list(labels)
    index = ImageIndex(root, report)
    drawn: dict[Path, tuple[Path, bool]] = {}
    for path in find_files(root, (".json",)):
        try:
            polygons = _polygons(path, report)
            image = _image_of(path, index, masks)
        except InputError as error:
            if path not in coco_files:
                report.left_out(error.message)
            continue
        drawn[image] = (path, False)
        for number, name, _ in polygons:
            labels.setdefault(number, _Label(number, name))
    for path in sorted(masks):
        with report.leaving_out():
            drawn[_image_of(path, index, masks)] = (path, True)
    report.require(drawn, InputError("{folder} holds nothing that EISeg saved.", folder=root))
    result = _result(drawn, labels, order, report)
    others = [path for path in photographs(index.images, root) if path not in masks]
    result.items.extend(unlabelled(others, result.items, root, report))
    return result


def _result(
    drawn: dict[Path, tuple[Path, bool]],
    labels: dict[int, _Label],
    order: list[int],
    report: ConversionReport,
) -> ImportResult:
    named = [
        labels[number]
        for number in sorted(labels)
        if number not in (0, IGNORE_INDEX) and labels[number].name != IGNORE_NAME
    ]
    values = {0: 0, IGNORE_INDEX: IGNORE_INDEX}
    background = labels[0].name if 0 in labels else BACKGROUND
    names = list(dict.fromkeys([background, *(label.name for label in named)]))
    values |= {label.index: names.index(label.name) for label in named}
    colors = default_palette(len(names))
    for label in reversed(named):  # of two with one name the first gives the colour
        place = names.index(label.name)
        colors[place] = (label.color if place else None) or colors[place]
    order += [number for number in sorted(labels) if number not in order]
    items = [
        ImportedImage(
            image,
            functools.partial(_read_grey, image, path, values, report)
            if is_mask
            else functools.partial(_draw, image, path, values, order),
        )
        for image, (path, is_mask) in drawn.items()
    ]
    return ImportResult(items, names, colors, report)


def _masks(root: Path, folders: set[Path]) -> list[Path]:
    """Return the grey masks: PNGs where EISeg keeps its lists, or in a folder ``label``."""
    return [
        path
        for path in find_images(root)
        if path.suffix.lower() == ".png"
        and path.parent != root
        and (path.parent in folders or path.parent.name == _FOLDER)
        and not path.stem.endswith(_PICTURES)
    ]


def _image_of(path: Path, index: ImageIndex, masks: Collection[Path]) -> Path:
    """Return the image that a file belongs to: ``a.json`` and ``a.jpg.json`` to ``a.jpg``."""
    try:
        image = index.with_stem(path.stem, file=path, without=masks)
    except InputError:
        image = index.with_stem(Path(path.stem).stem, file=path, without=masks)
        if image.name != path.stem:
            raise
    return image


def _read_list(path: Path) -> list[_Label]:
    """Parse lines "number name red green blue"."""
    labels = []
    for line in read_text(path).split("\n"):
        words = line.split()
        try:
            number = int(words[0])
            red, green, blue = (int(word) & 255 for word in words[-3:])
        except (ValueError, IndexError):
            continue  # EISeg skips such lines, too
        if 0 <= number <= IGNORE_INDEX and len(words) > 4:
            labels.append(_Label(number, " ".join(words[1:-3]), (red, green, blue)))
    return labels


def _polygons(
    path: Path, report: ConversionReport | None = None
) -> list[tuple[int, str, list[Any]]]:
    """Return (number, name, points) of a file's usable polygons.

    Raises:
        InputError: it is no list of EISeg's, or all of its polygons are damaged.
    """
    data = load_json(path)
    if not is_eiseg(data):
        raise InputError("{file} is no list of EISeg's polygons.", file=path)
    found = []
    damaged: list[InputError] = []
    for number, entry in enumerate(data, 1):
        index, name, points = entry["labelIdx"], entry.get("name"), entry["points"]
        usable = (
            type(index) is int
            and 0 < index <= IGNORE_INDEX
            and isinstance(name, str)
            and isinstance(points, list)
            and all(isinstance(point, list) and len(point) == 2 for point in points)
            and all(is_number(value) for point in points for value in point)
        )
        if usable:
            found.append((index, name.strip() or str(index), points))
            continue
        damaged.append(
            InputError(
                "Shape {number} of {file} lacks a label or points.", number=number, file=path
            )
        )
    if damaged and not found:
        raise damaged[0]
    if report is not None:
        for error in damaged:
            report.left_out(error.message)
    return found


def _draw(image: Path, path: Path, values: Mapping[int, int], order: Sequence[int]) -> ImageArray:
    width, height = checked_size(image, None, file=path)
    mask = np.zeros((height, width), np.uint8)
    polygons = _polygons(path)
    for wanted in order:
        for number, _, points in polygons:
            if number == wanted and points:
                corners = np.array(points, np.float64).astype(np.int32)
                cv2.fillPoly(mask, [corners], values.get(number, IGNORE_INDEX))
    return mask


def _read_grey(
    image: Path, path: Path, values: Mapping[int, int], report: ConversionReport
) -> ImageArray:
    mask = read_sized_mask(image, path, report=report)
    lut = np.zeros(256, np.uint8)
    for number in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist():
        if number not in values:
            raise InputError(
                "The mask of {file} holds {value}, which is no class; it is left out.",
                file=path,
                value=number,
            )
        lut[number] = values[number]
    return np.asarray(lut[mask], np.uint8)


def write(result: ImportResult, folder: Path | str) -> ConversionReport:
    """Write images and ``label/`` with grey masks, polygons and the list of labels.

    Returns:
        A sentence for each image that could not be written, and for each name that changed:
        EISeg's list holds no spaces.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    report = ConversionReport()
    names = ["_".join(name.split()) for name in result.labels]
    for before, after in zip(result.labels, names, strict=True):
        if before != after:
            report.changed(
                message(
                    "EISeg allows no spaces in names: {before} becomes {after}.",
                    before=before,
                    after=after,
                )
            )
    ignored = False
    with new_folder(folder) as partial:
        (partial / _FOLDER).mkdir()
        colors = {index: list(color) for index, color in enumerate(result.colors)}
        colors[IGNORE_INDEX] = [255, 255, 255]
        for item in labelled_images(result, report):
            copy_image(item, partial)
            write_mask(partial / _FOLDER / f"{item.name}.png", item.mask, palette=result.colors)
            polygons = [
                {
                    "name": IGNORE_NAME if region.value == IGNORE_INDEX else names[region.value],
                    "labelIdx": region.value,
                    "color": colors[region.value],
                    "points": keyhole_ring(region).astype(float).tolist(),
                }
                for region in regions(item.mask, skip=(0,))
            ]
            write_json_atomic(partial / _FOLDER / f"{item.name}.json", polygons)
            ignored = ignored or bool((item.mask == IGNORE_INDEX).any())
        listed = [*enumerate(names), *([(IGNORE_INDEX, IGNORE_NAME)] if ignored else [])]
        lines = [f"{n} {name} {' '.join(map(str, colors[n]))}\n" for n, name in listed]
        write_text_atomic(partial / _FOLDER / LABEL_LIST, "".join(lines))
    return report


def _is_polygon_list(head: FileHead) -> bool:
    return b'"labelIdx"' in head.data and head.data.lstrip().startswith(b"[")


def _has_label_list(folder: FolderOverview) -> bool:
    return any(path.name == LABEL_LIST for path in folder.files((".txt",)))


FORMAT = Format(
    key="eiseg",
    title=message("EISeg (label folder)"),
    read=lambda path, _: read(path),
    write=write,
    file=AnnotationFile(
        suffixes=(".json",),
        is_one=_is_polygon_list,
        evidence=Evidence.TOOL_FILES,
        is_source=False,
    ),
    folder={Evidence.TOOL_FILES: _has_label_list},
)
