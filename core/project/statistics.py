"""Counts of the labelled images as the database knows them: no mask is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from core.data.dataset_statistics import DatasetStatistics
from core.data.label_class import LabelClass
from core.datasets import SUBSETS, Subset
from core.images.io import IGNORE_INDEX
from core.project.counted_areas import OF_ALL
from core.project.database import Database
from core.project.rows import CountedMask
from core.project.shown_classes import select_shown

_TRAINABLE = "image.mask_id IS NOT NULL AND image.state IN ('labelled', 'reviewed')"


def read_statistics(database: Database, labels: Sequence[LabelClass]) -> DatasetStatistics:
    """Count what a revision made now would hold; see ``Project.statistics``."""
    by_id = sorted(labels, key=lambda label: label.id)
    places = {label.id: place for place, label in enumerate(by_id)}
    rows = database.all(
        "SELECT subset, width, height, count(*) FROM image"  # noqa: S608
        f" WHERE {_TRAINABLE} GROUP BY subset, width, height"
    )
    unassigned = all(subset == "none" for subset, *_ in rows)
    images: Counter[Subset] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    for subset, width, height, count in rows:
        target = _subset(subset, unassigned)
        if target is not None:
            images[target] += count
            sizes[width, height] += count
    pixels = {subset: [0] * len(by_id) for subset in SUBSETS}
    shown = {subset: [0] * len(by_id) for subset in SUBSETS}
    ignored: Counter[Subset] = Counter()
    for subset, class_id, total, count in select_shown(
        database,
        "image.subset, shown.class_id, sum(shown.pixels), count(*)",
        f"WHERE {_TRAINABLE} GROUP BY image.subset, shown.class_id",
    ):
        target = _subset(subset, unassigned)
        if target is None:
            continue
        if class_id == IGNORE_INDEX:
            ignored[target] += total
        elif class_id in places:
            pixels[target][places[class_id]] += total
            shown[target][places[class_id]] += count
    present: list[Subset] = [subset for subset in SUBSETS if images[subset]]
    return DatasetStatistics(
        labels=tuple(label.name for label in by_id),
        images={subset: images[subset] for subset in present},
        class_pixels={subset: tuple(pixels[subset]) for subset in present},
        class_images={subset: tuple(shown[subset]) for subset in present},
        ignored_pixels={subset: ignored[subset] for subset in present},
        sizes=tuple(sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))),
        median_size=_median_size(sizes),
    )


def read_shown_masks(
    database: Database, *, revision_id: int | None = None, validation: bool = False
) -> dict[int, list[CountedMask]]:
    """Return, by class id, the masks to learn from that show it; see ``Project.shown_masks``."""
    if revision_id is None:
        subsets = "('train', 'none', 'val')" if validation else "('train', 'none')"
        rows = select_shown(
            database,
            "shown.class_id, mask.hash, coalesce(image_area.area,"
            " (SELECT value FROM setting WHERE key = ?)), mask.id",
            " JOIN mask ON mask.id = image.mask_id"
            " LEFT JOIN image_area ON image_area.image_id = image.id"
            f" WHERE {_TRAINABLE} AND image.subset IN {subsets}",
            (OF_ALL,),
        )
    else:
        rows = database.all(
            "SELECT mask_class.class_id, mask.hash, item.area, mask.id"
            " FROM revision_item AS item JOIN mask ON mask.id = item.mask_id"
            " JOIN mask_class ON mask_class.mask_id = mask.id"
            " WHERE item.revision_id = ? AND item.subset = 'train'",
            (revision_id,),
        )
    shown: dict[int, list[CountedMask]] = {}
    for class_id, mask_hash, area, _ in sorted(rows, key=lambda row: row[3]):
        shown.setdefault(class_id, []).append(CountedMask(mask_hash, area))
    return shown


def _subset(subset: str, unassigned: bool) -> Subset | None:
    if unassigned:
        return "train"
    return next((known for known in SUBSETS if known == subset), None)


def _median_size(sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
    every = list(sizes.elements())
    if not every:
        return 0, 0
    return round(median(width for width, _ in every)), round(median(height for _, height in every))
