"""Roboflow's semantic masks: ``a.jpg``, ``a_mask.png`` and ``_classes.csv`` in each subset."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.data.class_names import IGNORE_NAME, check_names
from core.data.formats.areas import report_unlabelled
from core.data.formats.class_numbers import number_classes
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import find_images, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import read_sized_mask
from core.data.formats.parsing import subset_of_path
from core.images.io import IGNORE_INDEX, ImageArray
from core.images.palette import Color
from core.system.errors import InputError
from core.system.files import read_text
from core.system.messages import message

CLASSES_FILE = "_classes.csv"
_ENDING = "_mask"
_MASK_SUFFIX = ".png"
_LINE = re.compile(r"(\d{1,3})\s*,\s*(.+)")
_HEADER = re.compile(r"pixel value", re.IGNORECASE)
_MAX_BYTES = 2**20


def read(folder: Path | str) -> ImportResult:
    """Read the masks beside their images; each ``_classes.csv`` counts for its own folder.

    Raises:
        InputError: no such folder, a list of classes that cannot be read, or no images with masks.
    """
    root = require_folder(folder)
    report = ConversionReport()
    tables = {place: read_classes(place) for place in _places(root)}
    names: dict[str, Color | None] = {}
    for table in tables.values():
        names |= dict.fromkeys(table.values())
    classes = number_classes(names, tool="Roboflow")
    if len({tuple(sorted(table.items())) for table in tables.values()}) > 1:
        report.changed(
            message(
                "The subsets in {folder} number their classes differently; classes are matched by"
                " their names.",
                folder=root,
            )
        )
    items: list[ImportedImage] = []
    unlabelled: list[Path] = []
    for place, table in tables.items():
        for image in find_images(place):
            if image.parent != place or image.stem.endswith(_ENDING):
                continue
            mask = image.with_name(f"{image.stem}{_ENDING}{_MASK_SUFFIX}")
            subset = subset_of_path(image, root)
            if not mask.is_file():
                unlabelled.append(image)
                items.append(ImportedImage(image, None, subset))
                continue
            lut = {value: classes.values[name] for value, name in table.items()}
            items.append(ImportedImage(image, functools.partial(_read, image, mask, lut), subset))
    if len(items) == len(unlabelled):
        raise InputError(
            "{folder} holds no images with masks of Roboflow's, such as a.jpg and a_mask.png.",
            folder=root,
        )
    report_unlabelled(report, unlabelled)
    return ImportResult(items, classes.names, classes.colors, report)


def _places(root: Path) -> list[Path]:
    """Return the folders that have a list of classes."""
    return sorted(path for path in (root, *root.iterdir()) if (path / CLASSES_FILE).is_file())


def read_classes(folder: Path) -> dict[int, str]:
    """Return the name of each pixel value as a folder's ``_classes.csv`` has it.

    Raises:
        InputError: missing, empty, or a line that is no value with a name.
    """
    path = folder / CLASSES_FILE
    found: dict[int, str] = {}
    for line in read_text(path, max_bytes=_MAX_BYTES).split("\n"):
        match = _LINE.fullmatch(line.strip())
        if match is not None and int(match[1]) <= IGNORE_INDEX:
            found[int(match[1])] = match[2].strip()
        elif line.strip() and _HEADER.match(line.strip()) is None:
            raise InputError(
                "{file} has a line that is no pixel value with a class: {line}.",
                file=path,
                line=line,
            )
    if not found:
        raise InputError("{file} is empty.", file=path)
    found.setdefault(IGNORE_INDEX, IGNORE_NAME)
    return found


def names_of_values(folder: Path) -> list[str] | None:
    """Return the class names by pixel value, numbers where it has none; None without a list."""
    if not (folder / CLASSES_FILE).is_file():
        return None
    table = read_classes(folder)
    values = [value for value in table if value != IGNORE_INDEX]
    names = [table.get(value, str(value)) for value in range(max(values, default=0) + 1)]
    check_names(folder / CLASSES_FILE, names)
    return names


def _read(image: Path, path: Path, lut: Mapping[int, int]) -> ImageArray:
    mask = read_sized_mask(image, path)
    used = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist()
    for value in used:
        if value not in lut:
            raise InputError(
                "{file} holds the value {value}, which its list of classes does not name.",
                file=path,
                value=value,
            )
    table = np.zeros(256, np.uint8)
    table[used] = [lut[value] for value in used]
    return np.asarray(table[mask], np.uint8)


def _has_class_lists(folder: FolderOverview) -> bool:
    """Roboflow's lists for classification have the same name; their first line tells them."""
    for place in _places(folder.root):
        try:
            text = read_text(place / CLASSES_FILE, max_bytes=_MAX_BYTES)
        except InputError:
            continue
        if _HEADER.match(text.lstrip()) is not None:
            return True
    return False


FORMAT = Format(
    key="roboflow",
    title=message("Roboflow semantic masks (_classes.csv)"),
    read=lambda path, _: read(path),
    folder={Evidence.LAYOUT: _has_class_lists},
)
