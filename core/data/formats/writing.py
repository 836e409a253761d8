"""What all writers share: a new folder, copied images with names of their own, masks to write."""

from __future__ import annotations

import contextlib
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.class_names import is_background
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.image_index import checked_size
from core.data.formats.import_result import ImportedImage, ImportedShape, ImportResult
from core.datasets import Subset
from core.images.io import IGNORE_INDEX, ImageArray
from core.system.errors import InputError
from core.system.files import replace_folder_atomic
from core.system.messages import message

_NAME_BYTES = 255  # of one name on the disks of today
_MOST = 999_999  # images of one name
_ENDING = f"_{_MOST}.json"


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image to write: ``name`` is its file name without suffix, no other image has it.

    ``shapes`` is the image's, as far as the mask shows them.
    """

    image: Path
    mask: ImageArray
    name: str
    subset: Subset
    shapes: Callable[[], Sequence[ImportedShape]] | None = None

    @property
    def file_name(self) -> str:
        """Name of the copied image."""
        return f"{self.name}{self.image.suffix}"


def free_folder(folder: Path | str) -> Path:
    """Return the absolute path of a folder that is new or empty.

    Raises:
        InputError: it is neither.
    """
    target = Path(folder).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError("{folder} is not empty; choose a new or an empty folder.", folder=target)
    return target


@contextlib.contextmanager
def new_folder(folder: Path | str) -> Iterator[Path]:
    """Fill a new or empty folder; nothing of it is left if the block raises.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    target = free_folder(folder)
    with replace_folder_atomic(target) as partial:
        yield partial


def labelled_images(
    result: ImportResult, report: ConversionReport, *, ending: str = _ENDING
) -> Iterator[LabelledImage]:
    """Yield the images that have a usable mask; ``report`` names the others.

    Args:
        result: images with masks.
        report: told what is left out, and which names had to change.
        ending: the longest that a writer puts behind a name.

    Raises:
        InputError: there is none.
    """
    taken: set[str] = set()
    for item in result.items:
        if item.mask is None:
            report.alike(
                "left out",
                message(
                    "{count} {count:image has|images have} no mask and {count:is|are} left out "
                    "(the first is {file})."
                ),
                item.image_path,
            )
            continue
        mask = None
        with report.leaving_out():
            mask = _usable_mask(item, item.mask, len(result.labels))
        if mask is not None:
            longest = max(ending, f"_{_MOST}{item.image_path.suffix}", key=len)
            stem = safe_stem(item.image_path, report, room=_NAME_BYTES - len(longest))
            name = free_name(stem, taken)
            subset = item.subset or "train"
            yield LabelledImage(item.image_path, mask, name, subset, item.shapes)
    report.require(taken, InputError("There is no image with a mask to write."))


def safe_stem(image: Path, report: ConversionReport, *, room: int) -> str:
    """Return a name without suffix that every format can hold: text, and at most ``room`` bytes."""
    readable = "".join(_readable(char) for char in image.stem).strip() or "image"
    if readable != image.stem:
        report.alike(
            "changed",
            message(
                "{count} {count:name is|names are} not UTF-8, or {count:holds|hold} tabs, line "
                "breaks or spaces at their ends; {count:it is|they are} written otherwise (the "
                "first is {file})."
            ),
            image,
        )
    short = readable.encode()[:room].decode("utf-8", "ignore")
    if short != readable:
        report.alike(
            "changed",
            message(
                "{count} {count:name is|names are} too long for this format and {count:is|are} "
                "shortened (the first is {file})."
            ),
            image,
        )
    return short


def _readable(char: str) -> str:
    """Return a character of a name, or what stands for one that lists and JSON cannot hold."""
    if 0xD800 <= ord(char) <= 0xDFFF:
        return f"%{ord(char) & 0xFF:02X}"  # a byte that is not UTF-8
    return "_" if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char


def _usable_mask(
    item: ImportedImage, read_mask: Callable[[], ImageArray], num_classes: int
) -> ImageArray:
    mask = read_mask()
    # What is copied must be an image: a project from elsewhere may name any file.
    checked_size(item.image_path, (mask.shape[1], mask.shape[0]), file=item.image_path)
    highest = int(mask[mask != IGNORE_INDEX].max(initial=0))
    if highest >= max(num_classes, 1):
        raise InputError(
            "The mask of {file} holds {value}, which is no class; it is left out.",
            file=item.image_path,
            value=highest,
        )
    return mask


def free_name(stem: str, taken: set[str]) -> str:
    """Return ``stem``, with a number if another file has it already."""
    name, number = stem, 1
    while name.casefold() in taken:  # some file systems do not tell A from a
        number += 1
        name = f"{stem}_{number}"
    taken.add(name.casefold())
    return name


def copy_image(item: LabelledImage, folder: Path, name: str | None = None) -> Path:
    """Copy an image as it is; returns where."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (name or item.file_name)
    shutil.copyfile(item.image, target)
    return target


def first_class(labels: list[str]) -> int:
    """Return the first index that formats without a background name: 1 if 0 is background."""
    return int(bool(labels) and is_background(labels[0]))
