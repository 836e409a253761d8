"""A small data set on disk, in a folder with spaces and Chinese characters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.datasets import write_data_folder
from core.images.io import write_image, write_mask

LABELS = ("background", "方块", "disc")
COUNTS = {"train": 8, "val": 3, "test": 3}


def make_data(folder: Path) -> Path:
    """Red squares (class 1) and blue discs (class 2) on dark noise, 96 x 64 pixels."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:64, :96]
    subsets = {}
    for split, count in COUNTS.items():
        pairs = []
        for index in range(count):
            image = rng.integers(0, 60, (64, 96, 3)).astype(np.uint8)
            mask = np.zeros((64, 96), np.uint8)
            x, y = rng.integers(2, 36, 2)
            square = (abs(rows - y - 12) < 12) & (abs(columns - x - 12) < 12)
            x, y = rng.integers(50, 84), rng.integers(14, 50)
            disc = (rows - y) ** 2 + (columns - x) ** 2 < 100
            for shape, value, color in ((square, 1, (20, 20, 220)), (disc, 2, (220, 40, 20))):
                mask[shape] = value
                image[shape] = color
            mask[-2:] = 255
            names = (f"images/{split} {index}.png", f"masks/{split} {index} 标注.png")
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_image(folder / names[0], image)
            write_mask(folder / names[1], mask)
            pairs.append(names)
        subsets[split] = pairs
    write_data_folder(folder, labels=LABELS, subsets=subsets)
    return folder
