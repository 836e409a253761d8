"""YOLO's segmentation: a text file of outlines for each image, and data.yaml with the classes.

Later outlines lie on top of earlier ones. Outlines are filled as the trainers do, along whole
pixels (``cv2.fillPoly``).
"""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from core.data.class_names import BACKGROUND, check_names, is_background
from core.data.formats.contours import keyhole_ring, regions
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import checked_size, find_images, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.paddlex_seg import IMAGE_FOLDERS
from core.data.formats.parsing import subset_of_path
from core.data.formats.writing import (
    LabelledImage,
    copy_image,
    first_class,
    labelled_images,
    new_folder,
)
from core.images.io import IGNORE_INDEX, ImageArray
from core.images.palette import default_palette
from core.system.errors import InputError
from core.system.files import read_text, read_yaml, write_text_atomic
from core.system.messages import message

DATA_FILES = ("data.yaml", "data.yml", "dataset.yaml")
_LABELS = "labels"
MAX_FILE_BYTES = 64 * 2**20
"""Of the outlines of one image."""
_MAX_NUMBERS = 2_000_000
_MAX_CLASSES = 254
_BOX_NUMBERS = 4
_MARGIN = 0.5  # outlines may leave the image a little

Outline = tuple[int, npt.NDArray[np.float64]]
"""Class number of YOLO's, and (N, 2) points as shares of the width and height."""


def read(folder: Path | str) -> ImportResult:
    """Read every image that has a text file: in ``labels/`` for ``images/``, or beside it.

    Class 0 is the background, YOLO's class n is class n + 1 (n itself where YOLO's first class is
    the background). Folders called train, val (valid) and test give the subsets; the paths in
    data.yaml are not followed. Boxes are left out: they outline nothing.

    Raises:
        InputError: no such folder, no text files, or a data.yaml without names.
    """
    root = require_folder(folder)
    report = ConversionReport()
    names = _names(root)
    found: list[tuple[Path, Path, int]] = []
    for image in find_images(root):
        path = _label_file(image, root)
        if path is None:
            continue
        with report.leaving_out():
            outlines = _read_outlines(path, report)
            found.append((image, path, max((number for number, _ in outlines), default=-1)))
    report.require(
        found,
        InputError(
            "{folder} holds no images with text files of outlines in YOLO's format.", folder=root
        ),
    )
    if names is None:
        numbers = [highest for *_, highest in found if highest < _MAX_CLASSES]
        names = [str(number) for number in range(max(numbers, default=-1) + 1)]
        report.assumed(
            message("{folder} has no data.yaml; classes are named by their numbers.", folder=root)
        )
    usable = []
    for image, path, highest in found:
        if highest < len(names):
            usable.append((image, path))
        elif highest >= _MAX_CLASSES:
            report.left_out(
                message(
                    "{file} names {count} classes; there can be at most 254.",
                    file=path,
                    count=highest + 1,
                )
            )
        else:
            report.left_out(
                message(
                    "{file} names the class {number}, which data.yaml does not have.",
                    file=path,
                    number=highest,
                )
            )
    shift = 0 if names and is_background(names[0]) else 1
    classes = [BACKGROUND, *names][1 - shift :]
    items = [
        ImportedImage(
            image, functools.partial(_draw, image, path, shift), subset_of_path(image, root)
        )
        for image, path in usable
    ]
    return ImportResult(items, classes, default_palette(len(classes)), report)


def _names(root: Path) -> list[str] | None:
    path = next((root / name for name in DATA_FILES if (root / name).is_file()), None)
    if path is None:
        return None
    data = read_yaml(path)
    names = data.get("names") if isinstance(data, dict) else None
    if isinstance(names, dict) and all(type(key) is int and key >= 0 for key in names):
        names = [names.get(key, str(key)) for key in range(min(max(names, default=-1), 999) + 1)]
    if not isinstance(names, list) or not all(isinstance(n, (str, int)) for n in names):
        raise InputError("{file} has no list of class names.", file=path)
    if len(names) > _MAX_CLASSES:
        raise InputError(
            "{file} names {count} classes; there can be at most 254.", file=path, count=len(names)
        )
    names = [str(name).strip() for name in names]
    check_names(path, names)
    return names


def _label_file(image: Path, root: Path) -> Path | None:
    """Return the text file of an image, where there is one."""
    parts = image.relative_to(root).with_suffix(".txt").parts
    places = [place for place, part in enumerate(parts[:-1]) if part == "images"]
    candidates = [image.with_suffix(".txt")]
    if places:
        last = places[-1]
        candidates.insert(0, root.joinpath(*parts[:last], _LABELS, *parts[last + 1 :]))
    return next((path for path in candidates if path.is_file()), None)


