"""Which classes images show where their labels count: by their masks, or by what regions leave.

Until ``core.project.counted_classes`` has counted what regions leave of a mask, all of it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from core.project.database import Database

_OF_MASK: Final = "JOIN mask_class AS shown ON shown.mask_id = image.mask_id"
_IS_WHOLE: Final = "image.id NOT IN (SELECT image_id FROM image_class)"
_OF_IMAGE: Final = "JOIN image_class AS shown ON shown.image_id = image.id"
_MASK_SHOWS: Final = (
    "EXISTS (SELECT 1 FROM mask_class AS shown"
    " WHERE shown.mask_id = image.mask_id AND shown.class_id = ?)"
)
_IMAGE_SHOWS: Final = (
    "EXISTS (SELECT 1 FROM image_class AS shown"
    " WHERE shown.image_id = image.id AND shown.class_id = ?)"
)


def shows_class(database: Database, class_id: int) -> tuple[str, list[Any]]:
    """Return the condition that an ``image`` shows a class, and the condition's parameters."""
    if not _is_any_counted(database):
        return _MASK_SHOWS, [class_id]
    return f"({_IMAGE_SHOWS} OR ({_MASK_SHOWS} AND {_IS_WHOLE}))", [class_id, class_id]


def select_shown(
    database: Database,
    columns: str,
    rest: str = "",
    parameters: Sequence[Any] = (),
    *,
    limit: int = -1,
) -> list[tuple[Any, ...]]:
    """Return ``SELECT columns FROM image`` joined with what each image shows where it counts.

    ``shown`` has the columns ``class_id`` and ``pixels``. Groups come twice where some of their
    images were counted by their masks and others by their regions: add them up.

    Args:
        database: of the project.
        columns: of ``image`` and ``shown``.
        rest: conditions and groups.
        parameters: of ``columns`` and ``rest``.
        limit: most rows; -1 for all.
    """
    joins = [_OF_MASK]
    if _is_any_counted(database):
        joins = [f"{_OF_MASK} AND {_IS_WHOLE}", _OF_IMAGE]
    parts = [f"SELECT {columns} FROM image {join} {rest}" for join in joins]  # noqa: S608
    every = [*parameters] * len(parts)
    return database.all(f"{' UNION ALL '.join(parts)} LIMIT ?", [*every, limit])


def _is_any_counted(database: Database) -> bool:
    """Whether some images were counted by their regions; without them queries are simpler."""
    return database.one("SELECT 1 FROM image_class LIMIT 1") is not None
