"""Folders in PaddleX's SEG layout, and the dataset that training reads from them.

A folder holds ``labels.txt`` (line number = class index), ``train_list.txt``, ``val_list.txt`` and
``test_list.txt`` (lines ``image mask``; or PaddleSeg's ``train.txt`` …), and perhaps ``colors.txt``
(lines ``red green blue``).
"""

from __future__ import annotations

import contextlib
import copy
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from core.images import io as images
from core.images.io import IGNORE_INDEX
from core.images.palette import Color, default_palette
from core.system.errors import InputError, MissingFilesError, named
from core.system.files import (
    encoding_remark,
    make_folder,
    noting_encodings,
    read_text,
    read_text_that_fits,
    write_text_atomic,
)
from core.system.folders import same_name
from core.system.messages import Message, message
from core.transforms import ArrangeSegmenter, Compose, Transform
from core.transforms.base import size_mismatch

Subset = Literal["train", "val", "test"]
SUBSETS: tuple[Subset, ...] = ("train", "val", "test")
LABELS_FILE = "labels.txt"
COLORS_FILE = "colors.txt"
_TOKEN = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'(?=\s|$)|(\S+))")


class Item(NamedTuple):
    """One image and its mask, both absolute."""

    image: Path
    mask: Path


@dataclass(frozen=True, slots=True)
class FileList:
    """What a list file says.

    Attributes:
        items: what it names, as it is spelt on the disk.
        problems: its faulty lines, in order.
        respelt: files that it spells otherwise, in letter case or in Unicode's normal form.
    """

    items: tuple[Item, ...]
    problems: tuple[InputError, ...] = ()
    respelt: tuple[Path, ...] = ()


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


def list_text(pairs: Iterable[tuple[Path | str, Path | str]]) -> str:
    """Return the lines of a list, tab-separated so that paths may hold spaces.

    Raises:
        InputError: a path holds a tab or a line break.
    """
    return "".join(f"{_posix(image)}\t{_posix(mask)}\n" for image, mask in pairs)


def _posix(path: Path | str) -> str:
    text = Path(path).as_posix()
    if any(character in text for character in "\t\r\n"):
        raise InputError("The path {file} holds a tab or a line break; rename it.", file=repr(text))
    return text


