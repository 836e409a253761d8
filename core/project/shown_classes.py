"""Which classes images show where their labels count: by their masks, or by what regions leave.

Until ``core.project.counted_classes`` has counted what regions leave of a mask, all of it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from core.project.database import Database

_JOINS: Final = (
    "JOIN mask_class AS shown ON shown.mask_id = image.mask_id"
    " AND image.id NOT IN (SELECT image_id FROM image_class)",
    "JOIN image_class AS shown ON shown.image_id = image.id",
)
SHOWS_CLASS: Final = (
    "(EXISTS (SELECT 1 FROM image_class AS shown WHERE shown.image_id = image.id AND"
    " shown.class_id = ?) OR EXISTS (SELECT 1 FROM mask_class AS shown WHERE"
    " shown.mask_id = image.mask_id AND shown.class_id = ?"
    " AND image.id NOT IN (SELECT image_id FROM image_class)))"
)
"""Condition on ``image``; its parameters are the class id, twice."""


def select_shown(
    database: Database, columns: str, rest: str = "", parameters: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Return ``SELECT columns FROM image`` joined with what each image shows where it counts.

    ``shown`` has the columns ``class_id`` and ``pixels``. Groups come twice where some of their
    images were counted by their masks and others by their regions: add them up.

    Args:
        database: of the project.
        columns: of ``image`` and ``shown``.
        rest: conditions and groups.
        parameters: of ``rest``.
    """
    parts = (f"SELECT {columns} FROM image {join} {rest}" for join in _JOINS)  # noqa: S608
    return database.all(" UNION ALL ".join(parts), (*parameters, *parameters))
