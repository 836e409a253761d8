"""Masks in colours: each class has one, and a table, VOC's palette or the user says which.

The table stands in the folder (``color_tables``) or is given. Where there is none, the colours
that occur are found out, so that they can be named.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.class_names import BACKGROUND, IGNORE_NAME, check_names, is_background, read_names
from core.data.formats.color_tables import (
    ColorTable,
    color_text,
    find_color_table,
    read_color_table,
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
    read_color_mask,
    read_sized_mask,
)
from core.data.formats.pairing import pair_folder, unlabelled
from core.data.formats.parsing import subset_of_path
from core.datasets import LABELS_FILE
from core.images.equal_channels import equal_channels
from core.images.io import IGNORE_INDEX, ImageArray, read_image
from core.images.palette import Color
from core.system.errors import InputError
from core.system.files import open_regular
from core.system.messages import message

BLACK: Color = (0, 0, 0)
MAX_COLORS = 255
_NEAR = 6
"""Difference of channels between a colour and what lossy or smoothed saving makes of it."""
_SURELY_MEANT = 40
"""So many colours are taken as they are, however near they lie."""
_LOOKED_AT = 8
_ROWS = 256
_VOC_SURE = 22
"""VOC's first colours, one for each of its classes and one more."""
_NAMES_FILES = (LABELS_FILE, "class_names.txt", "classes.txt")

Pairs = Sequence[tuple[Path, Path]]
"""Images with their masks."""


@dataclass(frozen=True, slots=True)
class FoundColor:
    """A colour of masks: its share of all pixels (0 … 1), and the image where it covers most."""

    color: Color
    share: float
    masks: int
    example: Path


class UnnamedColorsError(InputError):
    """Nothing says which classes the colours of a folder's masks are.

    Attributes:
        colors: what was found, the most frequent first.
    """

    colors: tuple[FoundColor, ...] = ()


@dataclass(frozen=True, slots=True)
class ColoredMasks:
    """What colours were taken for: a label map for each pair, class names and their colours."""

    masks: list[Callable[[], ImageArray]]
    names: list[str]
    colors: list[Color]


def read(folder: Path | str, *, colors: Mapping[Color, str] | None = None) -> ImportResult:
    """Read images with masks in colours, in pairs as ``index_masks`` finds them.

    Args:
        folder: with images and masks.
        colors: class of each colour; None: as a file of the folder, or VOC's palette, has it.

    Raises:
        UnnamedColorsError: no table, and the colours are not VOC's.
        InputError: no such folder, no image with a mask, or colours as lossy saving makes them.
    """
    root = require_folder(folder)
    paired = pair_folder(find_images(root), root)
    pairs = [(image, mask) for image, mask in paired.pairs if mask is not None]
    if not pairs:
        raise InputError(
            "{folder} holds no images with masks: a mask has the name of its image and ends with"
            " _mask, or lies in a folder called masks.",
            folder=root,
        )
    report = ConversionReport()
    paired.report(report)
    read_masks = masks_by_color(root, pairs, colors, report)
    items = [
        ImportedImage(image, mask, subset_of_path(image, root))
        for (image, _), mask in zip(pairs, read_masks.masks, strict=True)
    ]
    items += unlabelled([image for image, _ in paired.pairs], items, root, report)
    return ImportResult(items, read_masks.names, read_masks.colors, report)


def masks_by_color(
    root: Path, pairs: Pairs, given: Mapping[Color, str] | None, report: ConversionReport
) -> ColoredMasks:
    """Find out what the colours of masks mean; masks of one channel hold class numbers.

    Args:
        root: folder whose files may say it.
        pairs: images with their masks, at least one.
        given: class of each colour; None: as the files say.
        report: told what was assumed.

    Raises:
        UnnamedColorsError: nobody says it.
        InputError: a damaged table, or colours as lossy saving makes them.
    """
    in_colors = [pair for pair in pairs if has_channels(pair[1])]
    table = color_table_of(root, in_colors, given, report)
    names = class_names_of(root, table)
    values = {name: index for index, name in enumerate(names)} | {IGNORE_NAME: IGNORE_INDEX}
    classes = {color: values[name] for color, name in table.items()}
    if len(in_colors) < len(pairs):
        report.assumed(
            message(
                "{count} {count:mask|masks} in {folder} {count:has|have} one channel; their "
                "values are taken as class numbers unless their palette has the colours of the "
                "classes.",
                count=len(pairs) - len(in_colors),
                folder=root,
            )
        )
    colored = {mask for _, mask in in_colors}
    masks: list[Callable[[], ImageArray]] = [
        functools.partial(
            read_color_mask if mask in colored else _read_single, image, mask, classes
        )
        for image, mask in pairs
    ]
    palette = {name: color for color, name in reversed(table.items())}
    return ColoredMasks(masks, names, [palette[name] for name in names])


