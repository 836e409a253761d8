"""Where labels count: regions of interest and don't-care regions, of all images or of one.

An image with regions of its own goes by these alone. What does not count is ignored (255) in the
masks that runs and exports get; the labels themselves stay as they were drawn.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from core.images.io import IGNORE_INDEX
from core.portable.cleaning import InspectedArea, Polygon
from core.project.database import Database
from core.project.mask_store import LabelMap
from core.system.errors import InputError

OF_ALL: Final = "counted_area"
"""Key of the setting that holds the regions of all images."""
_MOST_POLYGONS: Final = 1000
_MOST_POINTS: Final = 10_000
_FARTHEST: Final = 1e7
_EVERYTHING: Final = InspectedArea()


def area_text(area: InspectedArea) -> str:
    """Return the polygons of an area as JSON; the same polygons give the same text."""
    content = {
        "regions": [[list(point) for point in one] for one in area.regions],
        "dont_care": [[list(point) for point in one] for one in area.dont_care],
    }
    return json.dumps(content, separators=(",", ":"))


def area_from_text(text: str) -> InspectedArea:
    """Return what ``area_text`` was given.

    Raises:
        InputError: it is no such text.
    """
    try:
        content = json.loads(text)
        return InspectedArea(
            regions=_polygons(content, "regions"), dont_care=_polygons(content, "dont_care")
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(
            "The regions in project.db are damaged; draw them again in Label."
        ) from error


def _polygons(content: Any, name: str) -> tuple[Polygon, ...]:
    found = content.get(name, []) if isinstance(content, Mapping) else None
    if not isinstance(found, list) or len(found) > _MOST_POLYGONS:
        raise ValueError("no list of polygons")
    return tuple(_polygon(one) for one in found)


def _polygon(points: Any) -> Polygon:
    if not isinstance(points, list) or not 3 <= len(points) <= _MOST_POINTS:
        raise ValueError("no polygon")
    made = tuple((float(x), float(y)) for x, y in points)
    if not all(abs(x) <= _FARTHEST and abs(y) <= _FARTHEST for x, y in made):  # nor not a number
        raise ValueError("no place in an image")
    return made


def read_own(database: Database, image_id: int | None) -> InspectedArea:
    """Return the regions of one image, or those of all (None); everything where there are none."""
    if image_id is None:
        text = database.value("SELECT value FROM setting WHERE key = ?", (OF_ALL,))
    else:
        text = database.value("SELECT area FROM image_area WHERE image_id = ?", (image_id,))
    return _EVERYTHING if text is None else area_from_text(text)


def read_counted(database: Database, image_id: int) -> InspectedArea:
    """Return where an image's labels count: by its own regions, or by those of all."""
    own = read_own(database, image_id)
    return own if own != _EVERYTHING else read_own(database, None)


def write(connection: sqlite3.Connection, image_id: int | None, area: InspectedArea) -> None:
    """Keep the regions of one image, or those of all (None); none of them removes them."""
    empty, text = area == _EVERYTHING, area_text(area)
    if image_id is None:
        if empty:
            connection.execute("DELETE FROM setting WHERE key = ?", (OF_ALL,))
        else:
            connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (OF_ALL, text))
    elif empty:
        connection.execute("DELETE FROM image_area WHERE image_id = ?", (image_id,))
    else:
        connection.execute("INSERT OR REPLACE INTO image_area VALUES (?, ?)", (image_id, text))


def counted(mask: LabelMap, area: InspectedArea | None) -> LabelMap:
    """Return a mask (H, W) that is 255 where it does not count; the same one where all counts."""
    height, width = mask.shape
    included = None if area is None else area.included((height, width))
    if included is None:
        return mask
    return np.where(included, mask, np.uint8(IGNORE_INDEX))
