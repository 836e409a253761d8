"""Copies of images inside the project."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from core.system.errors import InputError
from core.system.files import fsync_folder, sha256_file


def copy_into(folder: Path, source: Path, *, taken: set[Path]) -> Path:
    """Copy a file into ``folder`` and return where it is; on the disk when this returns.

    Nothing is overwritten: a name that another file has gets a number. A file with the same
    content, left by an import that was undone or interrupted, is used as it is.

    Args:
        folder: made if missing.
        source: the file.
        taken: files of ``folder`` that belong to an image already; the result is added.

    Raises:
        InputError: the file cannot be read or the copy not written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target, number = folder / source.name, 1
        while target in taken or (target.exists() and not _same_content(source, target)):
            number += 1
            target = folder / f"{source.stem}-{number}{source.suffix}"
        if not target.exists():
            _copy(source, target)
    except OSError as error:
        raise InputError(
            "{file} cannot be copied into the project: {reason}.",
            file=source,
            reason=error.strerror or error,
        ) from error
    taken.add(target)
    return target


def _same_content(first: Path, second: Path) -> bool:
    return first.stat().st_size == second.stat().st_size and sha256_file(first) == sha256_file(
        second
    )


def _copy(source: Path, target: Path) -> None:
    temporary = target.parent / f".tmp-{secrets.token_hex(8)}"
    try:
        with source.open("rb") as reader, temporary.open("xb") as writer:
            shutil.copyfileobj(reader, writer, 2**20)
            writer.flush()
            os.fsync(writer.fileno())
        shutil.copystat(source, temporary)
        temporary.replace(target)
        fsync_folder(target.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
