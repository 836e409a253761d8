"""A tiny data set that a network can learn in a few steps, and a reporter that remembers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core import transforms as T  # noqa: N812
from core.datasets import SegDataset, write_data_folder
from core.images import io as images
from core.system.reporting import Reporter, StopRequested

LABELS = ("background", "square", "disc")


def write_folder(folder: Path, *, train: int = 8, val: int = 3, size: int = 64) -> Path:
    """Dark noise with a red square (class 1) and a blue disc (class 2); 255 along one edge."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:size, :size]
    subsets = {}
    for split, count in (("train", train), ("val", val)):
        pairs = []
        for index in range(count):
            image = rng.integers(0, 60, (size, size, 3)).astype(np.uint8)
            mask = np.zeros((size, size), np.uint8)
            x, y = rng.integers(2, size // 2, 2)
            square = (abs(rows - y - 8) < 8) & (abs(columns - x - 8) < 8)
            x, y = rng.integers(size // 2, size - 8, 2)
            disc = (rows - y) ** 2 + (columns - x) ** 2 < 80
            for shape, value, color in ((square, 1, (20, 20, 220)), (disc, 2, (220, 40, 20))):
                mask[shape] = value
                image[shape] = color
            mask[-2:] = 255
            pair = (f"{split} {index}.png", f"{split} {index} 标注.png")
            images.write_image(folder / pair[0], image)
            images.write_mask(folder / pair[1], mask)
            pairs.append(pair)
        subsets[split] = pairs
    write_data_folder(folder, labels=LABELS, subsets=subsets)
    return folder


def dataset(
    folder: Path,
    split: str,
    *,
    size: int = 64,
    augment: bool = False,
    shuffle: bool = False,
    num_workers: int = 0,
) -> SegDataset:
    steps: list[T.Transform] = []
    if augment:
        steps += [T.RandomScaleAspect(), T.RandomHorizontalFlip(), T.RandomDistort()]
    return SegDataset(
        folder,
        folder / f"{split}_list.txt",
        folder / "labels.txt",
        T.Compose([*steps, T.Resize((size, size)), T.Normalize()]),
        num_workers=num_workers,
        shuffle=shuffle,
    )


class Recorder(Reporter):
    """Remembers everything; asks to stop at its ``stop_at``-th check."""

    def __init__(self, *, stop_at: int | None = None) -> None:
        self.metrics: dict[str, list[tuple[int, float | None]]] = {}
        self.progresses: list[dict] = []
        self.previews: list[tuple[str, int, int, np.ndarray]] = []
        self.checkpoints: list[tuple[str, float | None, int, bool]] = []
        self.warnings: list[str] = []
        self.checks = 0
        self._stop_at = stop_at

    def check(self):
        self.checks += 1
        if self.checks == self._stop_at:
            raise StopRequested

    def progress(self, step, steps, **rest):
        self.progresses.append({"step": step, "steps": steps, **rest})

    def metric(self, tag, step, value):
        self.metrics.setdefault(tag, []).append((step, value))

    def preview(self, image, index, step, label_map):
        self.previews.append((image, index, step, label_map))

    def checkpoint(self, path, score, *, epoch, best=False):
        self.checkpoints.append((Path(path).name, score, epoch, best))

    def warn(self, message):
        self.warnings.append(str(message))
