"""Images that a command was given: files, and what lies in folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.system.errors import InputError


def find_images(paths: Iterable[Path], *, also: frozenset[str] = frozenset()) -> list[Path]:
    """Return the images named, and those inside folders named, each once, absolute.

    Args:
        paths: files and folders.
        also: other suffixes that are looked for in folders.

    Raises:
        InputError: a path does not exist, or there is no image at all.
    """
    from natsort import natsorted

    from core.images.io import IMAGE_SUFFIXES
    from core.system.errors import InputError
    from core.system.folders import is_hidden

    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            everything = list(path.iterdir())
            visible = [one for one in everything if not is_hidden(one.name)]
            inside = natsorted(
                (one for one in visible if one.suffix.lower() in IMAGE_SUFFIXES | also), key=str
            )
            _tell_unread(one for one in visible if one.suffix.lower() not in also)
            _tell_hidden(one for one in everything if is_hidden(one.name))
            if not inside:
                raise InputError("There are no images in {folder}.", folder=path)
            found.update(dict.fromkeys(one.absolute() for one in inside))
        elif path.is_file():
            found[path.absolute()] = None
        else:
            raise InputError("The image {file} does not exist.", file=path)
    return list(found)


def _tell_unread(files: Iterable[Path]) -> None:
    """Warn of pictures in formats that are not read."""
    from core.cli.console import err
    from core.images.io import UNREAD_SUFFIXES
    from core.portable.sources import VIDEO_SUFFIXES
    from core.system.messages import message

    unread = sorted(one for one in files if one.suffix.lower() in UNREAD_SUFFIXES)
    if unread:
        text = message(
            "warning: {count} {count:file is|files are} in formats that are not read, such as "
            "{file}",
            count=len(unread),
            file=unread[0].name,
        )
        err().print(str(text), markup=False)
    if any(one.suffix.lower() in VIDEO_SUFFIXES for one in unread):
        err().print("exported models take videos, with --judge", markup=False)


def _tell_hidden(files: Iterable[Path]) -> None:
    """Say how many hidden files were passed over that are called as images are."""
    from core.cli.console import err
    from core.images.io import IMAGE_SUFFIXES
    from core.system.messages import message

    images = sorted(one for one in files if one.suffix.lower() in IMAGE_SUFFIXES)
    if images:
        text = message(
            "{count} hidden {count:file is|files are} passed over, such as {file}; name one itself "
            "to have it predicted",
            count=len(images),
            file=images[0].name,
        )
        err().print(str(text), markup=False)


def usable_images(images: list[Path]) -> tuple[list[Path], list[dict[str, str]]]:
    """Return the images whose names jobs can be told; warns of the others.

    Returns:
        The images, and the others as ``failed`` of the job's result has them.

    Raises:
        InputError: there is none.
    """
    from core.cli.console import err
    from core.system.folders import is_utf8
    from core.system.messages import printable

    usable = [image for image in images if is_utf8(image)]
    other = [image for image in images if not is_utf8(image)]
    if other and not usable:
        raise _misnamed(other[0])
    failed = []
    for image in other:
        name = printable(str(image))
        err().print(f"warning: {name} is left out: its name is not UTF-8; rename it", markup=False)
        failed.append({"image": name, "problem": str(_misnamed(image))})
    return usable, failed


def _misnamed(image: Path) -> InputError:
    from core.system.errors import InputError

    return InputError("The name of {file} is not UTF-8; rename it.", file=image)
