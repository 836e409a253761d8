"""Which images of a project show the same part: by their groups, their names and their looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from weakref import WeakKeyDictionary

import numpy as np

from core.data.grouping import alike_pairs, groups_by_name, joined_groups
from core.images.perceptual_hash import perceptual_hash
from core.project import image_table
from core.project.database import Database
from core.project.rows import ImageSubset
from core.project.storage import Storage
from core.system.errors import InputError

_SAVED_AT_ONCE = 100
_named: WeakKeyDictionary[Database, tuple[tuple[int, ...], dict[str, str]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class SplitImage:
    """An image that is divided; its text is what binds it, if anything, and the path.

    Attributes:
        id: of the image.
        path: as it is stored.
        group: as it is stored.
        bond: images with the same go into one subset; the group, unless more is known.
        subset: where it is now.
        left_out: the user took it out of all subsets.
    """

    id: int
    path: str
    group: str | None
    bond: str | None
    subset: ImageSubset
    left_out: bool

    def __str__(self) -> str:
        return self.path if self.bond is None else f"{self.bond}\n{self.path}"


def read_labelled(database: Database, condition: str) -> list[SplitImage]:
    """Return the images for which a condition of SQL holds, ordered by path."""
    rows = database.all(
        "SELECT id, path, group_key, subset, left_out AND subset = 'none' FROM image"  # noqa: S608
        f" WHERE {condition} ORDER BY path"
    )
    return [
        SplitImage(id_, path, group, group, subset, bool(left_out))
        for id_, path, group, subset, left_out in rows
    ]


def compute_looks(
    storage: Storage,
    *,
    most: int | None = None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Compute what labelled images look like where it is not known; unreadable ones are left out.

    Args:
        storage: of the project.
        most: so many images at most, those without a subset first.
        check: called before each; what it raises ends the work, and what is done stays.
    """
    rows = storage.database.all(
        "SELECT id, path, inside, relative FROM image WHERE mask_id IS NOT NULL AND look IS NULL"
        " ORDER BY subset != 'none', id LIMIT ?",
        (-1 if most is None else most,),
    )
    for chunk in image_table.chunks(rows, _SAVED_AT_ONCE):
        found: dict[int, bytes] = {}
        for id_, *place in chunk:
            check()
            try:
                found[id_] = perceptual_hash(image_table.image_path(storage.resolver, place))
            except InputError:
                continue  # a finding says so
        if found:
            with storage.database.transaction() as connection:
                image_table.update_each(connection, "look", found)


def with_groups(
    storage: Storage,
    images: Sequence[SplitImage],
    *,
    new: Sequence[int] | None = None,
    by_name: bool = True,
    check: Callable[[], None] = lambda: None,
) -> list[SplitImage]:
    """Return images with the groups that names and looks tell, joined with those they have.

    Args:
        storage: of the project.
        images: in their order.
        new: places of those whose looks are compared with all; None: of all.
        by_name: whether names tell groups, too.
        check: called again and again; may raise to stop.
    """
    of_names = _named_groups(storage.database) if by_name else {}
    keys = [(place, one.group) for place, one in enumerate(images) if one.group is not None]
    named = [
        (place, of_names[one.path]) for place, one in enumerate(images) if one.path in of_names
    ]
    pairs = _alike(storage.database, images, range(len(images)) if new is None else new, check)
    # Each with a sign of its own: a group that a user named like a file is another.
    bonds = [
        (place, sign + key) for sign, some in (("=", keys), ("~", named)) for place, key in some
    ]
    numbers = joined_groups(len(images), bonds, pairs)
    members = np.bincount(numbers, minlength=1)
    texts: dict[int, str] = {}
    for place, key in (*keys, *named):
        texts.setdefault(numbers[place], key)
    found = []
    for one, number in zip(images, numbers, strict=True):
        group = one.group
        if group is None and members[number] > 1:
            stem = PurePosixPath(one.path.replace("\\", "/")).stem
            group = of_names.get(one.path) or texts.setdefault(number, stem)
        bond = None if group is None else f"{number}"
        found.append(replace(one, group=group, bond=bond))
    return found


def _named_groups(database: Database) -> dict[str, str]:
    """Return the groups that names tell, by path; worked out once for each set of images."""
    images = tuple(database.all("SELECT count(*), max(id) FROM image")[0])  # ids are never reused
    known = _named.get(database)
    if known is None or known[0] != images:
        paths = [row[0] for row in database.all("SELECT path FROM image")]
        known = _named[database] = images, groups_by_name(paths)
    return known[1]


def look_alikes(
    storage: Storage,
    images: Sequence[SplitImage],
    *,
    check: Callable[[], None] = lambda: None,
) -> list[tuple[SplitImage, SplitImage]]:
    """Return the pairs of images that look alike."""
    pairs = _alike(storage.database, images, range(len(images)), check)
    return [(images[first], images[second]) for first, second in pairs]


def _alike(
    database: Database,
    images: Sequence[SplitImage],
    new: Sequence[int],
    check: Callable[[], None],
) -> list[tuple[int, int]]:
    looks = dict(database.all("SELECT id, look FROM image WHERE look IS NOT NULL"))
    places = [place for place, one in enumerate(images) if one.id in looks]
    if not places:
        return []
    hashes = np.frombuffer(b"".join(looks[images[place].id] for place in places), np.uint8)
    back = {place: row for row, place in enumerate(places)}
    compared = [back[place] for place in new if place in back]
    pairs = alike_pairs(hashes.reshape(len(places), -1), compared, check=check)
    return [(places[first], places[second]) for first, second in pairs]
