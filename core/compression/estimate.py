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

from core.compression.pruning_costs import PruningCosts

Floats = npt.NDArray[np.float64]
_ROUNDS = 40
_MOST_LOSS = 1.0


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
        """Return the largest share that costs at most ``loss`` all the way there."""
        known = self.known()
        if not len(known.ratios) or loss < 0:
            return 0.0
        ratios, losses = _from_zero(known.ratios), _from_zero(known.losses)
        over = np.flatnonzero(losses > loss)
        if not len(over):
            return float(ratios[-1])
        i = int(over[0])
        share = (loss - losses[i - 1]) / (losses[i] - losses[i - 1])
        return float(ratios[i - 1] + share * (ratios[i] - ratios[i - 1]))

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

    One bound on every group's loss is sought, as pruning by sensitivity does. If even the largest
    measured shares do not suffice, the estimate's ``flops`` are lower than those asked for.
    """
    low, high = 0.0, _MOST_LOSS
    for _ in range(_ROUNDS):
        bound = (low + high) / 2
        if costs.removed(_ratios(curves, bound)) < flops:
            low = bound
        else:
            high = bound
    ratios = _ratios(curves, high)
    losses = [max(0.0, curves[name].loss_at(ratio)) for name, ratio in ratios.items() if ratio]
    return PruneEstimate(
        ratios=ratios,
        flops=costs.removed(ratios),
        loss=1 - math.prod(1 - min(loss, 1.0) for loss in losses),
        worst_loss=max(losses, default=0.0),
    )


def _ratios(curves: Mapping[str, LossCurve], bound: float) -> dict[str, float]:
    return {name: curve.ratio_at(bound) for name, curve in curves.items()}


def _from_zero(values: Floats) -> Floats:
    return np.concatenate([np.zeros(1), values])
