"""What files and folders hold that somebody points at: images, or labels with their images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.formats.detection import IMAGES_ONLY, detect_format
from core.data.formats.image_index import find_images
from core.images.io import IMAGE_SUFFIXES
from core.system.errors import InputError


@dataclass(frozen=True, slots=True)
class FoundData:
    """What was found.

    Attributes:
        images: files, each once.
        labelled: folders or annotation files that an import has to look at.
        left: what is neither.
    """

    images: tuple[Path, ...]
    labelled: tuple[Path, ...]
    left: tuple[Path, ...]


def find_data(sources: Sequence[Path], *, check: Callable[[], object] = lambda: None) -> FoundData:
    """Look at files and folders.

    Args:
        sources: what somebody points at.
        check: called again and again; may raise to stop.
    """
    images: dict[Path, None] = {}
    labelled: list[Path] = []
    left: list[Path] = []
    for source in sources:
        check()
        if source.is_file() and source.suffix.lower() in IMAGE_SUFFIXES:
            images[source] = None
            continue
        try:
            has_labels = detect_format(source) != IMAGES_ONLY
            found = [] if has_labels else find_images(source, check=check)
        except InputError:
            left.append(source)
            continue
        if has_labels:
            labelled.append(source)
        elif found:
            images.update(dict.fromkeys(found))
        else:
            left.append(source)
    return FoundData(tuple(images), tuple(labelled), tuple(left))
