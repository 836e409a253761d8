"""Plain masks: grey or palette images of class indices beside the images or in a folder.

A mask has the name of its image without the suffix, perhaps with an ending such as ``_mask``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from core.data.class_names import BACKGROUND, read_names
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, Format
from core.data.formats.image_index import find_images, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import (
    MASK_SUFFIXES,
    mask_palette,
    read_sized_mask,
    used_values,
)
from core.data.formats.parsing import subset_of_path
from core.data.formats.writing import copy_image, labelled_images, new_folder
from core.datasets import LABELS_FILE
from core.images.io import IGNORE_INDEX, ImageArray, write_mask
from core.system.errors import InputError
from core.system.files import write_text_atomic
from core.system.messages import message

ENDINGS = ("_mask", "_label", "_labels", "_gt", "_seg", "-mask", "-label", ".mask")
MASK_FOLDERS = frozenset(
    {"masks", "mask", "labels", "label", "annotations", "gt", "ground_truth", "segmentation"}
)


def find_mask_pairs(root: Path) -> list[tuple[Path, Path]]:
    """Return (image, mask) of a folder, by name.

    A mask lies in a folder called ``masks``, ``labels`` … or ends with ``_mask`` …, or it is a PNG
    beside a photograph (a JPEG) of the same name.
    """
    images: dict[str, list[Path]] = {}
    masks: dict[str, list[Path]] = {}
    for path in find_images(root):
        marked = _without_ending(path.stem)
        in_folder = any(part.lower() in MASK_FOLDERS for part in path.relative_to(root).parts[:-1])
        if path.suffix.lower() in MASK_SUFFIXES and (marked or in_folder):
            masks.setdefault(marked or path.stem, []).append(path)
        else:
            images.setdefault(path.stem, []).append(path)
    pairs: list[tuple[Path, Path]] = []
    for stem, places in images.items():
        photographs = [path for path in places if path.suffix.lower() not in MASK_SUFFIXES]
        beside = [path for path in places if path.suffix.lower() == ".png"]
        for image in photographs or places:
            candidates = masks.get(stem, []) or (beside if image in photographs else [])
            mask = _nearest(image, candidates)
            if mask is not None:
                pairs.append((image, mask))
    return pairs


def _without_ending(stem: str) -> str | None:
    lower = stem.lower()
    return next((stem[: -len(end)] for end in ENDINGS if lower.endswith(end)), None)


def _nearest(image: Path, candidates: list[Path]) -> Path | None:
    """Return the mask that shares the longest path with the image."""

    def shared(path: Path) -> int:
        pairs = zip(image.parts, path.parts, strict=False)
        return next((n for n, (a, b) in enumerate(pairs) if a != b), 0)

    return max(candidates, key=shared, default=None)


def read(folder: Path | str) -> ImportResult:
    """Read images with masks; names of classes come from ``labels.txt`` where it exists.

    Masks that hold nothing but 0 and 255 are taken as background and one class.

    Raises:
        InputError: no such folder, or no image with a mask.
    """
    root = require_folder(folder)
    pairs = find_mask_pairs(root)
    if not pairs:
        raise InputError(
            "{folder} holds no images with masks: a mask has the name of its image and ends with"
            " _mask, or lies in a folder called masks.",
            folder=root,
        )
    report = ConversionReport()
    masks: list[Callable[[], ImageArray]] = [
        functools.partial(read_sized_mask, image, mask) for image, mask in pairs
    ]
    labels_file = root / LABELS_FILE
    if labels_file.is_file():
        names = read_names(labels_file)
    else:
        values = used_values(masks)
        if values == {0, IGNORE_INDEX}:
            masks = [functools.partial(_white_is_one, mask) for mask in masks]
            names = [BACKGROUND, "foreground"]
            report.assumed(
                message(
                    "The masks in {folder} hold only 0 and 255; 255 is taken as a class, not as"
                    " ignored.",
                    folder=root,
                )
            )
        else:
            used = sorted((values | {0}) - {IGNORE_INDEX})
            masks = [functools.partial(_numbered, mask, used) for mask in masks]
            names = [str(value) for value in used]
            report.assumed(
                message(
                    "{folder} has no labels.txt; classes are named by their numbers.", folder=root
                )
            )
    for path in _without_mask(root, pairs):
        report.left_out(message("{file} has no mask.", file=path))
    items = [
        ImportedImage(image, mask, subset_of_path(image, root))
        for (image, _), mask in zip(pairs, masks, strict=True)
    ]
    return ImportResult(items, names, mask_palette(pairs[0][1], len(names)), report)


def _without_mask(root: Path, pairs: list[tuple[Path, Path]]) -> list[Path]:
    used = {path for pair in pairs for path in pair}
    suffixes = {image.suffix.lower() for image, _ in pairs}
    folders = {image.parent for image, _ in pairs}
    return [
        path
        for path in find_images(root)
        if path not in used and path.parent in folders and path.suffix.lower() in suffixes
    ]


def _numbered(read_mask: Callable[[], ImageArray], used: Sequence[int]) -> ImageArray:
    """Return the place of each value among those that occur; 255 stays."""
    lut = np.full(256, IGNORE_INDEX, np.uint8)
    lut[list(used)] = np.arange(len(used))
    return np.asarray(lut[read_mask()], np.uint8)


def _white_is_one(read_mask: Callable[[], ImageArray]) -> ImageArray:
    return np.asarray(read_mask() == IGNORE_INDEX, np.uint8)


def write(result: ImportResult, folder: Path | str) -> ConversionReport:
    """Write ``images/``, ``masks/`` with palette PNGs of the same names, and ``labels.txt``.

    Returns:
        A sentence for each image that could not be written.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    report = ConversionReport()
    with new_folder(folder) as partial:
        (partial / "images").mkdir()
        (partial / "masks").mkdir()
        for item in labelled_images(result, report):
            copy_image(item, partial / "images" / item.subset)
            (partial / "masks" / item.subset).mkdir(exist_ok=True)
            target = partial / "masks" / item.subset / f"{item.name}.png"
            write_mask(target, item.mask, palette=result.colors)
        write_text_atomic(partial / LABELS_FILE, "\n".join(result.labels) + "\n")
    return report


FORMAT = Format(
    key="masks",
    title=message("Images with index masks"),
    read=lambda path, _: read(path),
    write=write,
    folder={Evidence.MASK_NAMES: lambda folder: bool(find_mask_pairs(folder.root))},
)
