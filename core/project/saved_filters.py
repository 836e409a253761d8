"""Filters of images that people keep with a project."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from core.project.database import Database
from core.project.rows import IMAGE_SUBSETS, STATES, ImageQuery

_SETTING: Final = "saved_filters"
#: More than these nobody looks through.
MOST: Final = 20


def read(database: Database) -> tuple[ImageQuery, ...]:
    """Return the filters, newest first; what cannot be read is left out."""
    text = database.value("SELECT value FROM setting WHERE key = ?", (_SETTING,))
    try:
        content: Any = json.loads(str(text or "[]"))
    except ValueError:
        return ()
    found = (_query(one) for one in content) if isinstance(content, list) else ()
    return tuple(query for query in found if query is not None)[:MOST]


def write(database: Database, filters: Sequence[ImageQuery]) -> None:
    """Keep these and no others."""
    rows = [
        {"subset": one.subset, "state": one.state, "class": one.class_id, "text": one.text}
        for one in filters[:MOST]
    ]
    with database.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO setting VALUES (?, ?)",
            (_SETTING, json.dumps(rows, ensure_ascii=False)),
        )


def _query(content: Any) -> ImageQuery | None:
    if not isinstance(content, dict):
        return None
    subset, state, class_id = (content.get(name) for name in ("subset", "state", "class"))
    if subset not in (None, *IMAGE_SUBSETS) or state not in (None, *STATES):
        return None
    if class_id is not None and not isinstance(class_id, int):
        return None
    return ImageQuery(subset, state, class_id, text=str(content.get("text") or ""))
