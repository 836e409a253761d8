"""Random seeds."""

from __future__ import annotations

import random

import numpy as np
import paddle


def seed_everything(seed: int) -> None:
    """Seed the generators of paddle, numpy and Python."""
    paddle.seed(seed % 2**63)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """Seed of what the network itself draws (dropout) in one training step.

    A function of step and rank alone, so that a resumed run needs no generator state to be saved.
    """
    place = [seed, step] if rank == 0 else [seed, step, rank]
    return int(np.random.SeedSequence(place).generate_state(1)[0])
