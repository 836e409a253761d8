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
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import find_images, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import (
    mask_palette,
    note_black_and_white,
    only_black_and_white,
    read_sized_mask,
    used_values,
    white_is_one,
)
from core.data.formats.pairing import pair_folder, unlabelled
from core.data.formats.parsing import subset_of_path
from core.data.formats.writing import copy_image, labelled_images, new_folder
from core.datasets import LABELS_FILE
from core.images.io import IGNORE_INDEX, ImageArray, write_mask
from core.system.errors import InputError
from core.system.files import write_text_atomic
from core.system.messages import message


def read(folder: Path | str) -> ImportResult:
    """Read images with masks; names of classes come from ``labels.txt`` where it exists.

    Masks that hold nothing but 0 and 255 are taken as background and one class.

    Raises:
        InputError: no such folder, or no image with a mask.
    """
    root = require_folder(folder)
    report = ConversionReport()
    paired = pair_folder(find_images(root), root)
    paired.report(report)
    pairs = [(image, mask) for image, mask in paired.pairs if mask is not None]
    report.require(
        pairs,
        InputError(
            "{folder} holds no images with masks: a mask has the name of its image and ends with"
            " _mask, or lies in a folder called masks.",
            folder=root,
        ),
    )
    masks: list[Callable[[], ImageArray]] = [
        functools.partial(read_sized_mask, image, mask, report=report) for image, mask in pairs
    ]
    labels_file = root / LABELS_FILE
    if labels_file.is_file():
        names = read_names(labels_file)
        if only_black_and_white(masks):
            note_black_and_white(root, report, is_class=False)
    elif only_black_and_white(masks):
        masks = [functools.partial(white_is_one, mask) for mask in masks]
        names = [BACKGROUND, "foreground"]
        note_black_and_white(root, report, is_class=True)
    else:
        used = sorted((used_values(masks) | {0}) - {IGNORE_INDEX})
        white = sum(used_values([mask]) == {0, IGNORE_INDEX} for mask in masks)
        masks = [functools.partial(_numbered, mask, used) for mask in masks]
        names = [str(value) for value in used]
        report.assumed(
            message("{folder} has no labels.txt; classes are named by their numbers.", folder=root)
        )
        if white:
            report.assumed(
                message(
                    "{count} {count:mask|masks} in {folder} {count:holds|hold} only 0 and 255, "
                    "which is ignored as others hold classes.",
                    count=white,
                    folder=root,
                )
            )
    items = [
        ImportedImage(image, mask, subset_of_path(image, root))
        for (image, _), mask in zip(pairs, masks, strict=True)
    ]
    items += unlabelled([image for image, _ in paired.pairs], items, root, report)
    return ImportResult(items, names, mask_palette(pairs[0][1], len(names)), report)


def _numbered(read_mask: Callable[[], ImageArray], used: Sequence[int]) -> ImageArray:
    """Return the place of each value among those that occur; 255 stays."""
    lut = np.full(256, IGNORE_INDEX, np.uint8)
    lut[list(used)] = np.arange(len(used))
    return np.asarray(lut[read_mask()], np.uint8)


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


def _has_pairs(folder: FolderOverview) -> bool:
    """Masks with loss count, too: their reader says why they are none."""
    found = pair_folder(find_images(folder.root), folder.root)
    return bool(found.lossy) or any(mask is not None for _, mask in found.pairs)


FORMAT = Format(
    key="masks",
    title=message("Images with index masks"),
    read=lambda path, _: read(path),
    write=write,
    folder={Evidence.MASK_NAMES: _has_pairs},
)
