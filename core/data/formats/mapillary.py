"""Mapillary Vistas: ``config.json``, ``training/images`` and ``labels`` (or ``instances``) PNGs."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.formats.areas import report_unlabelled
from core.data.formats.class_numbers import check_count
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import checked_size, find_images, is_file, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import read_sized_mask
from core.data.formats.parsing import load_json, parse_color, subset_of_path
from core.images.io import IGNORE_INDEX, ImageArray, image_size, read_deep_image
from core.images.palette import Color, default_palette
from core.system.errors import InputError
from core.system.messages import message

_CONFIG = re.compile(r"config(?:_(v\d+(?:\.\d+)*))?\.json")
_PARTS = ("training", "validation", "testing")
_IMAGES = "images"
_MASK_SUFFIX = ".png"
_UNLABELLED = "void--unlabeled"


@dataclass(frozen=True, slots=True)
class _Classes:
    """``lut`` gives the class index of each label id."""

    names: list[str]
    colors: list[Color]
    lut: ImageArray


def read(folder: Path | str) -> ImportResult:
    """Read the images with the newest version of their labels; what is unlabelled is ignored.

    Raises:
        InputError: no such folder, a damaged ``config.json``, or no images with masks.
    """
    root = require_folder(folder)
    report = ConversionReport()
    configs = _configs(root)
    if not configs:
        raise InputError("{folder} has no config.json of Mapillary Vistas.", folder=root)
    config, version = configs[-1]
    classes = _read_classes(config)
    if len(configs) > 1:
        report.assumed(
            message(
                "{folder} has several versions of labels; {file} counts.", folder=root, file=config
            )
        )
    items: list[ImportedImage] = []
    for part in (root / name for name in _PARTS):
        for image in find_images(part / _IMAGES):
            labels = part / version / "labels" / f"{image.stem}{_MASK_SUFFIX}"
            instances = part / version / "instances" / labels.name
            mask = None
            if is_file(labels):
                mask = functools.partial(_read_labels, image, labels, classes.lut)
            elif is_file(instances):
                mask = functools.partial(_read_instances, image, instances, classes.lut)
            items.append(ImportedImage(image, mask, subset_of_path(image, root)))
    if not any(item.mask is not None for item in items):
        raise InputError("{folder} holds no images with labels of Mapillary Vistas.", folder=root)
    report_unlabelled(report, [item.image_path for item in items if item.mask is None])
    return ImportResult(items, classes.names, classes.colors, report)


def _configs(root: Path) -> list[tuple[Path, str]]:
    """Return the configurations with their versions, the newest last; "" is the first one."""
    found = []
    for path in root.iterdir():
        match = _CONFIG.fullmatch(path.name)
        if match is not None and path.is_file():
            found.append((path, match[1] or ""))
    return sorted(found, key=lambda pair: [int(part) for part in re.findall(r"\d+", pair[1])])


def _read_classes(config: Path) -> _Classes:
    data = load_json(config)
    labels = data.get("labels") if isinstance(data, dict) else None
    if not isinstance(labels, list) or not labels or len(labels) > IGNORE_INDEX:
        raise InputError("{file} names no classes of Mapillary Vistas.", file=config)
    names: list[str] = []
    colors: list[Color] = []
    lut = np.full(256, IGNORE_INDEX, np.uint8)
    for number, entry in enumerate(labels):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name.strip():
            raise InputError("{file} names no classes of Mapillary Vistas.", file=config)
        if name == _UNLABELLED:
            continue
        readable = entry.get("readable")
        shown = readable.strip() if isinstance(readable, str) else ""
        lut[number] = len(names)
        names.append(shown if shown and shown not in names else name.strip())
        colors.append(parse_color(entry.get("color")) or default_palette(256)[number])
    check_count(names, tool="Mapillary")
    return _Classes(names, colors, lut)


def _read_labels(image: Path, path: Path, lut: ImageArray) -> ImageArray:
    return np.asarray(lut[read_sized_mask(image, path)], np.uint8)


def _read_instances(image: Path, path: Path, lut: ImageArray) -> ImageArray:
    """Read 16 bits: the label id in the upper half, the number of the instance in the lower."""
    checked_size(image, image_size(path), file=path)
    values = read_deep_image(path)
    if values.dtype != np.uint16 or values.ndim != 2:
        raise InputError("{file} is no PNG of Mapillary's instances.", file=path)
    return np.asarray(lut[values >> 8], np.uint8)


def _has_layout(folder: FolderOverview) -> bool:
    has_config = any(_CONFIG.fullmatch(name) for name in folder.names)
    return has_config and any(_label_folders(folder.root))


def _label_folders(root: Path) -> Iterator[Path]:
    for _, version in _configs(root):
        for part in _PARTS:
            for kind in ("labels", "instances"):
                if (place := root / part / version / kind).is_dir():
                    yield place


FORMAT = Format(
    key="mapillary",
    title=message("Mapillary Vistas (config.json)"),
    read=lambda path, _: read(path),
    folder={Evidence.LAYOUT: _has_layout},
)
