"""YOLO's segmentation: a text file of outlines for each image, and data.yaml with the classes.

Later outlines lie on top of earlier ones. Outlines are filled as the trainers do, along whole
pixels (``cv2.fillPoly``).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from core.data.class_names import BACKGROUND, check_names, is_background, read_names
from core.data.formats.contours import keyhole_ring, regions
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import checked_size, find_files, find_images, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.paddlex_seg import IMAGE_FOLDERS
from core.data.formats.pairing import photographs, unlabelled
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
from core.system.folders import is_hidden, same_name
from core.system.messages import message

DATA_FILES = ("data.yaml", "data.yml", "dataset.yaml")
_NAME_FILES = ("classes.txt", "obj.names")
_LABELS = "labels"
_IMAGES = frozenset(name.lower() for name in IMAGE_FOLDERS)
MAX_FILE_BYTES = 64 * 2**20
"""Of the outlines of one image."""
_MAX_NUMBERS = 2_000_000
_MAX_CLASSES = 254
_BOX_NUMBERS = 4
_MARGIN = 0.5  # outlines may leave the image a little

Outline = tuple[int, npt.NDArray[np.float64]]
"""Class number of YOLO's, and (N, 2) points as shares of the width and height."""


def read(folder: Path | str) -> ImportResult:
    """Read the images with their text files: in ``labels/`` for ``images/``, or beside them.

    Class 0 is the background, YOLO's class n is class n + 1 (n itself where YOLO's first class is
    the background). Names come from data.yaml, another YAML file, or classes.txt; the paths in them
    are not followed. Folders called train, val (valid) and test give the subsets. An image without
    a text file shows background where others of its folder have one, as trainers take it, and is
    unlabelled elsewhere. Boxes are left out: they outline nothing.

    Raises:
        InputError: no such folder, no text files, or a data.yaml without names.
    """
    root = require_folder(folder)
    report = ConversionReport()
    names = _names(root)
    images = photographs(_outside_labels(find_images(root), root), root)
    texts = _TextFiles(root)
    found: dict[Path, tuple[Path, list[Outline]]] = {}
    damaged: list[Path] = []
    without: list[Path] = []
    for image in images:
        path = texts.of(image)
        if path is None:
            without.append(image)
            continue
        try:
            outlines, lost = _read_outlines(path, report)
        except InputError as error:
            report.left_out(error.message)
            damaged.append(image)
            continue
        kept = _of_known_classes(path, outlines, names, report)
        if (lost or outlines) and not kept:
            damaged.append(image)
        else:
            found[image] = (path, kept)
    report.require(
        found,
        InputError(
            "{folder} holds no images with text files of outlines in YOLO's format.", folder=root
        ),
    )
    if names is None:
        highest = max((number for _, kept in found.values() for number, _ in kept), default=-1)
        names = [str(number) for number in range(highest + 1)]
        report.assumed(
            message("{folder} has no data.yaml; classes are named by their numbers.", folder=root)
        )
    shift = 0 if names and is_background(names[0]) else 1
    classes = [BACKGROUND, *names][1 - shift :]
    items = [
        ImportedImage(
            image,
            functools.partial(_draw, image, path, shift, len(names)),
            subset_of_path(image, root),
        )
        for image, (path, _) in found.items()
    ]
    labelled_folders = {image.parent for image in found}
    for image in without:
        if image.parent in labelled_folders:
            report.alike(
                "assumed",
                message(
                    "{count} {count:image has|images have} no text file and {count:is|are} taken "
                    "as background, as YOLO does (the first is {file})."
                ),
                image,
            )
            blank = functools.partial(_blank, image)
            items.append(ImportedImage(image, blank, subset_of_path(image, root)))
    items += unlabelled([*damaged, *without], items, root, report)
    return ImportResult(items, classes, default_palette(len(classes)), report)


def _outside_labels(images: list[Path], root: Path) -> list[Path]:
    """Return the images that are in no folder of labels: tools draw what they read there."""
    return [path for path in images if _LABELS not in map(str.lower, path.relative_to(root).parts)]


def _of_known_classes(
    path: Path, outlines: list[Outline], names: list[str] | None, report: ConversionReport
) -> list[Outline]:
    """Return the outlines whose class has a name, or could have one."""
    limit = _MAX_CLASSES if names is None else len(names)
    beyond = sorted({number for number, _ in outlines if number >= limit})
    if not beyond:
        return outlines
    count = sum(number >= limit for number, _ in outlines)
    if beyond[-1] >= _MAX_CLASSES:
        report.left_out(
            message(
                "{file} names {count} {count:class|classes}; there can be at most 254.",
                file=path,
                count=beyond[-1] + 1,
            )
        )
    else:
        report.left_out(
            message(
                "{file} names the class {number}, which data.yaml does not have; {count} "
                "{count:outline is|outlines are} left out.",
                file=path,
                number=beyond[0],
                count=count,
            )
        )
    return [(number, points) for number, points in outlines if number < limit]


