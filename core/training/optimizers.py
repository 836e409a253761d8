"""Optimizers and their learning rate."""

from __future__ import annotations

from typing import Any, Final, get_args

import paddle

from core.models.optimizer_choice import Optimizer
from core.system.errors import InputError

#: Name of the optimizer where none is chosen.
DEFAULT: Final = "momentum"
MOMENTUM = 0.9
WEIGHT_DECAY = 4e-5
ADAMW_WEIGHT_DECAY = 1e-3


def optimizer_name(wanted: object) -> Optimizer | None:
    """Return the name that ``train``'s ``optimizer`` is; None for anything but a name.

    Raises:
        InputError: ``make_optimizer`` does not know the name.
    """
    if not isinstance(wanted, str):
        return None
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
    name: str = DEFAULT,
    warmup_steps: int = 0,
    warmup_start_lr: float = 0.0,
    encoder: str = "",
    backbone_lr_multiplier: float = 1.0,
) -> Any:
    """Return an optimizer whose learning rate falls polynomially to 0.

    Args:
        net: whose parameters it moves.
        learning_rate: in the beginning.
        lr_decay_power: exponent of its fall; 0: it stays.
        total_steps: after which it is 0.
        name: ``"momentum"`` is PaddleX's, with weight decay 4e-5; ``"adamw"`` is Adam with
            decoupled weight decay 1e-3 (Loshchilov and Hutter, 2019), each weight with a rate of
            its own.
        warmup_steps: steps in the beginning in which the rate rises evenly to ``learning_rate``;
            the fall takes the others.
        warmup_start_lr: where it rises from.
        encoder: how the names of the encoder's parameters begin; empty: there is none.
        backbone_lr_multiplier: factor on the encoder's learning rate.
    """
    for parameter_name, parameter in net.named_parameters():
        slower = bool(encoder) and parameter_name.startswith(encoder)
        # Also where it is 1: an earlier training of this network may have set another.
        parameter.optimize_attr["learning_rate"] = backbone_lr_multiplier if slower else 1.0
    schedule: Any
    if lr_decay_power == 0:  # which paddle's polynomial refuses
        schedule = paddle.optimizer.lr.PiecewiseDecay([1], [learning_rate, learning_rate])
    else:
        schedule = paddle.optimizer.lr.PolynomialDecay(
            learning_rate,
            decay_steps=max(total_steps - warmup_steps, 1),
            end_lr=0.0,
            power=lr_decay_power,
        )
    if warmup_steps:
        schedule = paddle.optimizer.lr.LinearWarmup(
            schedule, int(warmup_steps), start_lr=warmup_start_lr, end_lr=learning_rate
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


def step_schedule(optimizer: Any) -> None:
    """Let the learning rate follow one more step, unless it waits for a score."""
    schedule = scheduler_of(optimizer)
    if schedule is not None and not waits_for_score(optimizer):
        schedule.step()


def set_total_steps(optimizer: Any, total_steps: int) -> None:
    """Let the fall of a rate that ``make_optimizer`` made end at another step."""
    schedule: Any = scheduler_of(optimizer)
    warmup = 0
    if isinstance(schedule, paddle.optimizer.lr.LinearWarmup):
        warmup, schedule = schedule.warmup_steps, schedule.learning_rate
    if isinstance(schedule, paddle.optimizer.lr.PolynomialDecay):
        schedule.decay_steps = max(total_steps - warmup, 1)


def waits_for_score(optimizer: Any) -> bool:
    """Whether the learning rate falls when evaluations get no better (``ReduceOnPlateau``)."""
    return isinstance(scheduler_of(optimizer), paddle.optimizer.lr.ReduceOnPlateau)


def step_on_score(optimizer: Any, score: float | None) -> None:
    """Tell a learning rate that waits for it the mIoU (0 … 1) of an evaluation.

    One that waits for the smallest value (``mode="min"``) gets what is missing to 1.
    """
    if score is not None and waits_for_score(optimizer):
        schedule: Any = scheduler_of(optimizer)
        schedule.step(1.0 - score if schedule.mode == "min" else score)
