"""What all writers share: a new folder, copied images with names of their own, masks to write."""

from __future__ import annotations

import contextlib
import shutil
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


def labelled_images(result: ImportResult, report: ConversionReport) -> Iterator[LabelledImage]:
    """Yield the images that have a usable mask; ``report`` names the others.

    Raises:
        InputError: there is none.
    """
    taken: set[str] = set()
    for item in result.items:
        mask = None
        with report.leaving_out():
            mask = _usable_mask(item, len(result.labels))
        if mask is not None:
            name = free_name(item.image_path.stem, taken)
            subset = item.subset or "train"
            yield LabelledImage(item.image_path, mask, name, subset, item.shapes)
    report.require(taken, InputError("There is no image with a mask to write."))


def _usable_mask(item: ImportedImage, num_classes: int) -> ImageArray:
    if item.mask is None:
        raise InputError("{file} has no mask and is left out.", file=item.image_path)
    mask = item.mask()
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
