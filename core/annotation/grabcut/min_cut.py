"""The least cut of an image into two parts, as a convex problem.

Minimises Σ cost · u + smoothness · Σ (weight · |difference of neighbours|) over u in 0 … 1 by the
first-order primal-dual method of Chambolle and Pock (2011). Any threshold of the optimum is a least
cut (Chan, Esedoglu and Nikolova, 2006), so unlike a graph cut it needs no graph, starts from the
last solution and can be stopped at any step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]
_STEP = np.float32(0.35)  # step² × 8 must stay below 1


@dataclass(frozen=True, slots=True, eq=False)
class EdgeWeights:
    """Weights (H, W) of the steps to the right and to the lower pixel; 0 at the rim."""

    right: Plane
    down: Plane

    @classmethod
    def of(cls, lab: npt.NDArray[np.float32], *, least: float = 0.05) -> EdgeWeights:
        """Return low weights where neighbouring colours of ``lab`` (H, W, 3) differ.

        As in GrabCut a difference counts against the mean difference in the image.
        """
        steps = (
            ((lab[:, 1:] - lab[:, :-1]) ** 2).sum(axis=2),
            ((lab[1:] - lab[:-1]) ** 2).sum(axis=2),
        )
        count = steps[0].size + steps[1].size
        mean = max(float(steps[0].sum() + steps[1].sum()) / max(count, 1), 1e-3)
        right, down = np.zeros((2, *lab.shape[:2]), np.float32)
        right[:, :-1] = least + (1 - least) * np.exp(-steps[0] / mean)
        down[:-1] = least + (1 - least) * np.exp(-steps[1] / mean)
        return cls(right, down)


def least_cut(
    cost: Plane, edges: EdgeWeights, start: Plane, *, smoothness: float, steps: int
) -> Plane:
    """Return u (H, W), near 1 in the part whose ``cost`` is negative.

    Args:
        cost: what a pixel costs if it belongs to the part.
        edges: what a cut between neighbours costs.
        start: u to begin with.
        smoothness: weight of the cut against ``cost``.
        steps: number of steps; the result is approximate.
    """
    push = cost * (_STEP / np.float32(smoothness))
    across, along = np.zeros((2, *cost.shape), np.float32)
    u, leading = start.astype(np.float32), start.astype(np.float32)
    flow = np.empty_like(u)
    for _ in range(steps):
        across[:, :-1] += _STEP * (leading[:, 1:] - leading[:, :-1])
        along[:-1] += _STEP * (leading[1:] - leading[:-1])
        np.clip(across, -edges.right, edges.right, out=across)
        np.clip(along, -edges.down, edges.down, out=along)
        np.add(across, along, out=flow)
        flow[:, 1:] -= across[:, :-1]
        flow[1:] -= along[:-1]
        flow *= _STEP
        flow -= push
        following = np.clip(u + flow, 0, 1)
        leading = 2 * following - u
        u = following
    return u
