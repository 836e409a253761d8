"""Pascal VOC's folders for segmentation: palette PNGs, 255 (the border) is ignored."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.data.class_names import check_names, read_names
from core.data.formats.color_masks import (
    colors_among_numbers,
    find_colors,
    is_colored,
    read_color_or_number,
)
from core.data.formats.color_tables import (
    color_of_each,
    find_color_table,
    voc_colors,
    voc_palette,
)
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import find_images, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import (
    has_channels,
    mask_palette,
    used_values,
)
from core.data.formats.pairing import note_unlabelled, pair_masks
from core.data.formats.roboflow import names_of_values
from core.data.formats.writing import copy_image, labelled_images, new_folder
from core.datasets import LABELS_FILE, SUBSETS, Subset
from core.images.io import IGNORE_INDEX, write_mask
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


def read(folder: Path | str, *, colors: Mapping[Color, str] | None = None) -> ImportResult:
    """Read ``JPEGImages`` and ``SegmentationClass``, with subsets where ImageSets has lists.

    Class names come from ``labelmap.txt`` (with colours, as CVAT writes it), ``labels.txt`` or
    ``class_names.txt`` (as labelme does); without any they are VOC's own as long as they suffice.
    Masks in colours are understood by ``labelmap.txt`` or another table of colours, or by VOC's.

    Args:
        folder: with these two folders.
        colors: class of each colour of masks that are in colours; None: as above.

    Raises:
        UnnamedColorsError: no table, and none of the colours is VOC's.
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
    pairs = [(image, mask) for image, mask in paired.pairs if mask is not None]
    named = _named_classes(root)
    names, palette = named or (CLASSES, voc_palette(len(CLASSES)))
    known = voc_colors(palette or [])
    if (said := _said_colors(root, pairs, colors, named and named[0], report)) is not None:
        names, known = said
        palette = color_of_each(len(names), known)
        named = names, palette
    items = []
    for image, mask in paired.pairs:
        if mask is None:
            note_unlabelled(image, report)
            read_mask = None
        else:
            read_mask = functools.partial(read_color_or_number, image, mask, known, report)
        items.append(ImportedImage(image, read_mask, subsets.get(image)))
    in_indices = [mask for _, mask in pairs if not has_channels(mask)]
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
    if in_indices and len(in_indices) == len(pairs):
        palette = mask_palette(in_indices[0], len(names))
    return ImportResult(items, list(names), list(palette or voc_palette(len(names))), report)


def _said_colors(
    root: Path,
    pairs: Sequence[tuple[Path, Path]],
    given: Mapping[Color, str] | None,
    names: Sequence[str] | None,
    report: ConversionReport,
) -> tuple[list[str], dict[Color, int]] | None:
    """Return classes and colours as others than VOC and its label map say them; None for these."""
    if given is None and (root / _LABEL_MAP).is_file():
        return None
    if given is None and find_color_table(root) is None:
        in_colors = [pair for pair in pairs if is_colored(pair[1])]
        vocs = voc_palette(len(names or CLASSES))[1:]
        if any(found.color in vocs for found in find_colors(root, in_colors)):
            return None  # a mask with others is left out alone
    return colors_among_numbers(root, pairs, names, given, report)


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
    if (names_by_value := names_of_values(root)) is not None:
        return names_by_value, voc_palette(len(names_by_value))
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
    read=lambda path, options: read(path, colors=options.colors),
    write=write,
    options=frozenset({"colors"}),
    folder={Evidence.LAYOUT: _has_layout},
)
