"""A few of a dataset's images, as a network gets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from core.datasets import SegDataset


def first_image_size(dataset: SegDataset) -> tuple[int, int]:
    """Return (height, width) of a dataset's first image as the network gets it."""
    height, width = dataset.get(0, np.random.default_rng(0))[0].shape[1:]
    return height, width


def spread_evenly(dataset: SegDataset, count: int) -> list[int]:
    """Return the indices of about so many images, evenly spread over the dataset."""
    places = np.linspace(0, len(dataset) - 1, count).round().astype(np.int64)
    return [int(index) for index in np.unique(places)]


def batches_of_one_size(
    dataset: SegDataset, indices: Iterable[int], *, batch_size: int
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield images (N, 3, H, W) float32, at most ``batch_size`` of the same size at once."""
    batch: list[npt.NDArray[np.float32]] = []
    for index in indices:
        image = dataset.get(index, np.random.default_rng(index))[0]
        if batch and (len(batch) == batch_size or batch[0].shape != image.shape):
            yield np.stack(batch)
            batch = []
        batch.append(image)
    if batch:
        yield np.stack(batch)
