"""Batch norms of several ranks: measured together on GPUs, averaged on processors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from paddle import nn
from paddle.nn.layer.norm import _BatchNormBase


def statistics_of_each_rank(net: Any) -> list[Any]:
    """Running statistics that ranks would keep apart: those of batch norms that do not sync."""
    return [
        statistic
        for layer in net.sublayers(include_self=True)
        if isinstance(layer, _BatchNormBase) and not isinstance(layer, nn.SyncBatchNorm)
        for statistic in (layer._mean, layer._variance)
    ]


@contextlib.contextmanager
def synchronized_batch_norm(net: Any, *, on: bool) -> Iterator[None]:
    """Within, the batch norms of ``net`` measure the whole batch of all ranks (GPUs only).

    Only the layer objects change: parameters, statistics and their names stay, and the former
    layers come back at the end, since synchronised ones do not run on a processor.
    """
    replaced = []
    if on:
        for parent in net.sublayers(include_self=True):
            for name, layer in list(parent.named_children()):
                if type(layer) is nn.BatchNorm2D:
                    replaced.append((parent, name, layer))
                    setattr(parent, name, nn.SyncBatchNorm.convert_sync_batchnorm(layer))
    try:
        yield
    finally:
        for parent, name, layer in replaced:
            layer.training = getattr(parent, name).training
            setattr(parent, name, layer)
