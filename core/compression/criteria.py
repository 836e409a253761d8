"""How filters are ranked before some of them go: PaddleSlim's criteria.

PaddleSlim 2.6.0's pruners answer only "which filters at this ratio", through a graph walk that
does not finish on every network; so its formulas are here, and the tests compare with its code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from paddle import nn

from core.compression.channel_groups import ChannelGroup, Member
from core.system.errors import InputError

Scores = npt.NDArray[np.float64]
Kernels = npt.NDArray[np.floating[Any]]


def l1_norm(kernels: Kernels) -> Scores:
    """Mean absolute weight of each filter (Li et al. 2017, arXiv:1608.08710).

    Args:
        kernels: (filters, inputs, height, width).

    Returns:
        (filters,): small ones go first.
    """
    # In the kernels' own precision, as PaddleSlim does: the order of near-equal filters is its.
    mean: Kernels = np.mean(np.abs(kernels), axis=(1, 2, 3))
    return mean.astype(np.float64)


def fpgm(kernels: Kernels) -> Scores:
    """Sum of each filter's Euclidean distances to all filters (He et al. 2019, arXiv:1811.00250).

    A filter near the others' geometric median is the easiest to replace by them.

    Args:
        kernels: (filters, inputs, height, width).

    Returns:
        (filters,): small ones go first.
    """
    rows = kernels.reshape(len(kernels), -1).astype(np.float64)
    squares = np.einsum("ij,ij->i", rows, rows)
    distances = squares[:, None] + squares - 2 * (rows @ rows.T)
    return np.asarray(np.sqrt(np.maximum(distances, 0)).sum(axis=1))


CRITERIA: Final[dict[str, Callable[[Kernels], Scores]]] = {"l1_norm": l1_norm, "fpgm": fpgm}


def check_criterion(criterion: str) -> None:
    """Raise ``InputError`` for a criterion that there is not."""
    if criterion not in CRITERIA:
        raise InputError(
            "There is no criterion {criterion}: choose one of {known}.",
            criterion=criterion,
            known=", ".join(CRITERIA),
        )


def score_group(net: nn.Layer, group: ChannelGroup, criterion: str) -> Scores:
    """Score a group's atoms.

    As in PaddleSlim one convolution speaks for all that are coupled with it: the *master*, the
    first one of the network's definition that filters all its input channels (depthwise and
    grouped ones follow). The same holds for the groups that PaddleSlim cannot prune. Where the
    master has several filters of an atom, their mean counts.

    Args:
        net: the network that ``group`` was found in.
        group: channels that go together.
        criterion: ``"l1_norm"`` or ``"fpgm"``.

    Returns:
        (group.width,) float64: atoms with the smallest scores go first.

    Raises:
        InputError: unknown criterion.
    """
    check_criterion(criterion)
    master, layer = _master(net, group)
    kernels: Kernels = layer.weight.numpy()
    if isinstance(layer, nn.Conv2DTranspose):  # (inputs, filters, height, width)
        kernels = kernels.swapaxes(0, 1)
    return np.asarray(CRITERIA[criterion](kernels)[master.channels].mean(axis=1))


def master_name(net: nn.Layer, group: ChannelGroup) -> str:
    """Parameter name of the kernels that rank the group's atoms, as PaddleSlim names the group."""
    return f"{_master(net, group)[0].path}.weight"


def _master(net: nn.Layer, group: ChannelGroup) -> tuple[Member, nn.Layer]:
    makers = {member.path: member for member in group.members if member.side == "out"}
    for path, layer in net.named_sublayers():
        is_convolution = isinstance(layer, (nn.Conv2D, nn.Conv2DTranspose))
        if path in makers and is_convolution and layer._groups == 1:
            return makers[path], layer
    raise ValueError(f"the group {group.name} has no convolution that filters all channels")


def lowest(scores: Scores, ratio: float) -> npt.NDArray[np.int64]:
    """Atoms that go at a ratio, by PaddleSlim's count: rounded to whole ones, never all.

    Args:
        scores: (width,).
        ratio: share that goes, 0 … 1.

    Returns:
        their indices, ascending.
    """
    count = min(len(scores) - 1, round(len(scores) * ratio))
    return np.sort(np.argsort(scores, kind="stable")[:count])
