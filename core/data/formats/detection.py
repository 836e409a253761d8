"""Which format a folder or file is in: the formats are asked, the surest answer counts."""

from __future__ import annotations

import functools
from pathlib import Path

from core.data.formats.format import AnnotationFile, Evidence, FileHead, FolderOverview
from core.data.formats.registry import READABLE
from core.system.errors import InputError

IMAGES_ONLY = "images"
"""What ``detect_format`` says where there are no annotations."""

_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")
_FILES: dict[str, AnnotationFile] = {one.key: one.file for one in READABLE if one.file is not None}


def detect_format(path: Path | str) -> str:
    """Tell a folder's or file's format by its files: a key of ``FORMATS``.

    Returns:
        The key, or ``IMAGES_ONLY`` for a folder where nothing fits.

    Raises:
        InputError: it does not exist, cannot be listed, or is a file in no known format.
    """
    source = Path(path)
    return _detect_file(source) if source.is_file() else _detect_folder(FolderOverview(source))


def _detect_folder(folder: FolderOverview) -> str:
    formats_of_files = functools.cache(lambda: _formats_of_files(folder))
    for evidence in sorted(Evidence, reverse=True):
        for one in READABLE:
            test = one.folder.get(evidence)
            if test is not None and test(folder):
                return one.key
            has_files = one.file is not None and one.file.evidence == evidence
            if has_files and one.key in formats_of_files():
                return one.key
    return IMAGES_ONLY


def _formats_of_files(folder: FolderOverview) -> set[str | None]:
    suffixes = {suffix for file in _FILES.values() for suffix in file.suffixes}
    return {_format_of_file(FileHead.of(path)) for path in folder.files(suffixes)}


def _detect_file(path: Path) -> str:
    head = FileHead.of(path)
    if head is not None and head.data.startswith(_ARCHIVES):
        raise InputError("{file} is an archive; unpack it and choose its folder.", file=path)
    key = _format_of_file(head)
    if key is None or not _FILES[key].is_source:
        raise InputError(
            "{file} is no annotation file of many images in a known format; choose its folder.",
            file=path,
        )
    return key


def _format_of_file(head: FileHead | None) -> str | None:
    if head is None or head.data.startswith(_ARCHIVES):
        return None
    suffix = head.path.suffix.lower()
    return next(
        (key for key, file in _FILES.items() if suffix in file.suffixes and file.is_one(head)),
        None,
    )