def colors_among_numbers(
    root: Path,
    pairs: Pairs,
    names: Sequence[str] | None,
    given: Mapping[Color, str] | None,
    report: ConversionReport,
) -> tuple[list[str], dict[Color, int]] | None:
    """Find out what colours mean in a folder whose masks should hold class numbers.

    Args:
        root: folder whose files may say it.
        pairs: images with their masks.
        names: class names that the folder gives to numbers; None: the colours' own.
        given: class of each colour; None: as the files say.
        report: told what was assumed.

    Returns:
        Class names, those of colours alone behind ``names``, and the class of each colour. None
        where no mask is in colours, or nobody says what those few mean that are.

    Raises:
        UnnamedColorsError: all masks are in colours, and nobody says what they mean.
        InputError: a damaged table, or colours as lossy saving makes them.
    """
    in_colors = [pair for pair in pairs if is_colored(pair[1])]
    is_said = given is not None or find_color_table(root) is not None
    if not in_colors or (not is_said and len(in_colors) < len(pairs)):
        return None
    table = color_table_of(root, in_colors, given, report)
    all_names = list(names or class_names_of(root, table))
    classes = {IGNORE_NAME: IGNORE_INDEX}
    classes |= {name.casefold(): index for index, name in reversed([*enumerate(all_names)])}
    for name in table.values():
        key = name.casefold()
        if key not in classes and is_background(name) and is_background(all_names[0]):
            classes[key] = 0
        elif key not in classes:
            classes[key] = len(all_names)
            all_names.append(name)
    check_names(root, all_names)
    return all_names, {color: classes[name.casefold()] for color, name in table.items()}


def read_color_or_number(
    image: Path, mask: Path, colors: Mapping[Color, int], report: ConversionReport
) -> ImageArray:
    """Read a mask of a folder that may hold both: colours where they are classes, else numbers.

    Raises:
        InputError: as ``read_color_mask`` and ``read_sized_mask``.
    """
    if has_channels(mask) and (is_colored(mask) or _has_only(mask, colors)):
        return read_color_mask(image, mask, colors, report=report)
    return read_sized_mask(image, mask, report=report)


def _has_only(mask: Path, colors: Mapping[Color, int]) -> bool:
    """Whether a mask is grey in the greys that are colours of classes."""
    return all(_color_of(code) in colors for code in _color_counts(mask))


def _read_single(image: Path, mask: Path, classes: Mapping[Color, int]) -> ImageArray:
    """Read a mask of one channel: by its palette where that has the colours, else by numbers."""
    values = read_sized_mask(image, mask)
    used = np.flatnonzero(np.bincount(values.ravel(), minlength=256))
    try:
        with open_regular(mask) as file, Image.open(file) as opened:
            has_palette = opened.mode == "P"
    except OSError:
        has_palette = False
    if has_palette:
        palette = mask_palette(mask, 256)
        if all(palette[value] in classes for value in used.tolist()):
            lut = np.zeros(256, np.uint8)
            lut[used] = [classes[palette[value]] for value in used.tolist()]
            return np.asarray(lut[values], np.uint8)
    return values


def class_names_of(root: Path, table: Mapping[Color, str]) -> list[str]:
    """Return the classes in the order of the table, the background first."""
    names = list(dict.fromkeys(name for name in table.values() if name != IGNORE_NAME))
    names.sort(key=lambda name: not is_background(name))
    check_names(root, names)
    return names


def color_table_of(
    root: Path, in_colors: Pairs, given: Mapping[Color, str] | None, report: ConversionReport
) -> ColorTable:
    """Return what the colours of masks mean: as ``given``, as the files say, or by VOC's palette.

    Raises:
        UnnamedColorsError: nobody says it.
        InputError: a damaged table, or colours as lossy saving makes them.
    """
    if given is not None:
        return dict(given)
    path = find_color_table(root)
    table = read_color_table(path) if path is not None else {}
    if BLACK in table or any(is_background(name) for name in table.values()):
        return table
    found = find_colors(root, in_colors)
    used = {one.color for one in found}
    if path is not None:
        if BLACK in used:
            report.assumed(
                message(
                    "Black in the masks of {folder}, which {file} does not name, is taken as the"
                    " background.",
                    folder=root,
                    file=path,
                )
            )
            return {BLACK: BACKGROUND} | table
        return table
    names_path = next((root / name for name in _NAMES_FILES if (root / name).is_file()), None)
    names = read_names(names_path) if names_path is not None else None
    count = len(names) if names is not None else _VOC_SURE
    palette = voc_palette(count)
    known = voc_colors(palette)
    if not used <= known.keys():
        raise _unnamed(root, found)
    if names is None:
        last = max((known[color] for color in used if known[color] != IGNORE_INDEX), default=0)
        names = [BACKGROUND, *(str(index) for index in range(1, last + 1))]
    report.assumed(
        message(
            "The colours of the masks in {folder} are those of Pascal VOC's palette; they are"
            " taken as the classes {first} … {last} in its order.",
            folder=root,
            first=names[0],
            last=names[-1],
        )
    )
    border = {color: IGNORE_NAME for color, value in known.items() if value == IGNORE_INDEX}
    return dict(zip(palette, names, strict=False)) | border


