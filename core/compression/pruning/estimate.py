"""What pruning by sensitivity is expected to take away and to cost; needs no engine.

The plan that a pruning job follows is made with the network at hand; this is what a slider shows
meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.compression.pruning.costs import PruningCosts

Floats = npt.NDArray[np.float64]
_ROUNDS = 40
_LITTLE = 1e-6


@dataclass(frozen=True, slots=True)
class LossCurve:
    """Losses of one channel group.

    ``ratios`` (N,) ascending, 0 … 1: share of its channels removed; ``losses`` (N,): share of the
    mIoU lost, NaN where undefined.
    """

    ratios: Floats
    losses: Floats

    def known(self) -> LossCurve:
        """Return the points that are defined."""
        defined = np.isfinite(self.losses)
        return LossCurve(self.ratios[defined], self.losses[defined])

    def loss_at(self, ratio: float) -> float:
        """Return the loss between the points, from (0, 0) on; NaN behind the last one."""
        known = self.known()
        if not len(known.ratios) or not 0 <= ratio <= known.ratios[-1] + 1e-9:
            return math.nan
        return float(np.interp(ratio, _from_zero(known.ratios), _from_zero(known.losses)))

    def ratio_at(self, loss: float) -> float:
        """Return the largest share that costs at most ``loss``, as pruning by sensitivity does.

        Between a measured share within it and the next one beyond it, loss is taken to be linear;
        if the smallest measured share is beyond it, nothing goes.
        """
        known = self.known()
        within = np.flatnonzero(known.losses <= loss)
        if not len(within):
            return 0.0
        i = int(within[-1])
        if i == len(known.ratios) - 1:
            return float(known.ratios[-1])
        part = (loss - known.losses[i]) / (known.losses[i + 1] - known.losses[i])
        return float(known.ratios[i] + part * (known.ratios[i + 1] - known.ratios[i]))

    @property
    def slope(self) -> float:
        """The loss per share removed: the line through the origin that fits best."""
        known = self.known()
        power = float(known.ratios @ known.ratios)
        return float(known.ratios @ known.losses) / power if power else 0.0


@dataclass(frozen=True, slots=True)
class PruneEstimate:
    """An expected pruning.

    Attributes:
        ratios: share of each group's channels that go, 0 … 1.
        flops: share of the operations that go.
        loss: share of the mIoU that is lost before training on, if the groups' losses are
            independent of each other.
        worst_loss: the most that a single group costs.
    """

    ratios: Mapping[str, float]
    flops: float
    loss: float
    worst_loss: float


def estimate_pruning(
    curves: Mapping[str, LossCurve], costs: PruningCosts, flops: float
) -> PruneEstimate:
    """Estimate which share of each group goes when ``flops`` (0 … 1) of the operations go.

    One bound on every group's loss is sought, as pruning by sensitivity does. Where the shares jump
    at that bound, all go part of the way. If even the largest measured shares do not suffice, the
    estimate's ``flops`` are lower than those asked for.
    """
    every = [loss for curve in curves.values() for loss in curve.known().losses.tolist()]
    # At the lower end nothing goes: losses can be negative.
    low, high = min(every, default=0.0) - _LITTLE, max(every, default=0.0)
    for _ in range(_ROUNDS):
        bound = (low + high) / 2
        if costs.removed(_ratios(curves, bound)) < flops:
            low = bound
        else:
            high = bound
    ratios = _between(_ratios(curves, low), _ratios(curves, high), costs, flops)
    losses = [max(0.0, curves[name].loss_at(ratio)) for name, ratio in ratios.items() if ratio]
    return PruneEstimate(
        ratios=ratios,
        flops=costs.removed(ratios),
        loss=1 - math.prod(1 - min(loss, 1.0) for loss in losses),
        worst_loss=max(losses, default=0.0),
    )


def _between(
    less: Mapping[str, float], more: Mapping[str, float], costs: PruningCosts, flops: float
) -> dict[str, float]:
    """Return the shares between two estimates with which ``flops`` go, or else ``more``."""

    def mixed(part: float) -> dict[str, float]:
        return {name: less[name] + part * (more[name] - less[name]) for name in more}

    low, high = 0.0, 1.0
    for _ in range(_ROUNDS):
        part = (low + high) / 2
        if costs.removed(mixed(part)) < flops:
            low = part
        else:
            high = part
    return mixed(high)


def _ratios(curves: Mapping[str, LossCurve], bound: float) -> dict[str, float]:
    return {name: curve.ratio_at(bound) for name, curve in curves.items()}


def _from_zero(values: Floats) -> Floats:
    return np.concatenate([np.zeros(1), values])
