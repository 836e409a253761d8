"""PaddleX's SEG layout, read from any folder that pairs images with masks, and written.

With lists the folder is read as ``core.datasets`` describes. Without lists, images and masks are
paired by their names in ``JPEGImages/`` and ``Annotations/`` (or ``images/`` and ``masks/``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path

from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import is_file, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import used_values
from core.data.formats.writing import copy_image, labelled_images, new_folder
from core.datasets import (
    LABELS_FILE,
    SUBSETS,
    Item,
    Subset,
    list_file,
    read_colors,
    read_labels,
    read_list,
    write_data_folder,
)
from core.images.io import (
    IGNORE_INDEX,
    IMAGE_SUFFIXES,
    ImageArray,
    image_size,
    read_mask,
    write_mask,
)
from core.images.palette import Color, default_palette
from core.system.errors import InputError
from core.system.messages import message
from core.transforms.base import size_mismatch

IMAGE_FOLDERS = ("JPEGImages", "images", "imgs")
MASK_FOLDERS = ("Annotations", "masks", "labels")


def read(folder: Path | str) -> ImportResult:
    """Read a folder with or without lists; masks are decoded when asked for.

    The report names each line, image and mask that is missing.

    Raises:
        InputError: no such folder, a faulty ``labels.txt``, or no images.
    """
    root = require_folder(folder)
    report = ConversionReport()
    lists = [subset for subset in SUBSETS if list_file(root, subset).exists()]
    items = _listed(root, lists, report) if lists else _paired(root)
    if not items:
        raise InputError(
            "{folder} holds no images with masks; it needs lists, or JPEGImages and Annotations.",
            folder=root,
        )
    labels_file = root / LABELS_FILE
    if labels_file.exists():
        labels = list(read_labels(labels_file))
        colors = list(read_colors(root, len(labels)))
    else:
        labels, colors = _labels_from_masks([i.mask for i in items if i.mask is not None])
        report.assumed(
            message("{folder} has no labels.txt; classes are named by their numbers.", folder=root)
        )
    return ImportResult(items, labels, colors, report)


def _listed(root: Path, subsets: Iterable[Subset], report: ConversionReport) -> list[ImportedImage]:
    items: dict[Path, ImportedImage] = {}
    for subset in subsets:
        path = list_file(root, subset)
        content = read_list(path, root)
        for problem in content.problems:
            report.left_out(problem.message)
        for image, mask in content.items:
            if not is_file(image):
                report.left_out(
                    message("The image {file} of {list} does not exist.", file=image, list=path)
                )
            elif image in items:
                report.left_out(
                    message(
                        "{file} is listed twice; its first place counts, in the {subset} subset.",
                        file=image,
                        subset=items[image].subset,
                    )
                )
            else:
                items[image] = ImportedImage(image, _lazy_mask(image, mask, path, report), subset)
    return list(items.values())


def _lazy_mask(
    image: Path, mask: Path, path: Path, report: ConversionReport
) -> Callable[[], ImageArray] | None:
    if not is_file(mask):
        report.left_out(message("The mask {file} of {list} does not exist.", file=mask, list=path))
        return None
    return functools.partial(_checked_mask, image, mask)


def _checked_mask(image: Path, path: Path) -> ImageArray:
    size, said = image_size(image), image_size(path)
    if sorted(said) != sorted(size):  # before it is decoded: it may be a bomb
        raise size_mismatch(path, said, size)
    mask = read_mask(path)
    if mask.shape != (size[1], size[0]):
        raise size_mismatch(path, (mask.shape[1], mask.shape[0]), size)
    return mask


def _paired(root: Path) -> list[ImportedImage]:
    return [
        ImportedImage(
            image, None if mask is None else functools.partial(_checked_mask, image, mask)
        )
        for image, mask in find_pairs(root)
    ]


def find_pairs(folder: Path | str) -> list[tuple[Path, Path | None]]:
    """Pair the images of a folder without lists with their masks, by path without suffix.

    Returns:
        (image, mask), absolute, by name; the mask is None where there is none.

    Raises:
        InputError: no image or mask folder, or two images of one name.
    """
    root = Path(folder).absolute()
    images = _first_folder(root, IMAGE_FOLDERS)
    masks = _first_folder(root, MASK_FOLDERS)
    if images is None or masks is None:
        raise InputError(
            "{folder} has no lists, and no folders JPEGImages and Annotations to pair.",
            folder=root,
        )
    by_name = {_stem(path, masks): path for path in _image_files(masks)}
    pairs: dict[str, tuple[Path, Path | None]] = {}
    for path in _image_files(images):
        name = _stem(path, images)
        if name in pairs:
            raise InputError(
                "{file} and {other} would share one mask; rename one of them.",
                file=path,
                other=pairs[name][0].name,
            )
        pairs[name] = (path, by_name.get(name))
    return list(pairs.values())


def _first_folder(root: Path, names: Iterable[str]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _image_files(folder: Path) -> list[Path]:
    return sorted(
        p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()
    )


def _stem(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _labels_from_masks(masks: list[Callable[[], ImageArray]]) -> tuple[list[str], list[Color]]:
    """Name classes by number, up to the highest that any mask holds."""
    highest = max(used_values(masks) - {IGNORE_INDEX}, default=0)
    return [str(index) for index in range(highest + 1)], default_palette(highest + 1)


def write(result: ImportResult, folder: Path | str) -> ConversionReport:
    """Write a SEG folder: ``JPEGImages/``, palette PNGs in ``Annotations/``, lists and labels.

    Images are copied as they are. What has no mask is left out, what has no subset goes to the
    training list.

    Returns:
        A sentence for each image that could not be written.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    report = ConversionReport()
    pairs: dict[Subset, list[tuple[Path, Path]]] = {subset: [] for subset in SUBSETS}
    with new_folder(folder) as partial:
        (partial / "JPEGImages").mkdir()
        (partial / "Annotations").mkdir()
        for item in labelled_images(result, report):
            pair = Item(Path("JPEGImages", item.file_name), Path("Annotations", f"{item.name}.png"))
            copy_image(item, partial / "JPEGImages")
            write_mask(partial / pair.mask, item.mask, palette=result.colors)
            pairs[item.subset].append(pair)
        write_data_folder(
            partial,
            labels=result.labels,
            colors=result.colors,
            subsets={subset: listed for subset, listed in pairs.items() if listed},
        )
    return report


def _has_list(folder: FolderOverview) -> bool:
    return any(list_file(folder.root, subset).name in folder.names for subset in SUBSETS)


def _has_pairs(folder: FolderOverview) -> bool:
    return not (folder.folders.isdisjoint(IMAGE_FOLDERS) or folder.folders.isdisjoint(MASK_FOLDERS))


FORMAT = Format(
    key="seg",
    title=message("PaddleX SEG folder (labels.txt and lists)"),
    read=lambda path, _: read(path),
    write=write,
    folder={Evidence.LAYOUT: _has_list, Evidence.FOLDER_NAMES: _has_pairs},
)
