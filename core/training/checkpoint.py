"""What a training needs, beyond the weights, to go on as if it had never stopped."""

from __future__ import annotations

import json
import pickle
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import paddle
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.models.model_folder import OPTIMIZER, STATE
from core.models.state_dict_files import read_arrays
from core.system.errors import InputError
from core.system.files import recover_folder, write_json_atomic
from core.system.messages import message
from core.system.reporting import Reporter
from core.training.optimizers import DEFAULT, scheduler_of
from core.training.train_options import TrainOptions

_VERSION = 1


class TrainingState(BaseModel):
    """Where a training stands; ``training_state.json`` in each model folder it writes.

    Data order, augmentation and dropout are functions of ``seed`` and position, so no generator
    states are kept.

    Attributes:
        seed: of data order, augmentation and dropout.
        batch_size: images per optimizer step, over all ranks and accumulated parts.
        num_samples: images in the training set.
        step: global steps done.
        epoch: complete epochs.
        step_in_epoch: steps done of the epoch after these.
        best_score: best mIoU so far.
        best_epoch: when it was reached.
        best_metrics: all metrics of that evaluation.
        stale: evaluations in a row that did not beat it.
        seconds: time spent training, all sittings together.
        optimizer: name of ours; the caller's own goes by what was chosen beside it.
        learning_rate: of ours, in the beginning; None in older checkpoints.
        lr_decay_power: exponent of its fall; None in older checkpoints.
        warmup_steps: in which it rises first.
        planned_steps: steps in all that a training against the clock came to plan.
        backbone_lr_multiplier: factor on the encoder's rate.
    """

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    version: int = Field(_VERSION, ge=1, le=_VERSION)
    seed: int = Field(ge=0)
    batch_size: int = Field(ge=1)
    num_samples: int = Field(ge=1)
    step: int = Field(0, ge=0)
    epoch: int = Field(0, ge=0)
    step_in_epoch: int = Field(0, ge=0)
    best_score: float | None = None
    best_epoch: int = 0
    best_metrics: dict[str, Any] | None = None
    stale: int = Field(0, ge=0)
    optimizer: str = DEFAULT
    learning_rate: float | None = None
    lr_decay_power: float | None = None
    warmup_steps: int = 0
    backbone_lr_multiplier: float = Field(1.0, gt=0, allow_inf_nan=False)
    seconds: float = 0.0
    planned_steps: int | None = Field(None, ge=1)


def write_training_state(
    folder: Path, state: TrainingState, optimizer: Any, net: Any, *, step_state: Mapping[str, Any]
) -> None:
    """Write optimizer and position into a model folder that is being written.

    ``step_state`` is that of ``TrainStep``: arrays and numbers by name.
    """
    content = {**step_state, "accumulators": _accumulators(optimizer, net)}
    schedule = scheduler_of(optimizer)
    if schedule is not None:
        content["LR_Scheduler"] = schedule.state_dict()
    with (folder / OPTIMIZER).open("wb") as file:
        pickle.dump(content, file, protocol=4)
    write_json_atomic(folder / STATE, state.model_dump())


def read_training_state(folder: Path) -> TrainingState:
    """Read where the training that wrote ``folder`` stood.

    Raises:
        InputError: the folder does not hold a training that can be resumed.
    """
    recover_folder(folder)
    file = folder / STATE
    if not file.is_file() or not (folder / OPTIMIZER).is_file():
        raise InputError(
            "{folder} cannot be resumed: {file} is missing.",
            folder=folder,
            file=(file if not file.is_file() else folder / OPTIMIZER).name,
        )
    try:
        return TrainingState.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (ValidationError, ValueError, RecursionError) as error:
        raise InputError(
            "{file} is damaged; resume from another model folder.", file=file
        ) from error


