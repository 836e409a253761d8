"""Images of a data set that show whether a machine computes what it should."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from core.datasets import SegDataset
from core.images.io import IGNORE_INDEX, image_size

#: Most images of a bundle, and the most pixels of all of them but the first.
MOST_SAMPLES: Final = 4
_MOST_PIXELS: Final = 20_000_000
#: Most masks that are read to choose from.
_LOOKED_AT: Final = 100


def choose_sample_images(dataset: SegDataset) -> list[Path]:
    """Return the paths of a few images that together show as many classes as possible.

    Raises:
        InputError: a mask cannot be read.
    """
    step = max(1, len(dataset) // _LOOKED_AT)
    indices = range(0, len(dataset), step)
    shown: set[int] = set()
    chosen: list[Path] = []
    room = _MOST_PIXELS
    classes = {index: _classes(dataset, index) for index in indices}
    while classes and len(chosen) < MOST_SAMPLES:
        index = max(classes, key=lambda one: (len(classes[one] - shown), len(classes[one]), -one))
        shown |= classes.pop(index)
        image = Path(dataset.raw(index)[0])
        width, height = image_size(image)
        if chosen and width * height > room:
            continue
        room -= width * height
        chosen.append(image)
    return chosen


def _classes(dataset: SegDataset, index: int) -> set[int]:
    present: Sequence[int] = np.unique(dataset.read_mask(index)).tolist()
    return set(present) - {IGNORE_INDEX}
