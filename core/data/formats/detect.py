"""Which format a folder or file is in."""

from __future__ import annotations

import codecs
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from core.data.formats import cityscapes, eiseg, index_masks, voc, yolo
from core.data.formats.paddlex_seg import IMAGE_FOLDERS, MASK_FOLDERS
from core.data.formats.untrusted import find_images
from core.datasets import SUBSETS, list_file
from core.system.errors import InputError
from core.system.files import open_regular

__all__ = ["IMAGES_ONLY", "detect_format", "find_images"]

IMAGES_ONLY = "images"
"""What ``detect_format`` says where there are no annotations."""

_LOOKED_AT = 50
_HEAD_BYTES = 65536
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")


def detect_format(path: Path | str) -> str:
    """Tell a folder's or file's format by its files: a key of ``FORMATS``.

    Returns:
        The key, or ``IMAGES_ONLY`` for a folder where nothing fits.

    Raises:
        InputError: it does not exist, cannot be listed, or is a file in no known format.
    """
    source = Path(path)
    if source.is_file():
        return _detect_file(source)
    try:
        names = {entry.name for entry in source.iterdir()}
    except OSError as error:
        raise InputError(
            "The folder {folder} cannot be read: {reason}.",
            folder=source,
            reason=error.strerror or error,
        ) from error
    return _by_names(source, names) or _by_content(source) or _by_masks(source)


def _by_names(root: Path, names: set[str]) -> str | None:
    if any(list_file(root, subset).name in names for subset in SUBSETS):
        return "seg"
    if not names.isdisjoint(voc.MASK_FOLDERS) and "JPEGImages" in names:
        return "voc"
    if cityscapes.IMAGES in names and not names.isdisjoint(cityscapes.MASKS):
        return "cityscapes"
    if not names.isdisjoint(yolo.DATA_FILES):
        return "yolo"
    return None


def _by_content(root: Path) -> str | None:
    """Look into the first JSON and XML files, and for EISeg's and YOLO's text files."""
    kinds = set()
    for path in itertools.islice(_files(root, (".json", ".xml")), _LOOKED_AT):
        kinds.add(_kind_of_file(path))
    lists = {path.name for path in itertools.islice(_files(root, (".txt",)), _LOOKED_AT)}
    if eiseg.LABEL_LIST in lists or "eiseg" in kinds:
        return "eiseg"
    for kind in ("coco", "cvat", "labelme"):
        if kind in kinds:
            return kind
    return None


def _by_masks(root: Path) -> str:
    folders = {entry.name for entry in root.iterdir() if entry.is_dir()}
    has_text = next(_files(root / "labels", (".txt",)), None) is not None
    if has_text and not folders.isdisjoint(IMAGE_FOLDERS):
        return "yolo"
    if not folders.isdisjoint(IMAGE_FOLDERS) and not folders.isdisjoint(MASK_FOLDERS):
        return "seg"
    return "masks" if index_masks.find_mask_pairs(root) else IMAGES_ONLY


def _detect_file(path: Path) -> str:
    kind = _kind_of_file(path)
    if kind == "archive":
        raise InputError("{file} is an archive; unpack it and choose its folder.", file=path)
    if kind is None or kind == "eiseg":
        raise InputError(
            "{file} is no annotation file of many images in a known format; choose its folder.",
            file=path,
        )
    return kind


def _kind_of_file(path: Path) -> str | None:
    """Tell by the beginning of a file; labelme writes its shapes before the image data."""
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    head = _as_utf8(head)
    if head.startswith(_ARCHIVES):
        return "archive"
    if path.suffix.lower() == ".xml":
        return "cvat" if b"<annotations" in head else None
    if path.suffix.lower() != ".json":
        return None
    if b'"shapes"' in head or b'"imageData"' in head:  # in alphabetical order, the image is first
        return "labelme"
    if b'"labelIdx"' in head and head.lstrip().startswith(b"["):
        return "eiseg"
    return "coco" if _is_coco(path, head) else None


def _as_utf8(head: bytes) -> bytes:
    """Return the beginning of a text without its mark, UTF-16 as UTF-8."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "ignore").encode()
    return head.removeprefix(codecs.BOM_UTF8)


def _is_coco(path: Path, head: bytes) -> bool:
    """COCO's lists are long and come in any order, so two of their names may be far apart."""
    keys = (b'"images"', b'"annotations"', b'"categories"')
    if not head.lstrip().startswith(b"{") or not any(key in head for key in keys):
        return False
    try:
        with open_regular(path) as file:
            file.seek(-min(_HEAD_BYTES, path.stat().st_size), os.SEEK_END)
            tail = file.read()
    except OSError:
        return False
    if b"\0" in tail:  # UTF-16
        tail = tail.replace(b"\0", b"")
    markers = (*keys, b'"segmentation"', b'"file_name"', b'"image_id"')
    return sum(key in head or key in tail for key in markers) >= 2


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if name.lower().endswith(suffixes))
