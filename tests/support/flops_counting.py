"""The operations of a network as it is used."""

from __future__ import annotations

from typing import Any

from core.compression.flops import flops_of
from core.compression.pruning.plan import PruningPlan
from core.compression.trace import trace


def count_flops(net: Any, size: tuple[int, int]) -> int:
    """Count them for one image of (height, width); auxiliary heads are left out."""
    return flops_of(trace(net, size).deployed())


def saved_share(plan: PruningPlan) -> float:
    """Share of the operations that goes, 0 … 1."""
    return 1.0 - plan.flops_after / plan.flops_before
