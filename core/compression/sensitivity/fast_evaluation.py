"""Measuring one network many times, each time with other channels gone, at little cost.

Only part of the images is used; they are compared where the network sees them, at its input's
size; and what the missing channels do not change is computed once.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import paddle
from paddle import Tensor, nn

from core.compression.sensitivity.partial_forward import PartialForward, Plan
from core.portable.tiling import window_starts
from core.prediction.metrics import ConfusionMatrix
from core.prediction.paddle_predictor import WINDOW, inference_mode, only_size
from core.system.errors import InputError

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.transforms import Compose

#: Bytes of activations kept from one measurement of a group to the next.
_CACHE_BYTES: Final = 2**30
#: Bytes of images held in memory; those chosen last are left out beyond it.
_IMAGE_BYTES: Final = 2**29


@dataclass(frozen=True, slots=True)
class _Batch:
    """Images (N, 3, H, W) float32 with masks (N, H, W) uint8, 255 ignored."""

    images: npt.NDArray[np.float32]
    masks: npt.NDArray[np.uint8]


class FastEvaluation:
    """Repeated measurements of ``net``.

    Args:
        net: a network (N, 3, H, W) → list of logits.
        dataset: images with masks.
        transforms: their preprocessing.
        indices: which images, the most needed first.
        batch_size: images computed at once.
        check: called at every batch; may raise to stop.
        cache_bytes: most bytes of activations that are kept.

    Attributes:
        images: how many images are used.
    """

    def __init__(
        self,
        net: nn.Layer,
        dataset: SegDataset,
        transforms: Compose,
        *,
        indices: Sequence[int],
        batch_size: int,
        check: Callable[[], None],
        cache_bytes: int = _CACHE_BYTES,
    ) -> None:
        self._net = net
        self._check = check
        self._num_classes = dataset.num_classes
        self._cache_bytes = cache_bytes
        data = copy.copy(dataset)
        data.transforms = transforms
        self._batches: list[_Batch] = []
        self.images = 0
        self._load(data, indices, batch_size, only_size(net, transforms) or WINDOW)
        self._forwards: dict[tuple[int, int], PartialForward] = {}
        self._changed: frozenset[str] | None = None
        self._kept: dict[int, dict[int, Tensor]] = {}
        self._kept_bytes = 0

    def miou(self, changed: Collection[str] = ()) -> float:
        """Measure the network as it is now.

        Args:
            changed: paths of the layers whose weights may differ from those of the network that
                was measured first; asked for the same paths again, what they do not reach is
                not computed again.

        Raises:
            InputError: no pixel of the images has a class.
        """
        if frozenset(changed) != self._changed:
            self._changed = frozenset(changed)
            self._kept.clear()
            self._kept_bytes = 0
        total = ConfusionMatrix(self._num_classes)
        with inference_mode(self._net):
            for number, batch in enumerate(self._batches):
                self._check()
                total.update(self._label_maps(number, batch), batch.masks)
        miou: float | None = total.metrics()["miou"]
        if miou is None:
            raise InputError(
                "No pixel of the evaluation set has a class: all are ignored (255); correct its "
                "masks."
            )
        return miou

    def _label_maps(self, number: int, batch: _Batch) -> npt.NDArray[np.uint8]:
        height, width = batch.images.shape[2:]
        forward = self._forwards.get((height, width))
        if forward is None:
            forward = self._forwards[height, width] = PartialForward(self._net, (height, width))
        plan = forward.plan(self._changed or ())
        frontier = self._kept.get(number)
        if frontier is None:
            frontier = self._frontier(number, batch, forward, plan)
        logits = forward.run(plan.rest, frontier, keep=(forward.logits,))[forward.logits]
        label_maps: npt.NDArray[np.uint8] = paddle.argmax(logits, axis=1).numpy().astype(np.uint8)
        return label_maps

    def _frontier(
        self, number: int, batch: _Batch, forward: PartialForward, plan: Plan
    ) -> dict[int, Tensor]:
        """Compute what the change does not reach, and keep it if there is room."""
        image = {forward.input: paddle.to_tensor(batch.images)}
        frontier = forward.run(plan.trunk, image, keep=plan.frontier)
        size = sum(tensor.size * tensor.element_size() for tensor in frontier.values())
        if self._kept_bytes + size <= self._cache_bytes:
            self._kept_bytes += size
            self._kept[number] = frontier
        return frontier

    def _load(
        self,
        dataset: SegDataset,
        indices: Sequence[int],
        batch_size: int,
        window: tuple[int, int],
    ) -> None:
        by_size: dict[tuple[int, ...], list[tuple[npt.NDArray[np.float32], Any]]] = {}
        used = 0
        for index in indices:
            self._check()
            image, mask = dataset.get(index, np.random.default_rng(index))
            used += image.nbytes + mask.size
            if used > _IMAGE_BYTES and self.images:
                break
            self.images += 1
            for tile, labels in _tiles(image, mask.astype(np.uint8), window):
                by_size.setdefault(labels.shape, []).append((tile, labels))
        for tiles in by_size.values():
            for start in range(0, len(tiles), batch_size):
                images, masks = zip(*tiles[start : start + batch_size], strict=True)
                self._batches.append(_Batch(np.stack(images), np.stack(masks)))


def _tiles(
    image: npt.NDArray[np.float32], mask: npt.NDArray[np.uint8], window: tuple[int, int]
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]]:
    """Cut what is larger than a window, as ``predict`` does, but without overlap to blend."""
    height, width = mask.shape
    tops, tall = window_starts(height, window[1], 0)
    lefts, wide = window_starts(width, window[0], 0)
    for top in tops:
        for left in lefts:
            rows, columns = slice(top, top + tall), slice(left, left + wide)
            yield image[:, rows, columns], mask[rows, columns]
