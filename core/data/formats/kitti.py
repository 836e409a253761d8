"""KITTI's semantic segmentation: ``training/image_2`` and ``training/semantic``.

Masks hold Cityscapes' label ids.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

from core.data.formats.areas import report_unlabelled
from core.data.formats.cityscapes import LABELS
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import find_images, is_file, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import read_sized_mask
from core.data.formats.parsing import subset_of_path
from core.system.errors import InputError
from core.system.messages import message

IMAGES = "image_2"
MASKS = "semantic"
_PARTS = ("training", "testing")
_MASK_SUFFIX = ".png"


def read(folder: Path | str) -> ImportResult:
    """Read the images of ``training`` and ``testing``, which has no masks, with label ids.

    Args:
        folder: the one with ``training``, or with ``image_2`` and ``semantic``.

    Raises:
        InputError: no such folder, or no images with masks.
    """
    root = require_folder(folder)
    report = ConversionReport()
    items: list[ImportedImage] = []
    for place in _places(root):
        for image in find_images(place / IMAGES):
            mask = place / MASKS / f"{image.stem}{_MASK_SUFFIX}"
            read_mask = functools.partial(read_sized_mask, image, mask) if is_file(mask) else None
            items.append(ImportedImage(image, read_mask, subset_of_path(image, root)))
    if not any(item.mask is not None for item in items):
        raise InputError(
            "{folder} is no KITTI folder: it needs training/image_2 and training/semantic.",
            folder=root,
        )
    report_unlabelled(report, [item.image_path for item in items if item.mask is None])
    names, colors = [one.name for one in LABELS], [one.color for one in LABELS]
    return ImportResult(items, names, colors, report)


def _places(root: Path) -> Iterator[Path]:
    yield from (root / part for part in ("", *_PARTS) if (root / part / IMAGES).is_dir())


def _has_layout(folder: FolderOverview) -> bool:
    return any((place / MASKS).is_dir() for place in _places(folder.root))


FORMAT = Format(
    key="kitti",
    title=message("KITTI semantic (image_2, semantic)"),
    read=lambda path, _: read(path),
    folder={Evidence.LAYOUT: _has_layout},
)