def _read_outlines(path: Path, report: ConversionReport) -> list[Outline]:
    """Parse lines "class x y x y …"; the report counts what is no outline."""
    outlines: list[Outline] = []
    boxes, damaged = [], []
    for number, line in enumerate(read_text(path, max_bytes=MAX_FILE_BYTES).split("\n"), 1):
        words = line.split(maxsplit=_MAX_NUMBERS + 1)
        if not words:
            continue
        if len(words) > _MAX_NUMBERS + 1:
            damaged.append(number)
            continue
        try:
            value, points = int(words[0]), np.array([float(word) for word in words[1:]])
        except ValueError:
            damaged.append(number)
            continue
        if len(points) == _BOX_NUMBERS:
            boxes.append(number)
        elif value < 0 or len(points) < 6 or len(points) % 2 or not _is_inside(points):
            damaged.append(number)
        else:
            outlines.append((value, points.reshape(-1, 2)))
    if boxes:
        report.left_out(
            message(
                "{file} has {count} boxes, which outline nothing and are left out.",
                file=path,
                count=len(boxes),
            )
        )
    if damaged:
        report.left_out(
            message(
                "{count} lines of {file} are no outlines and are left out (the first is line"
                " {line}).",
                count=len(damaged),
                file=path,
                line=damaged[0],
            )
        )
    return outlines


def _is_inside(points: npt.NDArray[np.float64]) -> bool:
    return bool(((points >= -_MARGIN) & (points <= 1 + _MARGIN)).all())  # NaN fails


def _draw(image: Path, path: Path, shift: int) -> ImageArray:
    width, height = checked_size(image, None, file=path)
    mask = np.zeros((height, width), np.uint8)
    for number, points in _read_outlines(path, ConversionReport()):
        # Half a millionth makes up for the six digits that most writers give.
        pixels = np.floor(points * (width, height) + 0.5e-6 * max(width, height))
        cv2.fillPoly(mask, [pixels.astype(np.int32)], number + shift)
    return mask


def write(result: ImportResult, folder: Path | str) -> ConversionReport:
    """Write ``images/<subset>/``, ``labels/<subset>/`` and ``data.yaml``.

    One outline for each connected region, around its holes, too. The background is no class.

    Returns:
        A sentence for each image that could not be written, and about ignored pixels.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    report = ConversionReport()
    first = first_class(result.labels)
    with_ignored = 0
    used: dict[str, None] = {}
    with new_folder(folder) as partial:
        for item in labelled_images(result, report):
            used[item.subset] = None
            copy_image(item, partial / "images" / item.subset)
            target = partial / _LABELS / item.subset / f"{item.name}.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            write_text_atomic(target, _lines(item, first))
            with_ignored += bool((item.mask == IGNORE_INDEX).any())
        data = {
            "path": ".",
            **{subset: f"images/{subset}" for subset in used},
            "names": dict(enumerate(result.labels[first:])),
        }
        text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
        write_text_atomic(partial / DATA_FILES[0], text)
    if with_ignored:
        report.changed(
            message(
                "{count} masks have ignored pixels, which this format cannot hold: they become"
                " background.",
                count=with_ignored,
            )
        )
    return report


def _lines(item: LabelledImage, first: int) -> str:
    height, width = item.mask.shape
    lines = []
    for region in regions(item.mask, skip=(*range(first), IGNORE_INDEX)):
        ring = keyhole_ring(region)
        ring = np.concatenate([ring, np.repeat(ring[-1:], max(0, 3 - len(ring)), axis=0)])
        shares = (ring + 0.5) / (width, height)  # the middle of the pixel
        numbers = " ".join(f"{share:.7f}" for share in shares.ravel())
        lines.append(f"{region.value - first} {numbers}\n")
    return "".join(lines)


def _has_data_file(folder: FolderOverview) -> bool:
    return not folder.names.isdisjoint(DATA_FILES)


def _has_text_files(folder: FolderOverview) -> bool:
    has_text = next(folder.files((".txt",), below=_LABELS), None) is not None
    return has_text and not folder.folders.isdisjoint(IMAGE_FOLDERS)


FORMAT = Format(
    key="yolo",
    title=message("YOLO segmentation (data.yaml)"),
    read=lambda path, _: read(path),
    write=write,
    folder={Evidence.LAYOUT: _has_data_file, Evidence.TEXT_FILES: _has_text_files},
)
