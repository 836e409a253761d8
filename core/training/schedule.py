"""Optimizer, learning rate, early stopping and random seeds."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import paddle

from core.system.errors import InputError

OptimizerName = Literal["momentum", "adamw"]

MOMENTUM = 0.9
WEIGHT_DECAY = 4e-5
ADAMW_WEIGHT_DECAY = 1e-3


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


def optimizer_name(wanted: object) -> OptimizerName:
    """Return the name that ``train``'s ``optimizer`` is; the default's for anything but a name.

    Raises:
        InputError: ``make_optimizer`` does not know the name.
    """
    if not isinstance(wanted, str):
        return "momentum"
    for name in get_args(OptimizerName):
        if name == wanted:
            known: OptimizerName = name
            return known
    raise InputError(
        "There is no optimizer “{name}”; choose from {known}.",
        name=wanted,
        known=", ".join(get_args(OptimizerName)),
    )


def make_optimizer(
    net: Any,
    *,
    learning_rate: float,
    lr_decay_power: float,
    total_steps: int,
    name: OptimizerName = "momentum",
) -> Any:
    """Return an optimizer whose learning rate falls polynomially to 0.

    Args:
        net: whose parameters it moves.
        learning_rate: in the beginning.
        lr_decay_power: exponent of its fall.
        total_steps: after which it is 0.
        name: ``"momentum"`` is PaddleX's, with weight decay 4e-5; ``"adamw"`` is Adam with
            decoupled weight decay 1e-3 (Loshchilov and Hutter, 2019), each weight with a rate of
            its own.
    """
    schedule = paddle.optimizer.lr.PolynomialDecay(
        learning_rate, decay_steps=max(total_steps, 1), end_lr=0.0, power=lr_decay_power
    )
    if name == "adamw":
        return paddle.optimizer.AdamW(
            learning_rate=schedule, weight_decay=ADAMW_WEIGHT_DECAY, parameters=net.parameters()
        )
    return paddle.optimizer.Momentum(
        learning_rate=schedule,
        momentum=MOMENTUM,
        weight_decay=WEIGHT_DECAY,
        parameters=net.parameters(),
    )


def scheduler_of(optimizer: Any) -> Any | None:
    """Return the optimizer's ``LRScheduler``, None where its learning rate is a number."""
    rate = getattr(optimizer, "_learning_rate", None)
    return rate if isinstance(rate, paddle.optimizer.lr.LRScheduler) else None


@dataclass(slots=True)
class BestScore:
    """The best score so far and how many evaluations in a row did not beat it.

    PaddleX compares with the previous evaluation, which a slow zigzag downwards never trips;
    here the comparison is with the best.
    """

    patience: int | None = None
    score: float | None = None
    epoch: int = 0
    stale: int = 0

    def update(self, score: float | None, epoch: int) -> bool:
        """Take in an evaluation (None: nothing to compare); return whether it is the best so far.

        The best epoch done once more, after a resume from before it, is the best again.
        """
        again = score == self.score and epoch == self.epoch
        if score is not None and (self.score is None or score > self.score or again):
            self.score, self.epoch, self.stale = score, epoch, 0
            return True
        self.stale += 1
        return False

    @property
    def exhausted(self) -> bool:
        """Whether training should stop early."""
        return self.patience is not None and self.stale >= self.patience