def restore_optimizer(
    folder: Path,
    optimizer: Any,
    net: Any,
    *,
    restore_step: Callable[[Mapping[str, Any]], None],
    restore_schedule: bool,
) -> None:
    """Give ``optimizer`` the momenta that ``write_training_state`` kept.

    ``restore_step`` is that of ``TrainStep``; it gets the whole content. The schedule's state is
    the caller's own one's: ours is computed from the step.

    They are kept under the parameters' structured names: paddle's own names depend on what the
    process built before.

    Raises:
        InputError: the file is damaged or belongs to another network or optimizer.
    """
    file = folder / OPTIMIZER
    content = read_arrays(file)
    saved = content.get("accumulators")
    if not isinstance(saved, dict):
        raise InputError("{file} does not hold an optimizer's state.", file=file)
    parameters = dict(net.named_parameters())
    try:
        _fill(optimizer, {parameters[name]: slots for name, slots in saved.items()})
        restore_step(content)
        schedule = scheduler_of(optimizer) if restore_schedule else None
        if schedule is not None and isinstance(content.get("LR_Scheduler"), dict):
            schedule.set_state_dict(content["LR_Scheduler"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            "{file} does not belong to this network and optimizer: {reason}.",
            file=file,
            reason=f"{type(error).__name__} {error}"[:200],
        ) from error


def accumulators(optimizer: Any) -> list[Any]:
    """Return the optimizer's tensors, in an order that is the same in every process."""
    slots = optimizer._accumulators
    return [slots[slot][name] for slot in sorted(slots) for name in sorted(slots[slot])]


def first_state(
    options: TrainOptions,
    images: int,
    resume_from: Path | None,
    reporter: Reporter,
    *,
    own_optimizer: bool = True,
) -> TrainingState:
    """Where the training starts: at the beginning, or where ``resume_from`` ended.

    What ``options`` leave open is the checkpoint's; what they change is said.

    Args:
        options: of this training.
        images: in its training set.
        resume_from: model folder, or None.
        reporter: is told of changes.
        own_optimizer: whether the optimizer is ours, not the caller's.

    Raises:
        InputError: the folder cannot be gone on from, or with another optimizer only.
    """
    if resume_from is None:
        return TrainingState(
            seed=secrets.randbits(32) if options.seed is None else options.seed,
            batch_size=options.step_images,
            num_samples=images,
            optimizer=options.optimizer or DEFAULT,
            learning_rate=options.learning_rate,
            lr_decay_power=options.lr_decay_power,
            warmup_steps=options.warmup_steps,
            backbone_lr_multiplier=options.backbone_lr_multiplier or 1.0,
        )
    state = read_training_state(resume_from)
    if own_optimizer and options.optimizer not in (None, state.optimizer):
        raise InputError(
            "{folder} was trained with the optimizer {name}, not {other}: resume it with the same.",
            folder=resume_from,
            name=state.optimizer,
            other=options.optimizer,
        )
    same_steps = (state.batch_size, state.num_samples) == (options.step_images, images)
    if state.step_in_epoch and not same_steps:
        reporter.warn(
            message(
                "Batch size or training set changed since the interruption: epoch {epoch} starts "
                "anew.",
                epoch=state.epoch + 1,
            )
        )
    step_in_epoch = state.step_in_epoch if same_steps else 0
    rate = state.learning_rate if options.keep_rate else None
    epoch_steps = (options.epoch_images or images) // options.step_images
    now = state.model_copy(
        update={
            "seed": state.seed if options.seed is None else options.seed,
            "batch_size": options.step_images,
            "num_samples": images,
            "step_in_epoch": step_in_epoch,
            "step": state.epoch * epoch_steps + step_in_epoch,
            "learning_rate": options.learning_rate if rate is None else rate,
            "lr_decay_power": options.lr_decay_power,
            "warmup_steps": options.warmup_steps,
        }
    )
    _tell_changes(state, now, reporter, own_optimizer=own_optimizer)
    return now


def _tell_changes(
    before: TrainingState, now: TrainingState, reporter: Reporter, *, own_optimizer: bool
) -> None:
    """Name the settings that differ from those that the checkpoint was trained with."""
    names = ["batch_size"]
    if own_optimizer:
        names += ["learning_rate", "lr_decay_power", "warmup_steps"]
    changes = [
        f"{name} {getattr(before, name):g} → {getattr(now, name):g}"
        for name in names
        if getattr(before, name) not in (None, getattr(now, name))
    ]
    if changes:
        reporter.warn(
            message(
                "The training goes on with other settings than before: {changes}.",
                changes=", ".join(changes),
            )
        )


def _accumulators(optimizer: Any, net: Any) -> dict[str, dict[str, Any]]:
    names = {parameter.name: name for name, parameter in net.named_parameters()}
    saved: dict[str, dict[str, Any]] = {}
    for slot, tensors in optimizer._accumulators.items():
        for parameter_name, tensor in tensors.items():
            saved.setdefault(names[parameter_name], {})[slot] = tensor.numpy()
    return saved


def _fill(optimizer: Any, saved: Mapping[Any, Mapping[str, Any]]) -> None:
    """Create the accumulators that the first step would create, and set them."""
    # Paddle makes them on the first step only, and has no public way to make them before.
    optimizer._create_accumulators(
        paddle.base.framework.default_main_program().global_block(), list(saved)
    )
    for parameter, slots in saved.items():
        for slot, array in slots.items():
            tensor = optimizer._accumulators[slot][parameter.name]
            if list(array.shape) != list(tensor.shape):
                raise ValueError(f"{slot} of {parameter.name} has another shape")
            tensor.set_value(array)
