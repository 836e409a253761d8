"""Dividing images into training, validation and test subsets."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from core.data.formats.conversion_report import ConversionReport
from core.data.formats.left_aside import note_left_aside
from core.data.formats.paddlex_seg import pair_layout
from core.data.formats.pairing import note_unlabelled
from core.datasets import SUBSETS, Item, Subset, find_list, list_file, list_text, read_list
from core.images.io import IGNORE_INDEX, read_mask
from core.system.errors import InputError
from core.system.files import write_text_atomic
from core.system.folders import is_utf8
from core.system.messages import message

Key = TypeVar("Key", bound=Hashable)

#: Images that teach a class before one is wanted to measure it, where others have their subset.
_TAUGHT_FIRST: Final = 2


def split_items(
    items: Sequence[Key],
    *,
    val: float,
    test: float,
    group: str | None = None,
    seed: int = 0,
    classes: Mapping[Key, Collection[int]] | None = None,
    settled: Mapping[Key, Subset] | None = None,
    closed: Collection[Subset] = (),
) -> dict[Key, Subset]:
    """Assign every item to a subset; the same items and seed give the same split in any order.

    Groups stay together, every wanted subset gets at least one group where there are enough
    (training first, then validation), and classes are spread, the rarest first, after Sechidis,
    Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data" (2011).

    Args:
        items: distinct; ``str(item)`` is the text that ``group`` is searched in.
        val: share of the validation subset, 0 … 1; 0 for none.
        test: share of the test subset, 0 … 1; 0 for none.
        group: regular expression; items with the same first group (or whole match, if it has no
            group) belong together, and one without a match stands alone.
        seed: another seed, another split.
        classes: class indices that each item shows, settled ones too.
        settled: others that have a subset, which stay and count: the shares are of all together.
        closed: subsets that get no item more.

    Raises:
        InputError: no items, shares below 0 or with nothing left to train on, or a faulty
            expression.
    """
    if not (val >= 0 and test >= 0 and val + test < 1):
        raise InputError(
            "The shares of validation ({val}) and test ({test}) must not be negative and must leave"
            " something to train on.",
            val=val,
            test=test,
        )
    if not items:
        raise InputError("There are no images to split.")
    groups = _group(items, group)
    order = np.random.default_rng(seed).permutation(len(groups))
    groups = [groups[index] for index in order]
    sizes = np.array([len(members) for members in groups])
    given = [[item for item, of in (settled or {}).items() if of == subset] for subset in SUBSETS]
    taken = np.array([len(members) for members in given])
    open_ = np.array([subset not in closed for subset in SUBSETS])
    targets = _targets(len(items) + int(taken.sum()), len(groups) + int(taken.sum()), val, test)
    targets = np.where(open_, targets, taken)
    targets[0] = max(1.0, len(items) + float(taken.sum()) - targets[1] - targets[2])
    shown = _class_counts([*groups, *given], classes or {})
    chosen = _assign(
        sizes, shown[: len(groups)], _Wanted(targets, taken, shown[len(groups) :], open_)
    )
    return {item: SUBSETS[k] for members, k in zip(groups, chosen, strict=True) for item in members}


def _group(items: Sequence[Key], pattern: str | None) -> list[list[Key]]:
    """Return the groups in an order that does not depend on that of ``items``."""
    try:
        expression = re.compile(pattern) if pattern else None
    except re.error as error:
        raise InputError(
            "{pattern} is not a regular expression: {reason}.", pattern=pattern, reason=error
        ) from error
    groups: defaultdict[tuple[bool, str], list[Key]] = defaultdict(list)
    for item in items:
        match = expression.search(str(item)) if expression else None
        if match is None:
            groups[False, str(item)].append(item)
        else:
            first = match[1] if match.re.groups else None
            groups[True, match[0] if first is None else first].append(item)
    return [groups[key] for key in sorted(groups)]


def _targets(count: int, groups: int, val: float, test: float) -> npt.NDArray[np.float64]:
    """Images wanted in each subset: whole numbers, at least 1 where there are enough groups."""
    wanted = [0, 0, 0]
    free = groups - 1
    for index, share in ((1, val), (2, test)):
        if share > 0 and free > 0:
            wanted[index] = max(1, round(share * count))
            free -= 1
    wanted[0] = max(1, count - wanted[1] - wanted[2])
    return np.array(wanted, np.float64)


def _class_counts(
    groups: Sequence[Sequence[Key]], classes: Mapping[Key, Collection[int]]
) -> npt.NDArray[np.int64]:
    """Images (group, class) that show each class; classes that none shows are left out."""
    known = sorted({index for shown in classes.values() for index in shown})
    column = {index: place for place, index in enumerate(known)}
    counts = np.zeros((len(groups), len(known)), np.int64)
    for row, members in enumerate(groups):
        for item in members:
            for index in set(classes.get(item, ())):
                counts[row, column[index]] += 1
    return counts


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Images wanted in each subset, and those that it has already.

    Attributes:
        targets: (subset,) images wanted in the end.
        taken: (subset,) that it has.
        shown: (subset, class) images that show each class, of those taken.
        open: whether it takes any more.
    """

    targets: npt.NDArray[np.float64]
    taken: npt.NDArray[np.int64]
    shown: npt.NDArray[np.int64]
    open: npt.NDArray[np.bool_]


