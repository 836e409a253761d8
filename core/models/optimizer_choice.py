"""How fast an optimizer should learn."""

from __future__ import annotations

import math
from typing import Literal

Optimizer = Literal["momentum", "adamw"]


def learning_rate(batch_size: int, optimizer: Optimizer = "momentum") -> float:
    """Return the learning rate for a batch.

    Momentum: linear in it, 0.01 for 4, within 0.0025 … 0.05. AdamW: with its square root, 0.002
    for 8, within 0.0005 … 0.004.
    """
    if optimizer == "adamw":
        return round(min(0.004, max(0.0005, 0.002 * math.sqrt(batch_size / 8))), 4)
    return round(min(0.05, max(0.0025, 0.01 * batch_size / 4)), 4)
