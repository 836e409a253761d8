"""Optimizers and their learning rate."""

from __future__ import annotations

from typing import Any, get_args

import paddle

from core.models.optimizer_choice import Optimizer
from core.system.errors import InputError

MOMENTUM = 0.9
WEIGHT_DECAY = 4e-5
ADAMW_WEIGHT_DECAY = 1e-3


def optimizer_name(wanted: object) -> Optimizer:
    """Return the name that ``train``'s ``optimizer`` is; the default's for anything but a name.

    Raises:
        InputError: ``make_optimizer`` does not know the name.
    """
    if not isinstance(wanted, str):
        return "momentum"
    for name in get_args(Optimizer):
        if name == wanted:
            known: Optimizer = name
            return known
    raise InputError(
        "There is no optimizer “{name}”; choose from {known}.",
        name=wanted,
        known=", ".join(get_args(Optimizer)),
    )


def make_optimizer(
    net: Any,
    *,
    learning_rate: float,
    lr_decay_power: float,
    total_steps: int,
    name: Optimizer = "momentum",
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
