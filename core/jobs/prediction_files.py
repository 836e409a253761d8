"""Where predictions go, and what may not be written over; needs no engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.system.errors import InputError

_MASK_SUFFIX = ".png"
_OVERLAY_SUFFIX = "_overlay.jpg"


def prediction_paths(images: Sequence[Path], out_dir: Path) -> list[Path]:
    """A PNG for each image, named after it; equal names get a number."""
    taken: set[str] = set()
    paths = []
    for image in images:
        name, number = image.stem, 1
        while name.lower() in taken:
            number += 1
            name = f"{image.stem}_{number}"
        taken.add(name.lower())
        paths.append(out_dir / (name + _MASK_SUFFIX))
    return paths


def overlay_path(mask: Path) -> Path:
    """``NAME_overlay.jpg`` beside the mask ``NAME.png``."""
    return mask.with_name(mask.stem + _OVERLAY_SUFFIX)


def check_targets(targets: Iterable[Path], images: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse to write over files, and always over the images themselves.

    Raises:
        InputError: names the first file, folder or broken link in the way.
    """
    sources = {image.resolve() for image in images}
    for target in targets:
        if target.is_symlink() and not target.exists():
            raise InputError(
                "{file} is a link to what is not there: remove it, or choose another output "
                "folder.",
                file=target,
            )
        if not target.exists():
            continue
        if target.is_dir():
            raise InputError("{file} is a folder: choose another output folder.", file=target)
        if target.resolve() in sources:
            raise InputError(
                "{file} is one of the images themselves: choose another output folder.",
                file=target,
            )
        if not overwrite:
            raise InputError(
                "{file} already exists: choose another output folder, or replace what is there "
                "with --overwrite.",
                file=target,
            )
