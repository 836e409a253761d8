"""Adding to a network's scores what makes the most of them on labelled images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import paddle

from core.prediction.logit_adjustment import Offsets, PixelCollector, choose_offsets
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.seg.segmenter import Segmenter

#: Numbers of a score map; larger images are left out (512 MB).
_MOST_SCORES: Final = 1 << 27


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
