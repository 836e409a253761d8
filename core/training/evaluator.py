"""Evaluation and previews during a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import paddle

from core.models.trainable import TrainableModel
from core.prediction import paddle_predictor as inference
from core.prediction.metrics import ConfusionMatrix
from core.system.errors import InputError
from core.system.reporting import Reporter
from core.training.distributed import Ranks

if TYPE_CHECKING:
    from core.datasets import SegDataset


class Evaluator:
    """Evaluates a model that is being trained and shows what it predicts.

    Args:
        model: its ``net`` and ``num_classes`` are used.
        dataset: evaluation set; its transforms preprocess.
        preview_images: how many images, evenly spread and always the same, to show.
        reporter: gets metrics and previews, of rank 0.
        ranks: each of them evaluates its share of the images.
    """

    def __init__(
        self,
        model: TrainableModel,
        dataset: SegDataset,
        *,
        preview_images: int,
        reporter: Reporter,
        ranks: Ranks,
    ) -> None:
        if dataset.transforms is None:
            raise InputError("The evaluation set has no transforms; give it some before training.")
        self._dataset = dataset
        self._reporter = reporter
        self._model = model
        self._predictor = inference.ImagePredictor(
            model.net, dataset.transforms, num_classes=model.num_classes
        )
        spread = np.linspace(0, len(dataset) - 1, min(preview_images, len(dataset)))
        chosen = np.unique(spread.round().astype(int)).tolist()
        self._previews = {index: place for place, index in enumerate(chosen)}
        self._ranks = ranks
        self._indices = rank_shares(len(dataset), ranks.size, first=chosen)[ranks.rank]

    def evaluate(self, step: int, *, on_step: Callable[[int, int], None]) -> ConfusionMatrix:
        """Evaluate, with previews; report ``val/…`` metrics at global ``step``.

        All ranks get the same matrix, of all images.
        """

        def show(image: inference.ImageEvaluation, label_map: inference.LabelMap) -> None:
            if image.index in self._previews:
                self._show(image.index, label_map, step)

        self._predictor.multiple = self._model.size_multiple  # which training may have changed
        matrix = inference.evaluate(
            self._predictor,
            self._dataset,
            indices=self._indices,
            on_step=on_step,
            on_image=show,
        )
        if self._ranks.size > 1:
            matrix.matrix[:] = self._ranks.sum_(paddle.to_tensor(matrix.matrix)).numpy()
        metrics = matrix.metrics()
        for name in ("miou", "oacc", "kappa"):
            self._reporter.metric(f"val/{name}", step, metrics[name])
        for index, value in enumerate(metrics["category_iou"]):
            self._reporter.metric(f"val/iou/{index}", step, value)
        return matrix

    def preview(self, step: int) -> None:
        """Predict and report the preview images only."""
        self._predictor.multiple = self._model.size_multiple
        for index in self._previews:
            prepared = self._predictor.prepare(self._dataset.raw(index)[0])
            self._show(index, self._predictor.label_maps([prepared])[0], step)

    def _show(self, index: int, label_map: inference.LabelMap, step: int) -> None:
        image = str(self._dataset.raw(index)[0])
        self._reporter.preview(image, self._previews[index], step, label_map)


def rank_shares(count: int, ranks: int, *, first: Sequence[int]) -> list[list[int]]:
    """Deal ``count`` images to ranks as evenly as can be; rank 0 gets ``first`` before others."""
    shares: list[list[int]] = [list(first), *([] for _ in range(ranks - 1))]
    for index in range(count):
        if index not in first:
            min(shares, key=len).append(index)
    return [sorted(share) for share in shares]