def _assign(
    sizes: npt.NDArray[np.int64], shown: npt.NDArray[np.int64], wanted: _Wanted
) -> list[int]:
    """Return the subset of each group; ``shown`` is (group, class)."""
    room = wanted.targets - wanted.taken
    have, taken = wanted.shown.copy(), wanted.taken.copy()
    need = _class_targets(shown, wanted) - wanted.shown
    takes = (wanted.targets > 0) & wanted.open
    chosen = np.full(len(sizes), -1)

    def measures(row: int) -> bool:
        """Whether validation waits for a class of this group: labels come one by one."""
        waits = (shown[row] > 0) & (have[1] == 0) & (have[0] >= _TAUGHT_FIRST)
        small = 3 * (taken[1] + sizes[row]) <= taken.sum() + sizes[row]
        return bool(wanted.taken.any() and takes[1] and small and waits.any())

    def place(rows: npt.NDArray[np.int64], lacking: npt.NDArray[np.float64]) -> None:
        for row in rows:
            subset = 1 if measures(row) else _best(lacking, room, takes)
            chosen[row] = subset
            room[subset] -= sizes[row]
            taken[subset] += sizes[row]
            need[subset] -= shown[row]
            have[subset] += shown[row]

    while True:
        left = shown[chosen < 0].sum(axis=0)
        if not left.any():
            break
        rarest = int(np.where(left > 0, left, np.iinfo(np.int64).max).argmin())
        rows = np.flatnonzero((chosen < 0) & (shown[:, rarest] > 0))
        place(rows[np.argsort(-shown[rows, rarest], kind="stable")], need[:, rarest])
    rest = np.flatnonzero(chosen < 0)
    place(rest[np.argsort(-sizes[rest], kind="stable")], room)
    _fill_empty(chosen, sizes, takes & (wanted.taken == 0))
    return [int(subset) for subset in chosen]


def _class_targets(shown: npt.NDArray[np.int64], wanted: _Wanted) -> npt.NDArray[np.float64]:
    """Images (subset, class) wanted; at least one in each subset of a class in enough groups."""
    targets = wanted.targets
    totals = (shown.sum(axis=0) + wanted.shown.sum(axis=0)).astype(np.float64)
    need: npt.NDArray[np.float64] = targets[:, None] / targets.sum() * totals
    groups = (shown > 0).sum(axis=0) + (wanted.shown > 0).sum(axis=0)
    spread = groups >= np.count_nonzero(targets)
    for subset in (1, 2):
        if targets[subset]:
            need[subset] = np.where(spread, np.maximum(need[subset], 1), need[subset])
    need[0] = totals - need[1] - need[2]
    return need


def _best(
    wanted: npt.NDArray[np.float64],
    room: npt.NDArray[np.float64],
    takes: npt.NDArray[np.bool_],
) -> int:
    """The subset that wants most of those with room; of equals the one with most room."""
    has_room = takes & (room > 0)
    if not has_room.any():
        has_room = takes
    return max(range(3), key=lambda k: (has_room[k], round(float(wanted[k]), 9), room[k], -k))


def _fill_empty(
    chosen: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.bool_],
) -> None:
    """Give an empty wanted subset the smallest group of the subset that has most groups."""
    for subset in range(3):
        if wanted[subset] and not (chosen == subset).any():
            donor = int(np.bincount(chosen, minlength=3).argmax())
            rows = np.flatnonzero(chosen == donor)
            chosen[rows[sizes[rows].argmin()]] = subset