def read_labels(path: Path | str) -> tuple[str, ...]:
    """Read class names, one a line; blank lines at the end do not count.

    Raises:
        InputError: missing, empty, a blank line between names, a name twice, or over 255 names.
    """
    lines = [line.strip() for line in read_text(path).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise InputError("{file} is empty; write one class name on each line.", file=path)
    if "" in lines:
        raise InputError(
            "Line {line} of {file} is blank; each line names the class of its index.",
            line=lines.index("") + 1,
            file=path,
        )
    for index, name in enumerate(lines):
        if name in lines[:index]:
            raise InputError(
                "{file} names the class {label} twice; class names must differ.",
                file=path,
                label=name,
            )
    if len(lines) > IGNORE_INDEX:
        raise InputError(
            "{file} names {count} {count:class|classes}; there can be at most 255.",
            file=path,
            count=len(lines),
        )
    return tuple(lines)


def read_colors(data_dir: Path | str, count: int) -> tuple[Color, ...]:
    """Return ``count`` colours: those of ``colors.txt``, filled up from the default palette.

    Raises:
        InputError: a line of ``colors.txt`` is not three numbers from 0 to 255.
    """
    path = Path(data_dir) / COLORS_FILE
    colors: list[Color] = []
    for number, line in enumerate(read_text(path).split("\n") if path.exists() else [], 1):
        if not line.strip():
            continue
        values = line.replace(",", " ").split()
        if len(values) != 3 or not all(v.isdecimal() and int(v) <= 255 for v in values):
            raise InputError(
                "Line {line} of {file} is not a colour: write red, green and blue from 0 to 255.",
                line=number,
                file=path,
            )
        red, green, blue = (int(value) for value in values)
        colors.append((red, green, blue))
    return (*colors[:count], *default_palette(count)[len(colors) :])


def read_list(path: Path | str, data_dir: Path | str) -> FileList:
    """Read the lines ``image mask`` of a list; they may name files that do not exist.

    Paths with spaces are separated by a tab or quoted; relative ones start at ``data_dir`` and
    stay inside it. Where there is only one file that differs in nothing but letter case or
    Unicode's normal form, it is meant.

    Raises:
        InputError: the list itself is missing or no text.
    """
    folder = str(Path(data_dir).absolute())
    items: list[Item] = []
    problems: list[InputError] = []
    spelling = _Spelling()
    for number, tokens in list_lines(path):
        try:
            if isinstance(tokens, InputError):
                raise tokens
            if len(tokens) < 2:
                raise InputError(
                    "Line {line} of {file} names an image but no mask.", line=number, file=path
                )
            image, mask = (
                spelling.on_disk(resolve_listed(name, folder, path, number)) for name in tokens
            )
        except InputError as error:
            problems.append(error)
        else:
            items.append(Item(image, mask))
    return FileList(tuple(items), tuple(problems), tuple(spelling.changed))


class _Spelling:
    """Finds files by names that differ from theirs in letter case or Unicode's normal form."""

    def __init__(self) -> None:
        self.changed: dict[Path, None] = {}
        self._folders: dict[Path, dict[str, list[str]]] = {}

    def on_disk(self, path: Path) -> Path:
        """Return a path as it is spelt; unchanged where it exists, or not one file is meant."""
        if os.path.exists(path):  # noqa: PTH110 - Path.exists raises for names that are too long
            return path
        found = self._find(path)
        if found is None:
            return path
        self.changed[found] = None
        return found

    def _find(self, path: Path) -> Path | None:
        if os.path.exists(path) or path.parent == path:  # noqa: PTH110
            return path
        folder = self._find(path.parent)
        if folder is None:
            return None
        names = self._names(folder).get(same_name(path.name), [])
        return folder / names[0] if len(names) == 1 else None

    def _names(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._folders:
            names: dict[str, list[str]] = {}
            with contextlib.suppress(OSError):
                for entry in folder.iterdir():
                    names.setdefault(same_name(entry.name), []).append(entry.name)
            self._folders[folder] = names
        return self._folders[folder]


def respelt_remark(files: Sequence[Path], file_list: Path | str) -> Message:
    """Say that files were taken though a list spells them otherwise; at least one."""
    return message(
        "{count} {count:file|files} of {list} {count:is|are} spelt otherwise on the disk, in "
        "letter case or accents; they are taken as they differ in nothing else (the first is "
        "{file}).",
        count=len(files),
        list=file_list,
        file=files[0],
    )


def list_lines(path: Path | str) -> Iterator[tuple[int, tuple[str, ...] | InputError]]:
    """Yield the number of each line of a list with the one or two names on it, or its fault.

    Raises:
        InputError: the list itself is missing or no text.
    """
    text = read_text_that_fits(path, lambda text: _names_files(text, Path(path)))
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, _split_line(line, path, number)
            except InputError as error:
                yield number, error


def _names_files(text: str, path: Path) -> bool:
    """Whether the first name of a list with anything but ASCII is that of a file beside it."""
    for line in text.split("\n"):
        if line.strip() and not line.isascii():
            with contextlib.suppress(InputError, OSError, ValueError):
                name = _split_line(line, path, 0)[0].replace("\\", "/")
                return (path.parent / name).is_file()
            return False
    return True


def _split_line(line: str, path: Path | str, number: int) -> tuple[str, ...]:
    if "\t" in line.strip():
        tokens = [part.strip().strip('"') for part in line.strip().split("\t") if part.strip()]
    else:
        tokens = [next(filter(None, groups)) for groups in _TOKEN.findall(line.strip())]
    if len(tokens) > 2:
        raise InputError(
            "Line {line} of {file} has {count} {count:part|parts} where an image and a mask "
            "belong; separate paths that hold spaces by a tab or put them in quotes.",
            line=number,
            file=path,
            count=len(tokens),
        )
    return tuple(tokens)


def resolve_listed(name: str, data_dir: str, path: Path | str, number: int) -> Path:
    """Return the absolute path that a line of a list names.

    Args:
        name: as the line has it.
        data_dir: absolute folder; a relative name may not climb out of it.
        path: the list.
        number: of the line.

    Raises:
        InputError: the name leads outside.
    """
    if os.sep == "/" and "\\" in name:
        name = name.replace("\\", "/")  # lists written on Windows
    # Strings, because a list may have 100 000 lines and every Path costs microseconds.
    inside = os.path.normpath(name)
    if os.path.isabs(inside):  # noqa: PTH117
        return Path(inside)
    if inside.split(os.sep, 1)[0] == os.pardir or os.path.splitdrive(inside)[0]:
        raise InputError(
            "Line {line} of {file} leaves the data folder with {path}; name files inside it, or"
            " write the whole path.",
            line=number,
            file=path,
            path=name,
        )
    return Path(os.path.join(data_dir, inside))  # noqa: PTH118


class SegDataset:
    """Images and masks of one list file.

    Args:
        data_dir: folder that relative paths start at.
        file_list: text file of lines ``image mask``.
        label_list: text file of class names; its line number is the class index. None: the
            folder's ``labels.txt``.
        transforms: ``Compose`` or list of transforms; copied.
        num_workers: loader processes, or "auto".
        shuffle: whether training mixes the order.

    Attributes:
        labels: class names.
        num_classes: their number.
        file_list: ``{"image": path, "mask": path}`` of each sample, absolute.
        remarks: what was assumed to read the two lists.

    Raises:
        InputError: a missing or empty list, a faulty line, a missing image or mask.
    """

    def __init__(
        self,
        data_dir: Path | str,
        file_list: Path | str,
        label_list: Path | str | None = None,
        transforms: Compose | Sequence[Transform] | None = None,
        num_workers: int | Literal["auto"] = "auto",
        shuffle: bool = False,
    ) -> None:
        if transforms is not None and not isinstance(transforms, Compose):
            transforms = Compose(transforms)
        self.transforms: Compose | None = copy.deepcopy(transforms)
        if num_workers != "auto" and int(num_workers) < 0:
            raise InputError(
                "num_workers is {value}: give 0 or more, or “auto”.", value=num_workers
            )
        self.num_workers = num_workers
        self.shuffle = shuffle
        with noting_encodings() as encodings:
            self.labels = list(read_labels(label_list or Path(data_dir) / LABELS_FILE))
            content = read_list(file_list, data_dir)
        self.num_classes = len(self.labels)
        self.remarks = [encoding_remark(file, one) for file, one in encodings.items()]
        if content.respelt:
            self.remarks.append(respelt_remark(content.respelt, file_list))
        if content.problems:
            raise content.problems[0]
        if not content.items:
            raise InputError("{file} lists no images.", file=file_list)
        check_exist(content.items, file_list)
        self.file_list = [{"image": str(i.image), "mask": str(i.mask)} for i in content.items]
        self._known = np.zeros(256, np.uint8)
        self._known[[*range(self.num_classes), IGNORE_INDEX]] = 1

    def __len__(self) -> int:
        return len(self.file_list)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        return self.get(index)

    def get(
        self, index: int, rng: np.random.Generator | None = None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return image (3, H, W) float32 and mask (H, W) int64 after the transforms.

        Args:
            index: place in ``file_list``.
            rng: decides everything random; None is unpredictable.

        Raises:
            InputError: unreadable, sizes differ, or a mask value outside the classes.
        """
        if self.transforms is None:
            raise InputError("The dataset has no transforms; give it some before training.")
        image, mask = self.raw(index)
        values = images.read_mask(mask)
        pixels = images.read_image(image)
        if values.shape != pixels.shape[:2]:
            raise _mismatch(mask, values, (pixels.shape[1], pixels.shape[0]))
        self._check_values(mask, values)
        sample = self.transforms({"image": pixels, "mask": values}, rng)
        arranged = ArrangeSegmenter("train")(sample)
        return arranged[0], arranged[1]

    def raw(self, index: int) -> tuple[str, str]:
        """Return the paths (image, mask)."""
        entry = self.file_list[index]
        return entry["image"], entry["mask"]

    def read_mask(self, index: int) -> npt.NDArray[np.uint8]:
        """Return the mask (H, W) uint8 as it is on disk, checked against image size and classes.

        Raises:
            InputError: unreadable, another size than the image, or a value outside the classes.
        """
        image, mask = self.raw(index)
        values = images.read_mask(mask)
        size = images.image_size(image)
        if (values.shape[1], values.shape[0]) != size:
            raise _mismatch(mask, values, size)
        self._check_values(mask, values)
        return values

    def _check_values(self, path: str, mask: npt.NDArray[np.uint8]) -> None:
        if int(cv2.LUT(mask, self._known).min(initial=1)):
            return
        counts = np.bincount(mask.ravel(), minlength=256)
        counts[[*range(self.num_classes), IGNORE_INDEX]] = 0
        value = int(counts.argmax())
        raise unknown_values_error(path, value, int(counts[value]), self.num_classes)


def check_exist(items: Sequence[Item], file_list: Path | str) -> None:
    """Raise ``MissingFilesError`` naming all images and masks of a list that are missing."""
    missing = [item for item in items if not (item.image.is_file() and item.mask.is_file())]
    if len(missing) > 1:
        files = [file for item in missing for file in item if not file.is_file()]
        raise MissingFilesError(
            "Files of {list} do not exist ({count}): {names}.",
            count=len(files),
            list=file_list,
            names=named(files),
            files=[item.image for item in missing],
        )
    for item in missing:
        check_exists(item, file_list)


def check_exists(item: Item, file_list: Path | str) -> None:
    """Raise ``InputError`` when the image or the mask of a list's line is missing."""
    if not item.image.is_file():
        if (other := _called_alike(item.image)) is not None:
            raise _alike_error(item.image, other, file_list)
        raise MissingFilesError(
            "The image {file} of {list} does not exist.",
            file=item.image,
            list=file_list,
            files=[item.image],
        )
    if not item.mask.is_file():
        if (other := _called_alike(item.mask)) is not None:
            raise _alike_error(item.mask, other, file_list)
        raise MissingFilesError(
            "The mask {file} of {list} does not exist.",
            file=item.mask,
            list=file_list,
            files=[item.image],
        )


def _alike_error(path: Path, other: str, file_list: Path | str) -> InputError:
    return InputError(
        "The file {file} of {list} does not exist, but {other} does; letter case and the spelling"
        " of accents must agree.",
        file=path,
        list=file_list,
        other=other,
    )


def _called_alike(path: Path) -> str | None:
    """Return the name of a file that differs in letter case or Unicode's normal form only."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return None
    return next((name for name in names if same_name(name) == same_name(path.name)), None)


def unknown_values_error(path: Path | str, value: int, count: int, num_classes: int) -> InputError:
    """The error of a mask with ``count`` pixels of a ``value`` that is no class."""
    return InputError(
        "The mask {file} holds the value {value} on {count} {count:pixel|pixels}, but the "
        "{classes} {classes:class has|classes have} the values 0 to {last} (255 is ignored).",
        file=path,
        value=value,
        count=count,
        classes=num_classes,
        last=num_classes - 1,
    )


def _mismatch(path: str, mask: npt.NDArray[np.uint8], size: tuple[int, int]) -> InputError:
    return size_mismatch(path, (mask.shape[1], mask.shape[0]), size)
