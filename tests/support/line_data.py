"""Labelled pictures in SEG layout for exported models of a few nodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from line_models import LABELS

from core.datasets import write_data_folder
from core.images.io import write_image, write_mask


def write_labelled(
    folder: Path, pictures: Sequence[np.ndarray], masks: Sequence[np.ndarray]
) -> Path:
    """Write pictures (BGR) with their masks as the subset ``val``."""
    folder.mkdir()
    pairs = []
    for index, (picture, mask) in enumerate(zip(pictures, masks, strict=True)):
        write_image(folder / f"{index}.png", picture)
        write_mask(folder / f"{index}_mask.png", mask)
        pairs.append((f"{index}.png", f"{index}_mask.png"))
    write_data_folder(folder, labels=LABELS, subsets={"val": pairs})
    return folder
