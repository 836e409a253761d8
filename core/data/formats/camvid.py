"""CamVid's folders: ``train`` beside ``trainannot``, or beside ``train_labels`` with colours.

``label_colors.txt`` or ``class_dict.csv`` names the classes; masks hold their numbers or colours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

from core.data.formats.areas import report_unlabelled
from core.data.formats.color_masks import is_colored, masks_by_color
from core.data.formats.color_tables import find_color_table, read_color_table
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import find_images, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import MASK_SUFFIXES, read_sized_mask, used_values
from core.data.formats.parsing import subset_of_path
from core.images.io import IGNORE_INDEX, ImageArray
from core.images.palette import Color, default_palette
from core.system.errors import InputError
from core.system.folders import is_hidden
from core.system.messages import message

SUBSETS = ("train", "val", "test")
ENDINGS = ("annot", "_labels")
_MASK_NAME_ENDING = "_L"
_TABLES = ("label_colors.txt", "class_dict.csv")
_LOOKED_AT = 8


def read(folder: Path | str, *, colors: Mapping[Color, str] | None = None) -> ImportResult:
    """Read the images of the subsets with their masks.

    Args:
        folder: the one with ``train`` and ``trainannot``.
        colors: class of each colour; None: as the folder's files say.

    Raises:
        UnnamedColorsError: masks are in colours, and nothing says which classes these are.
        InputError: no such folder, or no images with masks.
    """
    root = require_folder(folder)
    report = ConversionReport()
    pairs: list[tuple[Path, Path]] = []
    unlabelled: list[Path] = []
    for images, masks in _folders(root):
        by_stem = {
            path.stem.removesuffix(_MASK_NAME_ENDING): path
            for path in find_images(masks)
            if path.suffix.lower() in MASK_SUFFIXES
        }
        for image in find_images(images):
            mask = by_stem.pop(image.stem, None)
            if mask is None:
                unlabelled.append(image)
            else:
                pairs.append((image, mask))
        for mask in by_stem.values():
            report.alike(
                "left out",
                message("{count} {count:mask has|masks have} no image (the first is {file})."),
                mask,
            )
    if not pairs:
        raise InputError(
            "{folder} is no CamVid folder: it needs train and trainannot with images.", folder=root
        )
    if any(is_colored(mask) for _, mask in pairs[:_LOOKED_AT]):
        found = masks_by_color(root, pairs, colors, report)
        read_masks, names, palette = found.masks, found.names, found.colors
    else:
        read_masks = [functools.partial(read_sized_mask, image, mask) for image, mask in pairs]
        names, palette = _numbered(root, read_masks, report)
    items = [
        ImportedImage(image, mask, subset_of_path(image, root))
        for (image, _), mask in zip(pairs, read_masks, strict=True)
    ]
    items += [ImportedImage(image, None, subset_of_path(image, root)) for image in unlabelled]
    report_unlabelled(report, unlabelled)
    return ImportResult(items, names, palette, report)


def _folders(root: Path) -> list[tuple[Path, Path]]:
    """Return the folders of images with those of their masks.

    CVAT calls a subset as its user does, such as ``default``; of ``_labels`` only the usual names
    are meant so.
    """
    names = sorted(
        path.name for path in root.iterdir() if path.is_dir() and not is_hidden(path.name)
    )
    first = [name for name in SUBSETS if name in names]
    return [
        (root / name, root / f"{name}{ending}")
        for name in [*first, *(name for name in names if name not in first)]
        for ending in ENDINGS
        if f"{name}{ending}" in names and (ending == ENDINGS[0] or name in SUBSETS)
    ]


def _numbered(
    root: Path, masks: list[Callable[[], ImageArray]], report: ConversionReport
) -> tuple[list[str], list[Color]]:
    """Return names and colours of class numbers: the lines of the table, else the numbers."""
    path = find_color_table(root)
    if path is not None:
        table = read_color_table(path)
        names = list(dict.fromkeys(table.values()))
        palette = {name: color for color, name in reversed(table.items())}
        return names, [palette[name] for name in names]
    highest = max(used_values(masks) - {IGNORE_INDEX}, default=0)
    report.assumed(
        message(
            "{folder} does not name its classes (in label_colors.txt); they are named by their"
            " numbers.",
            folder=root,
        )
    )
    return [str(index) for index in range(highest + 1)], default_palette(highest + 1)


def _has_layout(folder: FolderOverview) -> bool:
    annotated = [f"{name}{ENDINGS[0]}" for name in folder.folders]
    if not folder.folders.isdisjoint(annotated):
        return True
    labelled = [f"{subset}{ENDINGS[1]}" for subset in SUBSETS if subset in folder.folders]
    has_table = not folder.names.isdisjoint(_TABLES)
    return has_table and not folder.folders.isdisjoint(labelled)


FORMAT = Format(
    key="camvid",
    title=message("CamVid (train, trainannot)"),
    read=lambda path, options: read(path, colors=options.colors),
    options=frozenset({"colors"}),
    folder={Evidence.LAYOUT: _has_layout},
)
