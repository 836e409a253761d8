"""A folder in PaddleX's SEG layout: which subsets it has, and writing one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.datasets.class_files import COLORS_FILE, LABELS_FILE, read_colors, read_labels
from core.datasets.file_lists import Item, list_lines, list_text, read_list
from core.datasets.seg_dataset import SegDataset
from core.images.palette import Color
from core.system.errors import InputError
from core.system.files import make_folder, write_text_atomic
from core.transforms import Compose, Transform

Subset = Literal["train", "val", "test"]
SUBSETS: tuple[Subset, ...] = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder in SEG layout: class names, subsets that have a list, and class colours."""

    path: Path
    labels: tuple[str, ...]
    subsets: Mapping[Subset, tuple[Item, ...]]
    colors: tuple[Color, ...]

    def dataset(
        self, split: Subset, transforms: Compose | Sequence[Transform] | None = None
    ) -> SegDataset:
        """Return one subset as a dataset.

        Raises:
            InputError: the subset has no list, or as ``SegDataset``.
        """
        return SegDataset(
            self.path, find_list(self.path, split), self.path / LABELS_FILE, transforms
        )


def list_file(data_dir: Path | str, split: Subset) -> Path:
    """Return the path of a subset's list."""
    return Path(data_dir) / f"{split}_list.txt"


def find_list(data_dir: Path | str, split: Subset) -> Path:
    """Return the path of a subset's list as it is there: ``list_file``, or PaddleSeg's.

    PaddleSeg calls them ``train.txt`` …; such a file counts where none of ``list_file`` exists, and
    only if its first line names an image with a mask: files of other tools have these names, too.
    """
    path = list_file(data_dir, split)
    if any(list_file(data_dir, subset).exists() for subset in SUBSETS):
        return path
    other = Path(data_dir) / f"{split}.txt"
    return other if _lists_pairs(other) else path


def _lists_pairs(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        _, tokens = next(list_lines(path), (0, ()))
    except InputError:
        return False
    return not isinstance(tokens, InputError) and len(tokens) == 2


def open_data_folder(data_dir: Path | str) -> DataFolder:
    """Read a folder's class names and lists; the images themselves are not looked at.

    Raises:
        InputError: no such folder, no or an empty ``labels.txt``, no list at all, or a faulty line.
    """
    folder = Path(data_dir).absolute()
    if not folder.is_dir():
        raise InputError("The data folder {folder} does not exist.", folder=folder)
    labels = read_labels(folder / LABELS_FILE)
    subsets: dict[Subset, tuple[Item, ...]] = {}
    for split in SUBSETS:
        path = find_list(folder, split)
        if path.exists():
            content = read_list(path, folder)
            if content.problems:
                raise content.problems[0]
            subsets[split] = content.items
    if not subsets:
        raise InputError(
            "{folder} has no train_list.txt, val_list.txt or test_list.txt; split the data first.",
            folder=folder,
        )
    return DataFolder(folder, labels, subsets, read_colors(folder, len(labels)))


def write_data_folder(
    data_dir: Path | str,
    *,
    labels: Sequence[str],
    subsets: Mapping[Subset, Iterable[tuple[Path | str, Path | str]]],
    colors: Sequence[Color] | None = None,
) -> None:
    """Write the text files of a SEG folder, tab-separated; files of these names are replaced.

    Args:
        data_dir: folder, made if missing.
        labels: class names.
        subsets: (image, mask) pairs of each subset, absolute or relative to ``data_dir``.
        colors: red, green, blue of each class.
    """
    folder = make_folder(data_dir)
    write_text_atomic(folder / LABELS_FILE, "".join(f"{label}\n" for label in labels))
    if colors is not None:
        lines = (f"{red} {green} {blue}\n" for red, green, blue in colors)
        write_text_atomic(folder / COLORS_FILE, "".join(lines))
    for split, pairs in subsets.items():
        write_text_atomic(list_file(folder, split), list_text(pairs))
