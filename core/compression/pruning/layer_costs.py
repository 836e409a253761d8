"""The costs of a network's layers by channel group, taken from the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from paddle import nn

from core.compression.channel_groups import ChannelGroup, find_groups
from core.compression.flops import FlopsModel
from core.compression.pruning.costs import LayerCost, PruningCosts
from core.compression.trace import trace


def pruning_costs(net: nn.Layer, size: tuple[int, int]) -> PruningCosts:
    """Return what each layer of the deployed network costs and which groups it consists of.

    Args:
        net: a network (N, 3, H, W) → list of logits.
        size: height and width of the image in pixels.
    """
    groups = find_groups(net)
    model = FlopsModel(trace(net, size).deployed(), groups)
    return PruningCosts(
        {group.name: group.width for group in groups},
        tuple(
            LayerCost(operations, _shares(groups, made), _shares(groups, read))
            for operations, made, read in model.shares()
        ),
    )


def _shares(groups: Sequence[ChannelGroup], per_atom: npt.NDArray[np.float64]) -> dict[str, float]:
    return {
        group.name: float(share) * group.width
        for group, share in zip(groups, per_atom, strict=True)
        if share
    }
