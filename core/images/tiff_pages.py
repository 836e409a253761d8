"""How many images a TIFF file holds: only the first one is ever read."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from core.images.headers import import_tifffile

_SUFFIXES = (".tif", ".tiff")
_MOST = 10_000


def count_pages(path: Path | str) -> int:
    """Return the number of full images in a TIFF file, at most 10 000; 1 for anything else.

    Smaller copies of an image and transparency masks, which TIFF keeps as pages too, do not count.
    """
    file = Path(path)
    if file.suffix.lower() not in _SUFFIXES:
        return 1
    try:
        with import_tifffile().TiffFile(file) as tiff:
            pages = islice(tiff.pages, _MOST)
            return max(1, sum(not (page.is_reduced or page.is_mask) for page in pages))
    except Exception:  # damage that readers of the first page may well put up with
        return 1