def _unnamed(root: Path, found: Sequence[FoundColor]) -> UnnamedColorsError:
    shown = "; ".join(f"{color_text(one.color)} ({100 * one.share:.1f} %)" for one in found[:12])
    error = UnnamedColorsError(
        message(
            "The masks in {folder} are in {count} {count:colour|colours}, and no file says which "
            "class each is: {colors}. Name them, one on each line such as crack:255,0,0, in "
            "labelmap.txt or in a file for --colors (__ignore__ for pixels to be ignored).",
        ).template,
        folder=root,
        count=len(found),
        colors=shown + (" …" if len(found) > 12 else ""),
    )
    error.colors = tuple(found)
    return error


def find_colors(root: Path, pairs: Pairs) -> list[FoundColor]:
    """Return the colours of masks, the most frequent first; unreadable masks are passed over.

    Raises:
        InputError: more than there can be classes, or so many nearly equal ones that the masks
            were saved with loss or with smoothed edges.
    """
    totals: dict[int, int] = {}
    masks: dict[int, int] = {}
    best: dict[int, tuple[float, Path]] = {}
    for image, mask in pairs:
        try:
            counts = _color_counts(mask)
        except InputError:
            continue  # the import reports it when it asks for this mask
        pixels = max(sum(counts.values()), 1)
        for code, count in counts.items():
            totals[code] = totals.get(code, 0) + count
            masks[code] = masks.get(code, 0) + 1
            if code not in best or count / pixels > best[code][0]:
                best[code] = count / pixels, image
        _refuse_noise(root, mask, list(totals))
    everything = max(sum(totals.values()), 1)
    return [
        FoundColor(_color_of(code), totals[code] / everything, masks[code], best[code][1])
        for code in sorted(totals, key=lambda code: (-totals[code], code))
    ]


def _color_counts(mask: Path) -> dict[int, int]:
    bgr = read_image(mask, full_range=True)
    found: dict[int, int] = {}
    for start in range(0, len(bgr), _ROWS):  # all at once takes 30 bytes a pixel
        part = bgr[start : start + _ROWS].astype(np.uint32)
        codes, counts = np.unique(
            part[..., 2] << 16 | part[..., 1] << 8 | part[..., 0], return_counts=True
        )
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            found[code] = found.get(code, 0) + count
        if len(found) > 20 * MAX_COLORS:
            break  # a photograph has millions
    return found


def _refuse_noise(root: Path, mask: Path, codes: Sequence[int]) -> None:
    """Refuse colours that no one chose: they lie around those that were, as JPEG leaves them."""
    if len(codes) <= _SURELY_MEANT:
        return
    colors = np.array([_color_of(code) for code in codes[: 4 * MAX_COLORS]], np.int32)
    distances = np.abs(colors[:, None] - colors[None]).max(axis=-1)
    np.fill_diagonal(distances, 256)
    near = int((distances.min(axis=1) <= _NEAR).sum())
    if 2 * near > len(colors):
        raise InputError(
            "The masks in {folder} hold {count} {count:colour|colours}, most of them nearly equal "
            "to another (see {file}): they were saved with loss, as JPEG does, or with smoothed "
            "edges. Save them anew as PNG from the program that made them.",
            folder=root,
            count=len(codes),
            file=mask,
        )
    if len(codes) > MAX_COLORS:
        raise InputError(
            "The masks in {folder} hold more than {count} colours; each class needs one, and there"
            " can be at most 255 classes.",
            folder=root,
            count=MAX_COLORS,
        )


def _color_of(code: int) -> Color:
    return code >> 16, code >> 8 & 255, code & 255


def _has_color_masks(folder: FolderOverview) -> bool:
    pairs = pair_folder(find_images(folder.root), folder.root).pairs
    masks = [mask for _, mask in pairs if mask is not None]
    return any(is_colored(mask) for mask in masks[:_LOOKED_AT])


def is_colored(mask: Path) -> bool:
    """Whether a mask has channels that differ; False for what is unreadable."""
    if not has_channels(mask):
        return False
    try:
        with open_regular(mask) as file, Image.open(file) as image:
            return equal_channels(image) is None
    except Exception:  # decoders of damaged files raise anything; reading the mask tells
        return False


FORMAT = Format(
    key="color-masks",
    title=message("Images with masks in colours"),
    read=lambda path, options: read(path, colors=options.colors),
    options=frozenset({"colors"}),
    folder={Evidence.COLORS: _has_color_masks},
)
