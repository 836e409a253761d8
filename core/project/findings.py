"""What is wrong, or may be, with a project's images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from core.data.dataset_statistics import DatasetStatistics
from core.data.validation import Finding, judge_statistics
from core.images.io import IGNORE_INDEX
from core.project import image_table
from core.project.part_groups import compute_looks, look_alikes, read_labelled
from core.project.same_content import hash_contents
from core.project.shown_classes import select_shown
from core.project.storage import Storage
from core.system.messages import message

Progress = Callable[[int, int], object]
_ORDER = {"error": 0, "warning": 1, "info": 2}
_PATHS = "SELECT id, path, inside, relative"
_TWICE = (
    "SELECT content_hash FROM image WHERE content_hash IS NOT NULL"
    " GROUP BY content_hash HAVING count(*) > 1"
)


def find_problems(
    storage: Storage,
    statistics: DatasetStatistics,
    *,
    compare_content: bool = False,
    progress: Progress | None = None,
) -> tuple[Finding, ...]:
    """Return everything found, errors first; see ``Project.findings``."""
    findings = [*_missing_files(storage, progress)]
    if compare_content:
        hash_contents(storage)
        findings += _duplicates(storage)
        findings += _look_alikes(storage, progress)
    findings += _torn_groups(storage)
    findings += _ignored_masks(storage)
    findings += _unfinished(storage)
    if statistics.images:
        findings += judge_statistics(statistics)
    return tuple(sorted(findings, key=lambda f: (_ORDER[f.severity], f.code, str(f.file or ""))))


def _missing_files(storage: Storage, progress: Progress | None) -> Iterator[Finding]:
    rows = storage.database.all(
        "SELECT image.path, image.inside, image.relative, mask.hash"
        " FROM image LEFT JOIN mask ON mask.id = image.mask_id ORDER BY image.sort_key, image.id"
    )
    for done, (*place, mask_hash) in enumerate(rows, 1):
        path = image_table.image_path(storage.resolver, place)
        if not os.path.isfile(path):  # noqa: PTH113 - four times as fast, and there are 100 000
            text = message(
                "The image {file} is not there any more; bring it back or remove it from the "
                "project.",
                file=path,
            )
            yield Finding("error", "missing_image", text, path)
        if mask_hash is not None:
            mask = storage.masks.path(mask_hash)
            if not os.path.isfile(mask):  # noqa: PTH113
                text = message(
                    "The mask {file} of {image} is not there any more; restore it from a backup.",
                    file=mask,
                    image=path,
                )
                yield Finding("error", "missing_mask", text, mask)
        if progress is not None:
            progress(done, len(rows))


def _duplicates(storage: Storage) -> Iterator[Finding]:
    for (content_hash,) in storage.database.all(_TWICE):
        rows = storage.database.all(
            "SELECT path, inside, relative, subset FROM image WHERE content_hash = ?"
            " ORDER BY subset = 'none', sort_key, id",
            (content_hash,),
        )
        first = rows[0]
        torn = next((row for row in rows if row[3] not in (first[3], "none")), None)
        path, other = (
            image_table.image_path(storage.resolver, row[:3]) for row in (first, torn or rows[1])
        )
        if torn is not None:
            text = message(
                "{file} and {other} are the same image in different subsets, so the metrics will "
                "look better than they are; keep it in one subset.",
                file=path,
                other=other,
            )
            yield Finding("warning", "duplicate_across_splits", text, path, len(rows))
        else:
            text = message("{file} and {other} are the same image.", file=path, other=other)
            yield Finding("info", "duplicate_in_subset", text, path, len(rows))


def _look_alikes(storage: Storage, progress: Progress | None) -> Iterator[Finding]:
    def check() -> None:
        if progress is not None:
            progress(1, 1)

    if not storage.database.read_only:
        compute_looks(storage, check=check)
    images = read_labelled(storage.database, "mask_id IS NOT NULL AND subset != 'none'")
    known = {row[0] for row in storage.database.all(_TWICE)}
    hashes = dict(storage.database.all("SELECT id, content_hash FROM image"))
    places = {id_: place for id_, *place in storage.database.all(f"{_PATHS} FROM image")}
    for first, second in look_alikes(storage, images, check=check):
        same = hashes[first.id] == hashes[second.id] and hashes[first.id] in known
        if first.subset == second.subset or same:
            continue
        file, other = (
            image_table.image_path(storage.resolver, places[one.id]) for one in (first, second)
        )
        text = message(
            "{file} and {other} look alike and are in different subsets, so the metrics will look "
            "better than they are; keep them in one subset.",
            file=file,
            other=other,
        )
        yield Finding("warning", "look_alike_across_splits", text, file, 2)


def _torn_groups(storage: Storage) -> Iterator[Finding]:
    rows = storage.database.all(
        "SELECT group_key, count(*) FROM image WHERE group_key IS NOT NULL AND subset != 'none'"
        " GROUP BY group_key HAVING count(DISTINCT subset) > 1 ORDER BY group_key"
    )
    for group, count in rows:
        text = message(
            "The {count} {count:image|images} of the group {group} are in different subsets, so "
            "the metrics will look better than they are; split again.",
            group=group,
            count=count,
        )
        yield Finding("warning", "group_across_splits", text, None, count)


def _ignored_masks(storage: Storage) -> Iterator[Finding]:
    rows = select_shown(
        storage.database,
        "image.path, image.inside, image.relative, shown.pixels",
        "WHERE shown.class_id = ? AND shown.pixels = image.width * image.height",
        (IGNORE_INDEX,),
    )
    for *place, pixels in rows:
        path = image_table.image_path(storage.resolver, place)
        text = message("The mask of {file} ignores every pixel (255).", file=path)
        yield Finding("warning", "all_ignored", text, path, pixels)


def _unfinished(storage: Storage) -> Iterator[Finding]:
    counted: Sequence[tuple[Any, ...]] = storage.database.all(
        "SELECT state, count(*), sum(subset = 'none' AND NOT left_out) FROM image GROUP BY state"
    )
    counts = {state: (count, free) for state, count, free in counted}
    unlabelled = counts.get("unlabelled", (0, 0))[0]
    if unlabelled:
        text = message("{count} {count:image has|images have} no mask yet.", count=unlabelled)
        yield Finding("info", "unlabelled_images", text, None, unlabelled)
    drafts = counts.get("draft", (0, 0))[0]
    if drafts:
        text = message(
            "{count} {count:mask is a draft|masks are drafts}; runs use only what is marked as "
            "labelled.",
            count=drafts,
        )
        yield Finding("info", "draft_masks", text, None, drafts)
    free = sum(counts.get(state, (0, 0))[1] for state in ("labelled", "reviewed"))
    if free:
        text = message(
            "{count} labelled {count:image is|images are} in no subset; split the images to use "
            "them.",
            count=free,
        )
        yield Finding("warning", "images_without_subset", text, None, free)
