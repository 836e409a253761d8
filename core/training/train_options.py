"""What a training is asked to do, and what it left behind."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
import paddle

from core.models.optimizer_choice import Optimizer
from core.system.errors import InputError
from core.system.messages import message
from core.system.reporting import Reporter
from core.training.sampling import Sampling

if TYPE_CHECKING:
    from core.datasets import SegDataset

#: Learning rate where none is chosen.
DEFAULT_RATE: Final = 0.01
ClassWeights = Literal["balanced"] | Sequence[float] | None

_REPRODUCIBLE = {
    "FLAGS_cudnn_deterministic": True,
    "FLAGS_embedding_deterministic": 1,
    "FLAGS_cudnn_exhaustive_search": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """The plain arguments of ``Segmenter.train``, where they are explained.

    ``patience`` is None unless early stopping is wanted, ``optimizer`` where none was named. With
    ``keep_rate`` a training that is gone on with keeps its own learning rate.
    """

    num_epochs: int
    batch_size: int
    save_dir: Path
    save_interval_epochs: int = 1
    log_interval_steps: int = 2
    learning_rate: float = DEFAULT_RATE
    keep_rate: bool = False
    lr_decay_power: float = 0.9
    patience: int | None = None
    use_vdl: bool = True
    seed: int | None = None
    class_weights: ClassWeights = None
    preview_images: int = 4
    keep_epochs: int | None = None
    dataset_hash: str | None = None
    accumulate_steps: int = 1
    amp: str = "off"
    ema_decay: float | None = None
    deterministic: bool = False
    optimizer: Optimizer | None = None
    warmup_steps: int = 0
    warmup_start_lr: float = 0.0
    sampling: Sampling = "each"
    epoch_images: int | None = None
    time_limit: float | None = None
    backbone_lr_multiplier: float | None = None

    @property
    def step_images(self) -> int:
        """Images per optimizer step, over all ranks and accumulated parts."""
        return self.batch_size * self.accumulate_steps

    def __post_init__(self) -> None:
        counts = {
            "num_epochs": self.num_epochs,
            "train_batch_size": self.batch_size,
            "save_interval_epochs": self.save_interval_epochs,
            "log_interval_steps": self.log_interval_steps,
            "early_stop_patience": 1 if self.patience is None else self.patience,
            "accumulate_steps": self.accumulate_steps,
            "keep_epochs": 1 if self.keep_epochs is None else self.keep_epochs,
            "epoch_images": 1 if self.epoch_images is None else self.epoch_images,
        }
        for name, value in counts.items():
            _check_whole(name, value, least=1)
        _check_whole("preview_images", self.preview_images, least=0)
        if self.seed is not None:
            _check_whole("seed", self.seed, least=0)
        place = next(one for one in (self.save_dir, *self.save_dir.parents) if one.exists())
        if not place.is_dir():
            raise InputError("save_dir: {file} is a file; choose a folder.", file=place)
        decay = self.ema_decay
        if decay is not None and not (_is_number(decay) and 0 < decay < 1):
            raise InputError(
                "ema_decay is {value}: give a number between 0 and 1, such as 0.999.",
                value=str(decay),
            )
        power = self.lr_decay_power
        if not (_is_number(power) and math.isfinite(power) and power >= 0):
            raise InputError(
                "lr_decay_power is {value}: give a number of 0 or more.", value=str(power)
            )
        limit = self.time_limit
        if limit is not None and not (_is_number(limit) and limit > 0):
            raise InputError(
                "{name} is {value}: give a number above 0.",
                name="time_limit",
                value=str(limit),
            )
        if self.sampling not in get_args(Sampling):
            raise InputError(
                "sampling is “{value}”: give one of {known}.",
                value=str(self.sampling),
                known=", ".join(get_args(Sampling)),
            )
        _check_rate("learning_rate", self.learning_rate)
        if self.backbone_lr_multiplier is not None:
            _check_rate("backbone_lr_multiplier", self.backbone_lr_multiplier)
        self._check_warmup()
        for field in fields(self):  # NumPy's numbers, which paddle and JSON do not take
            value = getattr(self, field.name)
            if isinstance(value, np.generic):
                object.__setattr__(self, field.name, value.item())

    def _check_warmup(self) -> None:
        start = self.warmup_start_lr
        _check_whole("warmup_steps", self.warmup_steps, least=0)
        if not (_is_number(start) and 0 <= start < self.learning_rate):  # which NaN is not, either
            raise InputError(
                "warmup_start_lr is {value}: give a number from 0 to below the learning rate "
                "({rate}).",
                value=str(start),
                rate=self.learning_rate,
            )

    def for_ranks(self, ranks: int, reporter: Reporter) -> TrainOptions:
        """Return the options for so many processes; a batch of 1 becomes one image for each.

        Raises:
            InputError: the batch does not fall into equal shares.
        """
        if self.batch_size == 1 and ranks > 1:
            reporter.warn(
                message("The batch size is {count} now: one image for each device.", count=ranks)
            )
            return replace(self, batch_size=ranks)
        if self.batch_size % ranks:
            raise InputError(
                "The batch size {batch} cannot be shared by {ranks} {ranks:device|devices}: give "
                "a multiple of {ranks}.",
                batch=self.batch_size,
                ranks=ranks,
            )
        return self

    @contextlib.contextmanager
    def engine_flags(self) -> Iterator[None]:
        """Within, the engine takes reproducible kernels if ``deterministic`` is on.

        A processor's kernels are reproducible as they are; the CPU build knows no such flags.
        """
        if not (self.deterministic and paddle.is_compiled_with_cuda()):
            yield
            return
        before = paddle.get_flags(list(_REPRODUCIBLE))
        paddle.set_flags(_REPRODUCIBLE)
        try:
            yield
        finally:
            paddle.set_flags(before)

    def check_data(self, train_dataset: SegDataset, eval_dataset: SegDataset | None) -> None:
        """Raise ``InputError`` where the data cannot be trained with."""
        images = len(train_dataset)
        if (self.epoch_images or images) < self.step_images:
            raise InputError(
                "The training set has {images} {images:image|images}, fewer than one batch of "
                "{batch_size}: lower the batch size or add images.",
                images=images,
                batch_size=self.step_images,
            )
        if train_dataset.transforms is None:
            raise InputError("The training set has no transforms; give it some before training.")
        if eval_dataset is not None and len(eval_dataset) == 0:
            raise InputError("The evaluation set is empty.")


def stopping_patience(early_stop: bool, patience: int) -> int | None:
    """Return ``TrainOptions.patience``; raises ``InputError`` where it is asked for as None."""
    if early_stop:
        _check_whole("early_stop_patience", patience, least=1)
        return patience
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _check_whole(name: str, value: Any, *, least: Literal[0, 1]) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError("{name} is {value}: give a whole number.", name=name, value=repr(value))
    if int(value) >= least:
        return
    if least:
        raise InputError("{name} is {value}: give 1 or more.", name=name, value=value)
    raise InputError("{name} is {value}: give 0 or more.", name=name, value=value)


def _check_rate(name: str, rate: Any) -> None:
    if not _is_number(rate):
        raise InputError("{name} is {value}: give a number above 0.", name=name, value=repr(rate))
    if not (math.isfinite(rate) and rate > 0):
        raise InputError("{name} is {value}: give a number above 0.", name=name, value=rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What a training left behind.

    Attributes:
        best_model: model folder of the best evaluation; None without an evaluation set.
        last_model: model folder of the last epoch.
        best_score: mIoU (0 … 1) of the best evaluation.
        best_epoch: its epoch, counted from 1.
        metrics: all its metrics (``core.prediction.metrics``).
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
