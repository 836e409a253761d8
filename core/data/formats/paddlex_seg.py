"""PaddleX's SEG layout, read from any folder that pairs images with masks, and written.

With lists the folder is read as ``core.datasets`` describes. Without lists, images and masks are
paired by their names in ``JPEGImages/`` and ``Annotations/`` (or ``images/`` and ``masks/``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.class_names import BACKGROUND
from core.data.formats.color_masks import colors_among_numbers, read_color_or_number
from core.data.formats.color_tables import color_of_each
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import (
    ImageIndex,
    absolute,
    canvas_of,
    find_images,
    is_file,
    require_folder,
)
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import (
    note_black_and_white,
    only_black_and_white,
    used_values,
    white_is_one,
)
from core.data.formats.pairing import (
    Pairing,
    divide,
    note_unlabelled,
    pair_folder,
    pair_masks,
    photographs,
    unlabelled,
)
from core.data.formats.parsing import subset_of_path
from core.data.formats.roboflow import names_of_values
from core.data.formats.writing import copy_image, labelled_images, new_folder
from core.datasets import (
    LABELS_FILE,
    SUBSETS,
    Item,
    Subset,
    find_list,
    list_file,
    list_lines,
    read_colors,
    read_labels,
    resolve_listed,
    write_data_folder,
)
from core.images.io import IGNORE_INDEX, ImageArray, image_size, read_mask, write_mask
from core.images.palette import Color, default_palette
from core.system.errors import InputError
from core.system.messages import message
from core.transforms.base import size_mismatch

IMAGE_FOLDERS = ("JPEGImages", "images", "imgs")
MASK_FOLDERS = ("Annotations", "annotations", "masks", "labels")


def read(folder: Path | str, *, colors: Mapping[Color, str] | None = None) -> ImportResult:
    """Read a folder with or without lists; masks are decoded when asked for.

    Lists are PaddleX's ``train_list.txt`` … or PaddleSeg's ``train.txt`` …. The report names each
    line, image and mask that is missing.

    Args:
        folder: with images and masks.
        colors: class of each colour of masks that are in colours; None: as a file of the folder
            (``color_tables``) or VOC's palette has it.

    Raises:
        UnnamedColorsError: all masks are in colours, and nobody says what they mean.
        InputError: no such folder, a faulty ``labels.txt``, or no images.
    """
    root = require_folder(folder)
    report = ConversionReport()
    lists = {subset: find_list(root, subset) for subset in SUBSETS}
    listed = {subset: path for subset, path in lists.items() if path.exists()}
    items = _Lists(root, report).read(_with_bare_lists(root, listed)) if listed else []
    if not listed:
        items = _paired(root, report)
        report.require(
            [item for item in items if item.mask is not None],
            InputError(
                "{folder} holds no images with masks; it needs lists, or JPEGImages and"
                " Annotations.",
                folder=root,
            ),
        )
    if not items:
        raise InputError(
            "{folder} holds no images with masks; it needs lists, or JPEGImages and Annotations.",
            folder=root,
        )
    labels_file = root / LABELS_FILE
    masks = [item.mask for item in items if item.mask is not None]
    named = list(read_labels(labels_file)) if labels_file.exists() else names_of_values(root)
    pairs = [(mask.image, mask.path) for mask in masks if isinstance(mask, _MaskFile)]
    said = colors_among_numbers(root, pairs, named, colors, report)
    if said is not None:
        labels, classes = said
        items = [_in_colors(item, classes, report) for item in items]
        palette = color_of_each(len(labels), classes)
    elif named is not None:
        labels = named
        palette = list(read_colors(root, len(labels)))
        if only_black_and_white(masks):
            note_black_and_white(root, report, is_class=False)
    elif only_black_and_white(masks):
        items = [item if item.mask is None else _white_is_one(item, item.mask) for item in items]
        labels, palette = [BACKGROUND, "foreground"], default_palette(2)
        note_black_and_white(root, report, is_class=True)
    else:
        labels, palette = _labels_from_masks(masks)
        report.assumed(
            message("{folder} has no labels.txt; classes are named by their numbers.", folder=root)
        )
        _note_white(root, masks, report)
    return ImportResult(items, labels, palette, report)


def _in_colors(
    item: ImportedImage, classes: Mapping[Color, int], report: ConversionReport
) -> ImportedImage:
    if not isinstance(item.mask, _MaskFile):
        return item
    mask = functools.partial(read_color_or_number, item.mask.image, item.mask.path, classes, report)
    return replace(item, mask=mask)


def _white_is_one(item: ImportedImage, mask: Callable[[], ImageArray]) -> ImportedImage:
    return replace(item, mask=functools.partial(white_is_one, mask))


def _note_white(
    root: Path, masks: list[Callable[[], ImageArray]], report: ConversionReport
) -> None:
    count = sum(used_values([mask]) == {0, IGNORE_INDEX} for mask in masks)
    if count:
        report.assumed(
            message(
                "{count} {count:mask|masks} in {folder} {count:holds|hold} only 0 and 255, which "
                "is ignored as others hold classes.",
                count=count,
                folder=root,
            )
        )


def _with_bare_lists(root: Path, listed: Mapping[Subset, Path]) -> dict[Subset, Path]:
    """Return the lists with those beside PaddleSeg's that name images without masks."""
    if any(path.name != f"{subset}.txt" for subset, path in listed.items()):
        return dict(listed)
    beside = {subset: root / f"{subset}.txt" for subset in SUBSETS}
    return {subset: path for subset, path in beside.items() if path.is_file()}


