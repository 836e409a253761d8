"""Dividing the images of a project into subsets."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from core.data.splitting import split_items
from core.datasets import Subset
from core.project import image_table
from core.project.counted_classes import count_what_counts
from core.project.database import Database
from core.project.part_groups import SplitImage, compute_looks, read_labelled, with_groups
from core.project.rows import ImageSubset
from core.project.shown_classes import select_shown
from core.project.storage import Storage
from core.system.errors import InputError

#: Setting: images were divided without a test set only because they were few.
TEST_LATER: Final = "test_later"
_GROUP = r"\A([^\n]+)\n"


@dataclass(frozen=True, slots=True)
class Division:
    """What a split did.

    Attributes:
        counts: images in each subset now.
        before: the subsets that it changed, as they were, by image id.
        after: what they became.
    """

    counts: dict[ImageSubset, int]
    before: dict[int, ImageSubset]
    after: dict[int, ImageSubset]


def split_images(
    storage: Storage,
    *,
    val: float,
    test: float,
    group: str | None = None,
    seed: int = 0,
    keep: Collection[ImageSubset] = (),
    find_groups: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Division:
    """Assign subsets; see ``Project.split``."""
    if find_groups:
        compute_looks(storage, check=check)
    count_what_counts(storage, check=check)
    with storage.database.transaction() as connection:
        everything = _read(storage, group)
        if not everything:
            raise InputError("No image has a mask yet; label or import some, then split.")
        if find_groups:
            everything = with_groups(storage, everything, by_name=group is None, check=check)
        if not all(image.left_out for image in everything):
            everything = [image for image in everything if not image.left_out]
        settled = [image for image in everything if image.subset in keep]
        assigned: dict[int, ImageSubset] = dict(follow_groups(everything, settled))
        kept = {image.id for image in settled} | assigned.keys()
        open_ = [image for image in everything if image.id not in kept]
        assigned.update(divide(storage, open_, settled, val=val, test=test, seed=seed))
        connection.execute("DELETE FROM setting WHERE key = ?", (TEST_LATER,))
        return write_division(connection, everything, assigned)


def divide(
    storage: Storage,
    images: Sequence[SplitImage],
    settled: Sequence[SplitImage],
    *,
    val: float,
    test: float,
    seed: int = 0,
    closed: Collection[Subset] = (),
) -> dict[int, Subset]:
    """Return subsets for images, as ``split_items`` does, beside those that have theirs."""
    if not images:
        return {}
    shown = _classes(storage.database)
    chosen = split_items(
        images,
        val=val,
        test=test,
        group=_GROUP,
        seed=seed,
        classes={image: shown[image.id] for image in (*images, *settled)},
        settled={image: image.subset for image in settled if image.subset != "none"},
        closed=closed,
    )
    return {image.id: subset for image, subset in chosen.items()}


def write_division(
    connection: sqlite3.Connection,
    everything: Sequence[SplitImage],
    assigned: Mapping[int, ImageSubset],
) -> Division:
    """Store subsets and groups; return what changed."""
    before = {image.id: image.subset for image in everything}
    changed = {id_: subset for id_, subset in assigned.items() if subset != before[id_]}
    image_table.update_each(connection, "subset", changed)
    image_table.update(connection, assigned, "left_out", 0)
    groups = dict(connection.execute("SELECT id, group_key FROM image"))
    image_table.update_each(
        connection,
        "group_key",
        {image.id: image.group for image in everything if image.group != groups[image.id]},
    )
    final = Counter(assigned.get(image.id, image.subset) for image in everything)
    counts: dict[ImageSubset, int] = {name: final[name] for name in ("train", "val", "test")}
    return Division(counts, {id_: before[id_] for id_ in changed}, changed)


def undo_division(database: Database, division: Division) -> None:
    """Give images back the subsets that they had, but for those that were moved since."""
    with database.transaction() as connection:
        connection.executemany(
            "UPDATE image SET subset = ? WHERE id = ? AND subset = ?",
            [(old, id_, division.after[id_]) for id_, old in division.before.items()],
        )


def _read(storage: Storage, pattern: str | None) -> list[SplitImage]:
    found = read_labelled(storage.database, "mask_id IS NOT NULL")
    if pattern is None:
        return found
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InputError(
            "{pattern} is not a regular expression: {reason}.", pattern=pattern, reason=error
        ) from error
    groups = [_group(expression, image.path) for image in found]
    found = [
        replace(image, group=group, bond=group) for image, group in zip(found, groups, strict=True)
    ]
    if found and all(image.group is None for image in found):
        raise InputError(
            "The expression {pattern} matches no image; it is searched in paths such as {file}.",
            pattern=pattern,
            file=found[0].path,
        )
    return found


def _group(expression: re.Pattern[str], path: str) -> str | None:
    match = expression.search(path.replace("\\", "/"))
    if match is None:
        return None
    return str(match[1] if expression.groups else match[0]) or None


def follow_groups(
    everything: Sequence[SplitImage], settled: Sequence[SplitImage]
) -> dict[int, ImageSubset]:
    """Send images without a subset of their own where most of their group are."""
    found: dict[int, ImageSubset] = {}
    kept = {image.id for image in settled}
    for tie in ("bond", "group"):  # the closer one has the last word
        subsets: defaultdict[str, Counter[ImageSubset]] = defaultdict(Counter)
        for image in settled:
            if image.subset != "none":
                subsets[getattr(image, tie)][image.subset] += 1
        for image in everything:
            own = getattr(image, tie)
            if image.id not in kept and own is not None and own in subsets:
                found[image.id] = subsets[own].most_common(1)[0][0]
    return found


def _classes(database: Database) -> defaultdict[int, list[int]]:
    shown: defaultdict[int, list[int]] = defaultdict(list)
    for image_id, class_id in select_shown(
        database, "image.id, shown.class_id", "WHERE shown.class_id < 255"
    ):
        shown[image_id].append(class_id)
    return shown
