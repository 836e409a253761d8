"""What a training is asked to do, and what it left behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """The plain arguments of ``Segmenter.train``, where they are explained.

    ``patience`` is None unless early stopping is wanted.
    """

    num_epochs: int
    batch_size: int
    save_dir: Path
    save_interval_epochs: int = 1
    log_interval_steps: int = 2
    learning_rate: float = 0.01
    lr_decay_power: float = 0.9
    patience: int | None = None
    use_vdl: bool = True
    seed: int | None = None
    class_weights: Literal["balanced"] | Sequence[float] | None = None
    preview_images: int = 4
    keep_epochs: int | None = None
    dataset_hash: str | None = None

    def __post_init__(self) -> None:
        counts = {
            "num_epochs": self.num_epochs,
            "train_batch_size": self.batch_size,
            "save_interval_epochs": self.save_interval_epochs,
            "log_interval_steps": self.log_interval_steps,
            "early_stop_patience": 1 if self.patience is None else self.patience,
            "keep_epochs": 1 if self.keep_epochs is None else self.keep_epochs,
        }
        for name, value in counts.items():
            if value < 1:
                raise InputError("{name} is {value}: give 1 or more.", name=name, value=value)
        if self.seed is not None and self.seed < 0:
            raise InputError("{name} is {value}: give 0 or more.", name="seed", value=self.seed)
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(
                "learning_rate is {value}: give a number above 0.", value=self.learning_rate
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What a training left behind.

    Attributes:
        best_model: model folder of the best evaluation; None without an evaluation set.
        last_model: model folder of the last epoch.
        best_score: mIoU (0 … 1) of the best evaluation.
        best_epoch: its epoch, counted from 1.
        metrics: all its metrics (``core.metrics``).
        epochs: complete epochs.
        stopped_early: whether early stopping ended it.
        images_per_second: mean over the training steps of this sitting.
        seconds: time spent, earlier sittings included, pauses not.
    """

    best_model: Path | None
    last_model: Path
    best_score: float | None
    best_epoch: int
    metrics: dict[str, Any] | None
    epochs: int
    stopped_early: bool
    images_per_second: float | None
    seconds: float
