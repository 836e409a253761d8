"""Finding an image of the project by what its file holds, whatever it is called."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core.project import image_table
from core.project.storage import Storage
from core.system.files import sha256_file


def find_same(storage: Storage, file: Path, *, name: str) -> int | None:
    """Return the id of an image with the very content of a file; see ``Project.find_same``."""
    try:
        size, digest = file.stat().st_size, sha256_file(file)
    except OSError:
        return None
    rows = storage.database.all(
        "SELECT id, path, inside, relative FROM image WHERE content_hash = ? OR name IN (?, ?)"
        " ORDER BY id",
        (digest, name, file.name),
    )
    for id_, *place in rows:
        path = image_table.image_path(storage.resolver, place)
        try:  # what is known of a file may be of an earlier one by its name
            if path.stat().st_size == size and sha256_file(path) == digest:
                return int(id_)
        except OSError:
            continue
    return None


def hash_contents(storage: Storage, ids: Iterable[int] | None = None) -> None:
    """Compute the sha256 of image files that have none yet; unreadable files are left out.

    Args:
        storage: of the project.
        ids: of these images alone; None: of all.
    """
    if storage.database.read_only:
        return
    rows = storage.database.all(
        "SELECT id, path, inside, relative FROM image WHERE content_hash IS NULL"
    )
    wanted = None if ids is None else set(ids)
    hashes: dict[int, str | float | bytes | None] = {}
    for id_, *place in rows:
        if wanted is not None and id_ not in wanted:
            continue
        try:
            hashes[id_] = sha256_file(image_table.image_path(storage.resolver, place))
        except OSError:
            continue  # reported as missing
    if hashes:
        with storage.database.transaction() as connection:
            image_table.update_each(connection, "content_hash", hashes)
