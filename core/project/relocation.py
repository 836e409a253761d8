"""Finding images again whose folder was moved or renamed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.images.io import image_size
from core.project import image_table
from core.project.rows import ImageQuery, ImageRow
from core.project.storage import Storage
from core.system.errors import InputError
from core.system.folders import common_end, same_name, walk_visible


@dataclass(frozen=True, slots=True)
class Relocation:
    """What was found: how many images are there again, and which are still missing."""

    found: int
    missing: tuple[Path, ...]


def relocate(
    storage: Storage, folder: Path, *, check: Callable[[], object] = lambda: None
) -> Relocation:
    """Take images that are gone from a folder; see ``Project.relocate_images``."""
    storage.database.require_writable()
    rows = image_table.select(storage.database, storage.resolver, ImageQuery())
    gone = [row for row in rows if not row.path.is_file()]
    there = _files_by_name(folder, {same_name(row.path.name) for row in gone}, check)
    taken = {row.path for row in rows} - {row.path for row in gone}
    new: dict[int, Path] = {}
    for row in gone:
        check()
        path = _choose(row, there.get(same_name(row.path.name), ()), taken)
        if path is not None:
            new[row.id] = path
            taken.add(path)
    with storage.database.transaction() as connection:
        for id_, path in new.items():
            stored = storage.resolver.store(path)
            connection.execute(
                "UPDATE image SET path = ?, inside = ?, relative = ? WHERE id = ?",
                (stored.path, stored.inside, stored.relative, id_),
            )
    return Relocation(len(new), tuple(row.path for row in gone if row.id not in new))


def _files_by_name(
    folder: Path, wanted: set[str], check: Callable[[], object]
) -> Mapping[str, Sequence[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for place, _, names in walk_visible(folder, check=check):
        for name in names:
            if same_name(name) in wanted:
                found[same_name(name)].append(place / name)
    return found


def _choose(row: ImageRow, candidates: Sequence[Path], taken: set[Path]) -> Path | None:
    """Return the file that is the image, None where none is or two are as likely."""
    fitting = [path for path in candidates if path not in taken and _has_size(path, row)]
    if not fitting:
        return None
    agreeing = {path: common_end(path.parent.parts, row.path.parent.parts) for path in fitting}
    most = max(agreeing.values())
    best = [path for path, count in agreeing.items() if count == most]
    return best[0] if len(best) == 1 else None


def _has_size(path: Path, row: ImageRow) -> bool:
    try:
        return image_size(path) == (row.width, row.height)
    except InputError:
        return False
