"""A part of an evaluation set that ranks networks much as the whole one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from core.datasets import SegDataset


def choose_images(
    dataset: SegDataset, count: int, *, check: Callable[[], None] = lambda: None
) -> list[int]:
    """Choose images so that every class is seen, the rare ones first; always the same ones.

    Args:
        dataset: images with masks.
        count: how many to choose; all if there are no more.
        check: called now and then; may raise to stop.

    Returns:
        indices, the most needed first.
    """
    if count >= len(dataset):
        return list(range(len(dataset)))
    present = np.zeros((len(dataset), dataset.num_classes), dtype=bool)
    for index in range(len(dataset)):
        check()
        present[index] = np.bincount(dataset.read_mask(index).ravel(), minlength=256)[
            : dataset.num_classes
        ]
    return choose_rows(present, count)


def choose_rows(present: npt.NDArray[np.bool_], count: int) -> list[int]:
    """Choose rows so that each column's True occur often enough.

    Args:
        present: (images, classes): whether the image holds the class.
        count: how many rows to choose.

    Returns:
        rows, in the order chosen: for each class in turn, the rarest first, until it has its
        share, then evenly spread ones.
    """
    images = len(present)
    occurring = np.flatnonzero(present.any(axis=0))
    share = max(1, count // (2 * max(1, len(occurring))))
    chosen: list[int] = []
    for column in occurring[np.argsort(present[:, occurring].sum(axis=0), kind="stable")]:
        missing = share - int(present[chosen, column].sum())
        candidates = np.flatnonzero(present[:, column])
        candidates = candidates[~np.isin(candidates, chosen)]
        chosen += _spread(candidates, min(missing, count - len(chosen)))
    others = np.setdiff1d(np.arange(images), chosen)
    return chosen + _spread(others, min(count, images) - len(chosen))


def _spread(candidates: npt.NDArray[np.int64], count: int) -> list[int]:
    """Choose ``count`` of the candidates, evenly spread."""
    count = min(count, len(candidates))
    if count <= 0:
        return []
    places = np.linspace(0, len(candidates) - 1, count + 2)[1:-1] if count < 3 else None
    if places is None:
        places = np.linspace(0, len(candidates) - 1, count)
    return [int(candidates[round(place)]) for place in places]
