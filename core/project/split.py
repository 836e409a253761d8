"""Dividing the images of a project into subsets."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.data.splitting import split_items
from core.project import image_table
from core.project.database import Database
from core.project.rows import ImageSubset
from core.system.errors import InputError

_GROUP = r"\A([^\n]+)\n"


@dataclass(frozen=True, slots=True)
class _Image:
    """What ``split_items`` divides; its text is the group, if any, and the path."""

    id: int
    path: str
    group: str | None
    subset: ImageSubset

    def __str__(self) -> str:
        return self.path if self.group is None else f"{self.group}\n{self.path}"


def split_images(
    database: Database, *, val: float, test: float, group: str | None, seed: int, keep: bool
) -> dict[ImageSubset, int]:
    """Assign subsets and return their counts; see ``Project.split``."""
    with database.transaction() as connection:
        everything = _read(database, group)
        if not everything:
            raise InputError("No image has a mask yet; label or import some, then split.")
        settled = {image.id: image.subset for image in everything if image.subset != "none"}
        assigned: dict[int, str | float | None] = {}
        if keep:
            assigned.update(_follow_groups(everything))
        open_ = [
            image
            for image in everything
            if not keep or (image.id not in settled and image.id not in assigned)
        ]
        if open_:
            shown = _classes(database)
            chosen = split_items(
                open_,
                val=val,
                test=test,
                group=_GROUP,
                seed=seed,
                classes={image: shown[image.id] for image in open_},
            )
            assigned.update({image.id: subset for image, subset in chosen.items()})
        image_table.update_each(connection, "subset", assigned)
        if group is not None:
            image_table.update_each(
                connection, "group_key", {image.id: image.group for image in everything}
            )
    final = Counter(assigned.get(image.id, image.subset) for image in everything)
    return {subset: final[subset] for subset in ("train", "val", "test")}


def _read(database: Database, pattern: str | None) -> list[_Image]:
    rows = database.all(
        "SELECT id, path, group_key, subset FROM image WHERE mask_id IS NOT NULL ORDER BY path"
    )
    if pattern is None:
        return [_Image(*row) for row in rows]
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InputError(
            "{pattern} is not a regular expression: {reason}.", pattern=pattern, reason=error
        ) from error
    found = [_Image(id_, path, _group(expression, path), of) for id_, path, _, of in rows]
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


def _follow_groups(everything: Sequence[_Image]) -> dict[int, str | float | None]:
    """Images without a subset go where the others of their group are."""
    of_group = {
        image.group: image.subset
        for image in everything
        if image.group is not None and image.subset != "none"
    }
    return {
        image.id: of_group[image.group]
        for image in everything
        if image.subset == "none" and image.group in of_group
    }


def _classes(database: Database) -> defaultdict[int, list[int]]:
    shown: defaultdict[int, list[int]] = defaultdict(list)
    for image_id, class_id in database.all(
        "SELECT image.id, mask_class.class_id FROM image"
        " JOIN mask_class ON mask_class.mask_id = image.mask_id WHERE mask_class.class_id < 255"
    ):
        shown[image_id].append(class_id)
    return shown
