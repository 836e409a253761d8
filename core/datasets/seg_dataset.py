"""The dataset that training reads from a list."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from core.datasets.class_files import LABELS_FILE, read_labels
from core.datasets.file_lists import check_exist, read_list, respelt_remark
from core.images import io as images
from core.images.io import IGNORE_INDEX
from core.system.errors import InputError
from core.system.files import encoding_remark, noting_encodings
from core.transforms import ArrangeSegmenter, Compose, Transform
from core.transforms.base import size_mismatch


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
