"""Making the most of a trained network's scores, as labelled images show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import paddle

from core.images.io import IGNORE_INDEX
from core.prediction.chance import gain_to_ask_for
from core.prediction.logit_adjustment import (
    LEAST_GAIN,
    Offsets,
    PixelCollector,
    choose_offsets,
)
from core.prediction.metrics import ConfusionMatrix
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.seg.segmenter import Segmenter

#: Numbers of a score map; larger images are left out (512 MB).
_MOST_SCORES: Final = 1 << 27
#: Images that predicting mirror images, too, is tried on.
_TRIED_ON: Final = 32


def choose_flip_test(model: Segmenter, dataset: SegDataset, *, reporter: Reporter) -> bool:
    """Have the model predict mirror images, too, where that makes more of labelled images.

    It takes twice the time for each image, so it must gain half a point of mIoU; on a handful of
    images, which cannot tell, it must not lose more than chance does.

    Args:
        model: ``flip_test`` is set.
        dataset: images with masks that were not trained on; at most 32 of them are predicted.
        reporter: is told of progress and may stop the work; then nothing has changed.
    """
    count = min(len(dataset), _TRIED_ON)
    straight, both = (ConfusionMatrix(model.num_classes) for _ in range(2))
    before = model.flip_test
    try:
        for place in range(count):
            reporter.check()
            reporter.progress(place, count, stage="evaluate")
            index = place * len(dataset) // count
            mask = dataset.read_mask(index)
            for model.flip_test, matrix in ((False, straight), (True, both)):
                image = str(dataset.raw(index)[0])
                found = model.predict(image, dataset.transforms, with_scores=False)
                assert isinstance(found, dict)  # as one image was given
                cut_off = found["label_map"] == IGNORE_INDEX
                matrix.update(found["label_map"], np.where(cut_off, IGNORE_INDEX, mask))
    finally:
        model.flip_test = before
    reporter.progress(count, count, stage="evaluate")
    without, with_it = (matrix.metrics()["miou"] or 0 for matrix in (straight, both))
    model.flip_test = with_it >= without + gain_to_ask_for(count, gain=LEAST_GAIN)
    return model.flip_test


def adjust_scores(model: Segmenter, dataset: SegDataset, *, reporter: Reporter) -> Offsets | None:
    """Choose offsets of the classes' scores on labelled images, and put them into the network.

    They become part of the bias of its last layer, so that whatever is made of the network, such
    as an exported file, has them. ``model.score_offsets`` tells of all that was added so far.

    Args:
        model: a network with a last layer in float.
        dataset: images with masks that were not trained on.
        reporter: is told of progress and may stop the work.

    Returns:
        (C,) float32, what was added; None where nothing would help (``choose_offsets``).
    """
    collector = PixelCollector(images=len(dataset), num_classes=model.num_classes)
    for index in range(len(dataset)):
        reporter.check()
        reporter.progress(index, len(dataset), stage="evaluate")
        mask = dataset.read_mask(index)
        if math.prod(mask.shape) * model.num_classes > _MOST_SCORES:
            continue
        found = model.predict(str(dataset.raw(index)[0]), dataset.transforms)
        assert isinstance(found, dict)  # as one image was given
        collector.add(found["score_map"], mask)
    reporter.progress(len(dataset), len(dataset), stage="evaluate")
    offsets = choose_offsets(collector.pixels())
    if offsets is not None:
        add_to_scores(model, offsets)
    return offsets


def add_to_scores(model: Segmenter, offsets: Offsets) -> None:
    """Add to each class's score, (C,) float32; ``model.score_offsets`` remembers it."""
    bias = model.net.state_dict()[model.catalog_entry().scores_bias]
    bias.set_value(bias + paddle.to_tensor(offsets, place=bias.place))
    known = np.zeros_like(offsets) if model.score_offsets is None else model.score_offsets
    model.score_offsets = [float(value) for value in np.asarray(known) + offsets]
