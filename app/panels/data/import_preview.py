"""What an import would bring in, read in the background; free of widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.look.translation import tr, trn
from app.services.background import Progress
from core.data.formats import ConversionReport, ImportResult, registry
from core.data.formats.color_masks import FoundColor, UnnamedColorsError
from core.data.formats.detection import IMAGES_ONLY, detect_format
from core.data.formats.format import ReadOptions
from core.data.formats.image_index import find_images
from core.data.formats.left_aside import note_left_aside
from core.images.palette import Color
from core.system.errors import InputError
from core.system.messages import Message


@dataclass(frozen=True, slots=True)
class Preview:
    """A folder or file in its format; ``result`` is None where there are images only.

    ``remarks`` is what the reader has to say.
    ``unnamed`` are the colours of masks that have to be named before there can be a result.
    """

    folder: Path
    format: str
    result: ImportResult | None
    images: list[Path]
    remarks: list[Message] = field(default_factory=list)
    unnamed: tuple[FoundColor, ...] = ()

    @property
    def crowds(self) -> int:
        """How many annotations mark a crowd (COCO's iscrowd)."""
        return 0 if self.result is None else self.result.crowds

    def summary(self) -> str:
        """How many images and masks there are, and in which subsets."""
        parts = [trn("{count} image", "{count} images", len(self.images))]
        if self.result is not None:
            items = self.result.items
            masks = sum(item.mask is not None for item in items)
            parts.append(trn("{count} mask", "{count} masks", masks))
            for subset, name in (
                ("train", tr("Training")),
                ("val", tr("Validation")),
                ("test", tr("Test")),
            ):
                count = sum(item.subset == subset for item in items)
                if count:
                    parts.append(f"{name} {count:,}")
        return " · ".join(parts)


def read_preview(
    folder: Path,
    chosen: str | None,
    scratch: Path,
    progress: Progress,
    *,
    colors: Mapping[Color, str] | None = None,
) -> Preview:
    """Read a folder or file in the ``chosen`` format, else in the one it is recognised to be in.

    Args:
        folder: what to read.
        chosen: key of a format, or None.
        scratch: where images go that exist only inside annotation files.
        progress: told nothing; ends the reading when it is cancelled.
        colors: class of each colour of masks in colours, once they were named.

    Raises:
        InputError: it cannot be read, or there is nothing in it.
    """
    found = chosen or detect_format(folder)
    progress.check()
    if found == IMAGES_ONLY:
        images = find_images(folder, check=progress.check)
        if not images:
            raise InputError("There is no image in {folder}; choose another one.", folder=folder)
        report = ConversionReport()
        note_left_aside(folder, report, check=progress.check)
        return Preview(folder, found, None, images, report.messages)
    # Images inside labelme's files go to the project only when the import is wanted.
    try:
        result = registry.read(found, folder, ReadOptions(extract_to=scratch, colors=colors))
    except UnnamedColorsError as error:
        return Preview(folder, found, None, [], unnamed=error.colors)
    progress.check()
    if not result.items:
        raise InputError("There is nothing to import in {folder}.", folder=folder)
    images = [item.image_path for item in result.items]
    return Preview(folder, found, result, images, result.report.messages)
