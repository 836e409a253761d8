"""Which images an epoch shows, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from core.datasets import SegDataset

Sampling = Literal["each", "balanced"]

#: Share of draws that go to a class first, then to an image that shows it.
_BY_CLASS: Final = 0.5
#: A class in more of the images than this needs no help.
_EVERYWHERE: Final = 0.9
#: Masks that are looked at; of larger sets every image is as likely as any other.
_MOST_MASKS: Final = 4000


class ImageSampler:
    """Draws the images of an epoch; a function of seed and epoch alone.

    ``"each"`` shows every image once. ``"balanced"`` draws half of the images evenly and half by
    class: a class as likely as any other, then an image that shows it (class-uniform sampling, Zhu
    et al. 2019, arXiv:1812.01593). A defect that three of 400 images show is then seen as often as
    one that a hundred show. Classes that nearly every image shows, such as background, are not
    drawn for.

    Args:
        dataset: training set; its ``shuffle`` is obeyed by ``"each"``.
        sampling: how.
        epoch_images: images an epoch; None for as many as there are.
        batch_size: the images of an epoch are a multiple of it.
        seed: of all draws.
    """

    def __init__(
        self,
        dataset: SegDataset,
        *,
        sampling: Sampling = "each",
        epoch_images: int | None = None,
        batch_size: int,
        seed: int,
    ) -> None:
        self._count = len(dataset)
        self._shuffle = dataset.shuffle
        self._wanted = epoch_images or self._count
        self._batch_size = batch_size
        self._seed = seed
        self._by_class = _images_by_class(dataset) if sampling == "balanced" else []

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last incomplete one is dropped."""
        return self._wanted // self._batch_size

    def epoch(self, epoch: int) -> list[tuple[int, int]]:
        """Return (index, how often it was drawn before in this epoch) of each image in order."""
        chosen = self._draw(np.random.default_rng([self._seed, epoch]))
        chosen = chosen[: self.steps_per_epoch * self._batch_size]
        before: dict[int, int] = {}
        drawn = []
        for index in chosen.tolist():
            drawn.append((index, before.get(index, 0)))
            before[index] = before.get(index, 0) + 1
        return drawn

    def _draw(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        even = self._wanted - (round(self._wanted * _BY_CLASS) if self._by_class else 0)
        rounds = [self._round(rng) for _ in range(-(-even // self._count))]
        chosen = np.concatenate(rounds)[:even]
        if not self._by_class:
            return chosen
        classes = rng.integers(len(self._by_class), size=self._wanted - even)
        by_class = np.array([rng.choice(self._by_class[one]) for one in classes], dtype=np.int64)
        return rng.permutation(np.concatenate([chosen, by_class]))

    def _round(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        return rng.permutation(self._count) if self._shuffle else np.arange(self._count)


def _images_by_class(dataset: SegDataset) -> list[npt.NDArray[np.int64]]:
    """Return the indices of the images that show each class that some images lack."""
    if len(dataset) > _MOST_MASKS:
        return []
    shown = np.zeros((len(dataset), dataset.num_classes), bool)
    for index in range(len(dataset)):
        counts = np.bincount(dataset.read_mask(index).ravel(), minlength=dataset.num_classes)
        shown[index] = counts[: dataset.num_classes] > 0
    images = shown.sum(axis=0)
    wanted = np.flatnonzero((images > 0) & (images <= _EVERYWHERE * len(dataset)))
    return [np.flatnonzero(shown[:, one]) for one in wanted]