def split_folder(
    data_dir: Path | str,
    *,
    val: float,
    test: float,
    group: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
    report: ConversionReport | None = None,
) -> dict[Subset, int]:
    """Split the images of a SEG folder and write its lists.

    The images are those of the lists, or where there is none, the pairs found in the folder.
    ``group`` is searched in the image's path relative to the folder. ``report`` is told what is
    left out: images without a mask, and names that no list can hold.

    Returns:
        How many images each subset got.

    Raises:
        InputError: no images, lists that exist and may not be replaced, or as ``split_items``.
    """
    folder = Path(data_dir).absolute()
    if not folder.is_dir():
        raise InputError("The data folder {folder} does not exist.", folder=folder)
    _check_overwrite(folder, overwrite)
    report = ConversionReport() if report is None else report
    listed = [item for item in _listed_items(folder, report) if _can_be_listed(item, report)]
    items = {_relative(item.image, folder): item for item in listed}
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as executor:
        shown = executor.map(_shown_classes, [item.mask for item in items.values()])
        classes = dict(zip(items, shown, strict=True))
    assignment = split_items(
        list(items), val=val, test=test, group=group, seed=seed, classes=classes
    )
    write_split(
        folder, {items[key]: subset for key, subset in assignment.items()}, overwrite=overwrite
    )
    return {subset: list(assignment.values()).count(subset) for subset in SUBSETS}


def _can_be_listed(item: Item, report: ConversionReport) -> bool:
    for path in item:
        if not is_utf8(path):
            report.alike(
                "left out",
                message(
                    "{count} {count:name is|names are} not UTF-8, and no list can hold them; "
                    "rename the files (the first is {file})."
                ),
                path,
            )
            return False
        if any(character in str(path) for character in "\t\r\n"):
            report.alike(
                "left out",
                message(
                    "{count} {count:name holds|names hold} a tab or a line break, and no list can "
                    "hold them; rename the files (the first is {file})."
                ),
                path,
            )
            return False
    return True


def _listed_items(folder: Path, report: ConversionReport) -> list[Item]:
    lists = [path for path in (find_list(folder, subset) for subset in SUBSETS) if path.exists()]
    items: dict[Path, Item] = {}
    for path in lists:
        content = read_list(path, folder)
        if content.problems:
            raise content.problems[0]
        items.update({item.image: item for item in content.items})
    if lists:
        return list(items.values())
    paired = pair_layout(folder)
    paired.report(report)
    for image, mask in paired.pairs:
        if mask is None:
            note_unlabelled(image, report)
    note_left_aside(folder, report)
    return [Item(image, mask) for image, mask in paired.pairs if mask is not None]


def _shown_classes(mask: Path) -> list[int]:
    values = np.flatnonzero(np.bincount(read_mask(mask).ravel(), minlength=256))
    return [int(value) for value in values if value != IGNORE_INDEX]


def write_split(
    data_dir: Path | str, assignment: Mapping[Item, Subset], *, overwrite: bool = False
) -> list[Path]:
    """Write the lists of a split; paths inside ``data_dir`` become relative to it.

    Args:
        data_dir: folder of the lists.
        assignment: subset of each image with its mask.
        overwrite: replace lists that exist; each is kept beside the new one as ``….bak``.

    Returns:
        The lists written.

    Raises:
        InputError: a list exists and ``overwrite`` is False.
    """
    folder = Path(data_dir).absolute()
    _check_overwrite(folder, overwrite)
    texts: dict[Path, str] = {}
    for subset in SUBSETS:  # all first: a name that no list can hold must not leave half of them
        items = sorted(item for item, of in assignment.items() if of == subset)
        pairs = [(_relative(i.image, folder), _relative(i.mask, folder)) for i in items]
        texts[list_file(folder, subset)] = list_text(pairs)
    for path in texts:
        if path.exists():
            path.rename(_free_backup(path))
    written = [path for path, text in texts.items() if text]
    for path in written:
        write_text_atomic(path, texts[path])
    return written


def _check_overwrite(folder: Path, overwrite: bool) -> None:
    for subset in SUBSETS:
        path = list_file(folder, subset)
        if path.exists() and not overwrite:
            raise InputError(
                "{file} exists already; remove it, or give --overwrite to replace the lists (the"
                " old ones are kept as .bak).",
                file=path,
            )


def _free_backup(path: Path) -> Path:
    number, backup = 1, path.with_name(f"{path.name}.bak")
    while backup.exists():
        number += 1
        backup = path.with_name(f"{path.name}.bak{number}")
    return backup


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
