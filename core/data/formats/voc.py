"""Pascal VOC's folders for segmentation: palette PNGs, 255 (the border) is ignored."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from core.data.class_names import check_names, read_names
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import find_images, path_inside, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import (
    MASK_SUFFIXES,
    has_channels,
    mask_palette,
    read_color_mask,
    read_sized_mask,
    used_values,
)
from core.data.formats.writing import copy_image, labelled_images, new_folder
from core.datasets import LABELS_FILE, SUBSETS, Subset
from core.images.io import IGNORE_INDEX, write_mask
from core.images.palette import Color
from core.system.errors import InputError
from core.system.files import read_text, write_text_atomic
from core.system.messages import message

MASK_FOLDERS = ("SegmentationClass", "SegmentationClassPNG")
_IMAGES = "JPEGImages"
_LISTS = Path("ImageSets", "Segmentation")
_LABEL_MAP = "labelmap.txt"
_CLASS_NAMES = "class_names.txt"
_BORDER = (224, 224, 192)
CLASSES = [
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
]


def read(folder: Path | str) -> ImportResult:
    """Read ``JPEGImages`` and ``SegmentationClass``, with subsets where ImageSets has lists.

    Class names come from ``labelmap.txt`` (with colours, as CVAT writes it), ``labels.txt`` or
    ``class_names.txt`` (as labelme does); without any they are VOC's own as long as they suffice.
    Masks in colours are understood by ``labelmap.txt`` or VOC's colours.

    Raises:
        InputError: no such folder, or no images in it.
    """
    root = require_folder(folder)
    masks = next((root / name for name in MASK_FOLDERS if (root / name).is_dir()), None)
    images = {path.stem: path for path in find_images(root / _IMAGES)}
    if masks is None or not images:
        raise InputError(
            "{folder} is no VOC folder: it needs JPEGImages and SegmentationClass.", folder=root
        )
    report = ConversionReport()
    by_stem = {p.stem: p for p in find_images(masks) if p.suffix.lower() in MASK_SUFFIXES}
    subsets = _subsets(root, report)
    chosen = [stem for stem in images if stem in by_stem or stem in subsets]
    for stem in sorted(subsets.keys() - images.keys()):
        report.left_out(
            message("The image {image} of {file} does not exist.", image=stem, file=root)
        )
    for stem in sorted(by_stem.keys() - images.keys()):
        report.left_out(message("The mask {file} has no image.", file=by_stem[stem]))
    for stem in sorted(subsets.keys() & images.keys() - by_stem.keys()):
        report.left_out(message("{file} has no mask.", file=images[stem]))
    named = _named_classes(root)
    first = next((by_stem[stem] for stem in chosen if stem in by_stem), None)
    in_colors = first is not None and has_channels(first)
    names, colors = named or (CLASSES, voc_palette(len(CLASSES)))
    items = []
    for stem in chosen:
        image, mask = images[stem], by_stem.get(stem)
        if mask is None:
            read_mask = None
        elif in_colors:
            read_mask = functools.partial(read_color_mask, image, mask, voc_colors(colors or []))
        else:
            read_mask = functools.partial(read_sized_mask, image, mask)
        items.append(ImportedImage(image, read_mask, subsets.get(stem)))
    if named is None and not in_colors:
        values = used_values([item.mask for item in items if item.mask is not None])
        highest = max(values - {IGNORE_INDEX}, default=0)
        if highest >= len(CLASSES):
            names = [str(index) for index in range(highest + 1)]
        report.assumed(
            message(
                "{folder} does not name its classes (in labels.txt or labelmap.txt); they are taken"
                " to be {first} … {last}.",
                folder=root,
                first=names[0],
                last=names[-1],
            )
        )
    if first is not None and not in_colors:
        colors = mask_palette(first, len(names))
    return ImportResult(items, list(names), list(colors or voc_palette(len(names))), report)


def _subsets(root: Path, report: ConversionReport) -> dict[str, Subset]:
    """Return the subset of each name in the lists; the first list that names one counts."""
    found: dict[str, Subset] = {}
    for subset in SUBSETS:
        path = root / _LISTS / f"{subset}.txt"
        if not path.is_file():
            continue
        for line in read_text(path).split("\n"):
            name = line.strip()
            if not name:
                continue
            with report.leaving_out():
                path_inside(root, root / _IMAGES, name, file=path)
                found.setdefault(name, subset)
    return found


def _named_classes(root: Path) -> tuple[list[str], list[Color] | None] | None:
    """Return names and, from a label map, colours; None where no file names the classes."""
    if (path := root / _LABEL_MAP).is_file():
        return _label_map(path)
    for name in (LABELS_FILE, _CLASS_NAMES):
        if (path := root / name).is_file() and (names := read_names(path)):
            return names, voc_palette(len(names))
    return None


def _label_map(path: Path) -> tuple[list[str], list[Color]]:
    """Parse lines "name:red,green,blue:parts:actions"."""
    names: list[str] = []
    colors: list[Color] = []
    for line in read_text(path).split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.strip().partition(":")
        try:
            red, green, blue = (int(part) for part in rest.partition(":")[0].split(","))
        except ValueError as error:
            raise InputError(
                "{file} has a line that is no name with a colour: {line}.", file=path, line=line
            ) from error
        names.append(name)
        colors.append((red & 255, green & 255, blue & 255))
    if not names:
        raise InputError("{file} is empty.", file=path)
    check_names(path, names)
    return names, colors


def voc_palette(count: int) -> list[Color]:
    """Return VOC's colours: bit i of a class goes to red, green, blue in turn, high bits first."""
    colors = []
    for index in range(count):
        channels = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                channels[channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
        colors.append((channels[0], channels[1], channels[2]))
    return colors


def voc_colors(colors: Sequence[Color]) -> dict[Color, int]:
    """Return the class of each colour, and of VOC's border, which is ignored."""
    return {_BORDER: IGNORE_INDEX} | {color: index for index, color in enumerate(colors)}


def write(result: ImportResult, folder: Path | str) -> ConversionReport:
    """Write a VOC folder with palette PNGs, lists of the subsets and ``labels.txt``.

    Returns:
        A sentence for each image that could not be written.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    report = ConversionReport()
    names: dict[Subset, list[str]] = {subset: [] for subset in SUBSETS}
    with new_folder(folder) as partial:
        for place in (_IMAGES, MASK_FOLDERS[0], _LISTS):
            (partial / place).mkdir(parents=True)
        for item in labelled_images(result, report):
            copy_image(item, partial / _IMAGES)
            write_mask(
                partial / MASK_FOLDERS[0] / f"{item.name}.png", item.mask, palette=result.colors
            )
            names[item.subset].append(item.name)
        lists = {subset: found for subset, found in names.items() if found}
        for subset, found in lists.items():
            write_text_atomic(partial / _LISTS / f"{subset}.txt", "\n".join(found) + "\n")
        write_text_atomic(partial / LABELS_FILE, "\n".join(result.labels) + "\n")
    return report


def _has_layout(folder: FolderOverview) -> bool:
    return not folder.names.isdisjoint(MASK_FOLDERS) and _IMAGES in folder.names


FORMAT = Format(
    key="voc",
    title=message("Pascal VOC (SegmentationClass)"),
    read=lambda path, _: read(path),
    write=write,
    folder={Evidence.LAYOUT: _has_layout},
)