def _names(root: Path) -> list[str] | None:
    known = [root / name for name in DATA_FILES if (root / name).is_file()]
    for path in known or _other_data_files(root):
        data = read_yaml(path)
        if not known and not (isinstance(data, dict) and "names" in data):
            continue
        return _checked_names(path, data.get("names") if isinstance(data, dict) else None)
    for place in (root, root / _LABELS):
        for name in _NAME_FILES:
            if (place / name).is_file():
                names = read_names(place / name)
                return _checked_names(place / name, names)
    return None


def _other_data_files(root: Path) -> list[Path]:
    return sorted(
        path
        for path in root.iterdir()
        if path.suffix.lower() in (".yaml", ".yml") and not is_hidden(path.name)
    )


def _checked_names(path: Path, names: Any) -> list[str]:
    if isinstance(names, dict):
        names = _numbered(names)
    if not isinstance(names, list) or not all(isinstance(n, (str, int)) for n in names):
        raise InputError("{file} has no list of class names.", file=path)
    if len(names) > _MAX_CLASSES:
        raise InputError(
            "{file} names {count} {count:class|classes}; there can be at most 254.",
            file=path,
            count=len(names),
        )
    texts = [str(name).strip() for name in names]
    check_names(path, texts)
    return texts


def _numbered(names: dict[Any, Any]) -> list[Any] | None:
    """Return the names in the order of their numbers, which may be text; None for others."""
    numbers: dict[int, Any] = {}
    for key, name in names.items():
        text = str(key).strip()
        if type(key) not in (int, str) or not text.isascii() or not text.isdecimal():
            return None
        numbers[int(text[:20])] = name
    return [numbers.get(key, str(key)) for key in range(min(max(numbers, default=-1), 999) + 1)]


class _TextFiles:
    """The text files of a folder by the images that they are for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, list[Path]] = {}
        for path in find_files(root, (".txt",)):
            self._files.setdefault(self._key(path.relative_to(root).parts), []).append(path)

    def of(self, image: Path) -> Path | None:
        """Return the text file of an image, where there is one: exactly, else the only alike."""
        parts = image.relative_to(self._root).with_suffix(".txt").parts
        folders = [part.lower() for part in parts[:-1]]
        candidates = [parts]
        if "images" in folders:
            last = len(folders) - 1 - folders[::-1].index("images")
            candidates.insert(0, (*parts[:last], _LABELS, *parts[last + 1 :]))
        for wanted in candidates:
            places = self._files.get(self._key(wanted), [])
            exact = [path for path in places if path.name == wanted[-1]] or places
            if len(exact) == 1:
                return exact[0]
        return None

    @staticmethod
    def _key(parts: Sequence[str]) -> str:
        return same_name("/".join(parts))


def _read_outlines(path: Path, report: ConversionReport) -> tuple[list[Outline], int]:
    """Parse lines "class x y x y …"; returns the outlines and how many lines are none."""
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
            value = _whole(words[0])
            points = np.array([float(word) for word in words[1:]])
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
                "{file} has {count} {count:box|boxes}, which outline nothing and are left out.",
                file=path,
                count=len(boxes),
            )
        )
    if damaged:
        report.left_out(
            message(
                "{count} {count:line|lines} of {file} {count:is no outline|are no outlines} and "
                "{count:is|are} left out (the first is line {line}).",
                count=len(damaged),
                file=path,
                line=damaged[0],
            )
        )
    return outlines, len(boxes) + len(damaged)


def _whole(text: str) -> int:
    """Return a class number, which some tools write as ``0.0``; raises ``ValueError``."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if not number.is_integer():  # infinite ones, too
            raise
        return int(number)


def _is_inside(points: npt.NDArray[np.float64]) -> bool:
    return bool(((points >= -_MARGIN) & (points <= 1 + _MARGIN)).all())  # NaN fails


def _blank(image: Path) -> ImageArray:
    width, height = checked_size(image, None, file=image)
    return np.zeros((height, width), np.uint8)


def _draw(image: Path, path: Path, shift: int, count: int) -> ImageArray:
    width, height = checked_size(image, None, file=path)
    mask = np.zeros((height, width), np.uint8)
    for number, points in _read_outlines(path, ConversionReport())[0]:
        if number >= count:
            continue
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
                "{count} {count:mask has|masks have} ignored pixels, which this format cannot "
                "hold: they become background.",
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
    below = [name for name in folder.folders if name.lower() == _LABELS]
    has_text = any(next(folder.files((".txt",), below=name), None) is not None for name in below)
    return has_text and not {name.lower() for name in folder.folders}.isdisjoint(_IMAGES)


FORMAT = Format(
    key="yolo",
    title=message("YOLO segmentation (data.yaml)"),
    read=lambda path, _: read(path),
    write=write,
    folder={Evidence.LAYOUT: _has_data_file, Evidence.TEXT_FILES: _has_text_files},
)
