"""Pascal VOC's folders for segmentation: palette PNGs, 255 (the border) is ignored."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.data.class_names import check_names, read_names
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import find_images, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import (
    has_channels,
    mask_palette,
    read_color_mask,
    read_sized_mask,
    used_values,
)
from core.data.formats.pairing import note_unlabelled, pair_masks
from core.data.formats.writing import copy_image, labelled_images, new_folder
from core.datasets import LABELS_FILE, SUBSETS, Subset
from core.images.io import IGNORE_INDEX, ImageArray, write_mask
from core.images.palette import Color
from core.system.errors import InputError
from core.system.files import read_text, write_text_atomic
from core.system.folders import same_name
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
    images = find_images(root / _IMAGES)
    if masks is None or not images:
        raise InputError(
            "{folder} is no VOC folder: it needs JPEGImages and SegmentationClass.", folder=root
        )
    report = ConversionReport()
    paired = pair_masks(images, find_images(masks), root)
    paired.report(report)
    subsets = _subsets(root, images, report)
    named = _named_classes(root)
    names, colors = named or (CLASSES, voc_palette(len(CLASSES)))
    known = voc_colors(colors or [])
    items = []
    for image, mask in paired.pairs:
        if mask is None:
            note_unlabelled(image, report)
            read_mask = None
        else:
            read_mask = functools.partial(_read_mask, image, mask, known, report)
        items.append(ImportedImage(image, read_mask, subsets.get(image)))
    in_indices = [mask for _, mask in paired.pairs if mask is not None and not has_channels(mask)]
    if named is None and in_indices:
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
    if in_indices and len(in_indices) == sum(mask is not None for _, mask in paired.pairs):
        colors = mask_palette(in_indices[0], len(names))
    return ImportResult(items, list(names), list(colors or voc_palette(len(names))), report)


def _read_mask(
    image: Path, mask: Path, colors: Mapping[Color, int], report: ConversionReport
) -> ImageArray:
    """Read a mask of indices or in colours: one folder may hold both."""
    if has_channels(mask):
        return read_color_mask(image, mask, colors, report=report)
    return read_sized_mask(image, mask, report=report)


def _subsets(root: Path, images: list[Path], report: ConversionReport) -> dict[Path, Subset]:
    """Return the subset of each image in the lists; the first list that names one counts."""
    found: dict[Path, Subset] = {}
    names = _Names(root / _IMAGES, images)
    for subset in SUBSETS:
        path = root / _LISTS / f"{subset}.txt"
        if not path.is_file():
            continue
        for line in read_text(path).split("\n"):
            if not line.strip():
                continue
            with report.leaving_out():
                found.setdefault(names.image(line.strip(), path), subset)
    return found


class _Names:
    """The images by what the lists call them: their paths without suffixes."""

    def __init__(self, folder: Path, images: list[Path]) -> None:
        self._by_place: dict[str, Path] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for image in images:
            place = image.relative_to(folder)
            for key in (place.as_posix(), place.with_suffix("").as_posix()):
                self._by_place.setdefault(same_name(key), image)
            self._by_stem.setdefault(same_name(image.stem), []).append(image)

    def image(self, line: str, file: Path) -> Path:
        """Return the image of a line, which may have a suffix, a path, and a number behind it.

        Raises:
            InputError: there is none.
        """
        name = line.replace("\\", "/")
        for wanted in (name, name.rpartition(" ")[0].strip()):
            found = self._by_place.get(same_name(wanted.removeprefix("./")))
            if found is not None:
                return found
        last = name.rpartition("/")[2]
        for stem in (last, Path(last).stem):
            places = self._by_stem.get(same_name(stem), [])
            if len(places) == 1:
                return places[0]
        raise InputError("The image {image} of {file} does not exist.", image=line, file=file)


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
