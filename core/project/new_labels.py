"""New labels get a subset by themselves, and what has one keeps it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

from core.datasets import Subset
from core.project.counted_classes import count_what_counts
from core.project.database import Database
from core.project.part_groups import compute_looks, read_labelled, with_groups
from core.project.rows import ImageSubset
from core.project.split import (
    TEST_LATER,
    Division,
    divide,
    follow_groups,
    write_division,
)
from core.project.storage import Storage

#: So many labelled images are something to divide: fewer leave a subset empty or nearly so.
LEAST_IMAGES: Final = 5
#: So many labelled images can spare some for a test set: of ten, two say nothing as a test, and
#: are a fifth of what the network can learn from.
_TEST_FROM: Final = 30
#: A test set of so many images is enough; it is closed from then on, so that the figures of a later
#: model are of the same images.
_ENOUGH_TEST: Final = 30
_SHARE: Final = 0.15
_SETTING: Final = "divides_itself"
#: Images of which the looks are computed at one time, beside the new ones.
_MOST_LOOKS: Final = 2000
_LABELLED: Final = "mask_id IS NOT NULL AND state IN ('labelled', 'reviewed')"


def divides_itself(database: Database) -> bool:
    """Return whether new labels get a subset without being asked for."""
    value = database.value("SELECT value FROM setting WHERE key = ?", (_SETTING,))
    return str(value or "1") != "0"


def set_divides_itself(database: Database, wanted: bool) -> None:
    """Remember whether they do."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO setting VALUES (?, ?)", (_SETTING, str(int(wanted)))
        )


def divide_new_labels(
    storage: Storage, *, check: Callable[[], None] = lambda: None
) -> Division | None:
    """Give labelled images without a subset one; see ``Project.divide_new_labels``."""
    if not divides_itself(storage.database) or not _is_enough(storage.database):
        return None
    compute_looks(storage, most=_MOST_LOOKS, check=check)
    count_what_counts(storage, check=check)
    with storage.database.transaction() as connection:
        everything = read_labelled(storage.database, _LABELLED)
        new = [
            place
            for place, image in enumerate(everything)
            if image.subset == "none" and not image.left_out
        ]
        everything = with_groups(storage, everything, new=new, check=check)
        settled = [image for image in everything if image.subset != "none"]
        fresh = [everything[place] for place in new]
        assigned: dict[int, ImageSubset] = dict(follow_groups(fresh, settled))
        rest = [image for image in fresh if image.id not in assigned]
        tested = sum(image.subset == "test" for image in settled)
        few = len(settled) + len(fresh) < _TEST_FROM and not tested
        # Whoever divided without a test set wanted none.
        unwanted = len(settled) >= LEAST_IMAGES and not tested and not _tests_later(connection)
        closed: tuple[Subset, ...] = ("test",) if tested >= _ENOUGH_TEST else ()
        assigned.update(
            divide(
                storage,
                rest,
                settled,
                val=_SHARE,
                test=0.0 if few or unwanted else _SHARE,
                closed=closed,
            )
        )
        if few and rest and not unwanted:
            connection.execute("INSERT OR REPLACE INTO setting VALUES (?, '1')", (TEST_LATER,))
        division = write_division(connection, everything, assigned)
    return division if division.after else None


def waiting(database: Database) -> list[int]:
    """Return the ids of labelled images without a subset that the user did not take out."""
    rows = database.all(
        f"SELECT id FROM image WHERE {_LABELLED} AND subset = 'none' AND NOT left_out"  # noqa: S608
    )
    return [row[0] for row in rows]


def _tests_later(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT value FROM setting WHERE key = ?", (TEST_LATER,)).fetchone()
    return found is not None


def _is_enough(database: Database) -> bool:
    """Whether there is something to divide."""
    new, settled = database.all(
        "SELECT coalesce(sum(subset = 'none' AND NOT left_out), 0),"  # noqa: S608
        f" coalesce(sum(subset != 'none'), 0) FROM image WHERE {_LABELLED}"
    )[0]
    return bool(new) and new + settled >= LEAST_IMAGES