class _Lists:
    """Reads lists; what they name at another place is looked for inside the folder."""

    def __init__(self, root: Path, report: ConversionReport) -> None:
        self._root = root
        self._report = report
        self._index = ImageIndex(root, report)
        self._items: dict[Path, ImportedImage] = {}

    def read(self, lists: Mapping[Subset, Path]) -> list[ImportedImage]:
        masks: set[Path] = set()
        for subset, path in lists.items():
            for number, tokens in list_lines(path):
                with self._report.leaving_out():
                    if isinstance(tokens, InputError):
                        raise tokens
                    masks |= self._add(path, number, tokens, subset)
        folders = {image.parent for image in self._items}
        beside = [
            path for path in self._index.images if path.parent in folders and path not in masks
        ]
        items = list(self._items.values())
        others = photographs(beside, self._root)
        return [*items, *unlabelled(others, items, self._root, self._report)] if items else []

    def _add(self, path: Path, number: int, tokens: tuple[str, ...], subset: Subset) -> set[Path]:
        image = self._find(tokens[0], path, number, is_mask=False)
        if image in self._items:
            raise InputError(
                "{file} is listed twice; its first place counts, in the {subset} subset.",
                file=image,
                subset=self._items[image].subset,
            )
        found: set[Path] = set()
        read_mask = None
        if len(tokens) == 1:
            mask = self._own_mask(image)
            if mask is None:
                self._report.left_out(
                    message(
                        "Line {line} of {file} names an image but no mask ({image}).",
                        line=number,
                        file=path,
                        image=tokens[0],
                    )
                )
        else:
            mask = None
            with self._report.leaving_out():
                mask = self._find(tokens[1], path, number, is_mask=True)
        if mask is not None:
            found.add(mask)
            read_mask = _MaskFile(image, mask, self._report)
        self._items[image] = ImportedImage(image, read_mask, subset)
        return found

    def _own_mask(self, image: Path) -> Path | None:
        return self._by_name.get(image)

    @functools.cached_property
    def _by_name(self) -> dict[Path, Path]:
        pairs = pair_folder(self._index.images, self._root).pairs
        return {image: mask for image, mask in pairs if mask is not None}

    def _find(self, name: str, path: Path, number: int, *, is_mask: bool) -> Path:
        problem: InputError
        try:
            exact = resolve_listed(name, str(self._root), path, number)
            if is_file(exact):
                return exact
            problem = InputError(
                "The mask {file} of {list} does not exist."
                if is_mask
                else "The image {file} of {list} does not exist.",
                file=exact,
                list=path,
            )
        except InputError as error:
            problem = error
        try:
            return self._index.find(name, file=path, least=2)
        except InputError:
            raise problem from None


@dataclass(frozen=True, slots=True)
class _MaskFile:
    """Reads the mask of an image when it is called."""

    image: Path
    path: Path
    report: ConversionReport

    def __call__(self) -> ImageArray:
        size, said = image_size(self.image), image_size(self.path)
        if sorted(said) != sorted(size):  # before it is decoded: it may be a bomb
            raise size_mismatch(self.path, said, size)
        mask = read_mask(self.path)
        said = mask.shape[1], mask.shape[0]
        if said == size:
            return mask
        try:
            return canvas_of(self.image, said, file=self.path, report=self.report).upright(mask)
        except InputError as error:
            raise size_mismatch(self.path, said, size) from error


def _paired(root: Path, report: ConversionReport) -> list[ImportedImage]:
    paired = pair_layout(root)
    paired.report(report)
    items = []
    for image, mask in paired.pairs:
        if mask is None:
            note_unlabelled(image, report)
        read_mask = None if mask is None else _MaskFile(image, mask, report)
        items.append(ImportedImage(image, read_mask, subset_of_path(image, root)))
    return items


def pair_layout(folder: Path | str) -> Pairing:
    """Pair what lies in the image folder with what lies in the mask folder.

    Raises:
        InputError: one of the two is missing.
    """
    root = absolute(folder)
    images = _first_folder(root, IMAGE_FOLDERS)
    masks = _first_folder(root, MASK_FOLDERS)
    if images is None or masks is None:
        raise InputError(
            "{folder} has no lists, and no folders JPEGImages and Annotations to pair.",
            folder=root,
        )
    inside, named_masks = divide(find_images(images), root)
    return pair_masks(inside, [*find_images(masks), *named_masks], root)


def _first_folder(root: Path, names: Iterable[str]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


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
    if any(list_file(folder.root, subset).name in folder.names for subset in SUBSETS):
        return True
    if any(name.endswith("annot") for name in folder.folders):  # CamVid, with lists of its own
        return False
    names = [f"{subset}.txt" for subset in SUBSETS]
    return not folder.names.isdisjoint(names) and any(
        find_list(folder.root, subset).exists() for subset in SUBSETS
    )


def _has_pairs(folder: FolderOverview) -> bool:
    return not (folder.folders.isdisjoint(IMAGE_FOLDERS) or folder.folders.isdisjoint(MASK_FOLDERS))


FORMAT = Format(
    key="seg",
    title=message("PaddleX SEG folder (labels.txt and lists)"),
    read=lambda path, options: read(path, colors=options.colors),
    write=write,
    options=frozenset({"colors"}),
    folder={Evidence.LAYOUT: _has_list, Evidence.FOLDER_NAMES: _has_pairs},
)
