"""All images of a data folder that cannot be read, not only the first that a job meets."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.datasets import Item, open_data_folder
from core.images.io import read_image, read_mask
from core.system.errors import FilesError, InputError, UnreadableFilesError, named


def name_all(
    error: FilesError, data_dir: Path, *, check: Callable[[], object] = lambda: None
) -> FilesError:
    """Return an error that names every image of a data folder that cannot be read.

    Takes as long as reading all images and masks once. The images are the error's ``files``, those
    whose masks cannot be read among them.

    Args:
        error: of one of them; comes back where the folder's images are not what it is about.
        data_dir: in SEG layout.
        check: called often; what it raises ends the look.
    """
    try:
        data = open_data_folder(data_dir)
    except InputError:
        return error
    items = list(dict.fromkeys(item for one in data.subsets.values() for item in one))
    if not {path for item in items for path in item} & set(error.files):
        return error
    broken: list[Path] = []
    images: list[Path] = []
    pool = ThreadPoolExecutor(thread_name_prefix="broken")  # decoders leave the interpreter
    try:
        for item, file in zip(items, pool.map(_broken_file, items), strict=True):
            check()
            if file is not None:
                broken.append(file)
                images.append(item.image)
    finally:
        pool.shutdown(cancel_futures=True)
    if len(broken) < 2:
        return error
    return UnreadableFilesError(
        "Files cannot be read ({count}): {names}. Replace them, or leave them out.",
        count=len(broken),
        names=named(broken),
        files=images,
    )


def _broken_file(item: Item) -> Path | None:
    try:
        read_mask(item.mask)
    except InputError:
        return item.mask
    try:
        read_image(item.image)
    except InputError:
        return item.image
    return None
