"""Whether training settings can work, said before a worker is started."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.advice import presets
from core.data.dataset_statistics import DatasetStatistics
from core.models import pretrained
from core.models.model_folder import STATE, read_model_info
from core.runs.batch_check import batch_problem
from core.system.devices import DeviceInfo
from core.system.errors import InputError
from core.system.messages import Message, message

SMALLEST_IMAGE = 32


def find_problems(fields: Mapping[str, Any], statistics: DatasetStatistics) -> dict[str, Message]:
    """Return what is wrong with a training's fields (names as in ``TrainSpec``), by field.

    Reads the model folders that ``resume`` and ``pretrain_weights`` name.
    """
    found: dict[str, Message | None] = {
        "data": _data_problem(statistics),
        "batch_size": batch_problem(
            int(fields["batch_size"]),
            statistics.train_images,
            accumulate_steps=int(fields.get("accumulate_steps", 1)),
        ),
        "image_size": _size_problem(tuple(fields["image_size"])),
        "learning_rate": _rate_problem(float(fields["learning_rate"])),
        "pretrain_weights": _weights_problem(fields),
        "resume": _resume_problem(fields),
    }
    return {name: problem for name, problem in found.items() if problem is not None}


def memory_warning(fields: Mapping[str, Any], device: DeviceInfo) -> Message | None:
    """Return a sentence if training will probably not fit into the device's free memory."""
    needed = presets.training_memory(
        fields["model"], tuple(fields["image_size"]), int(fields["batch_size"])
    )
    if not device.free_bytes or needed <= device.free_bytes:
        return None
    return message(
        "This takes about {needed} GB of memory and only {free} GB are free: choose a smaller "
        "batch or image size.",
        needed=f"{needed / 1e9:.1f}",
        free=f"{device.free_bytes / 1e9:.1f}",
    )


def _data_problem(statistics: DatasetStatistics) -> Message | None:
    if not statistics.train_images:
        return message(
            "There are no training images yet: label some and put them into the subset train."
        )
    if not statistics.images.get("val", 0):
        return message(
            "There are no validation images yet: split the images, so that training can be "
            "measured."
        )
    if statistics.ignored_pixels.get("train", 0) and not any(statistics.train_pixels[1:]):
        return message(
            "The masks hold only the values 0 and 255, and 255 is ignored in training: if it is "
            "your object, import the masks again, or write 1 instead of 255."
        )
    if len(statistics.labels) < 2:
        return message("A model needs at least two classes, such as background and one more.")
    return None


def _size_problem(size: tuple[int, ...]) -> Message | None:
    if min(size) >= SMALLEST_IMAGE:
        return None
    return message(
        "{width}×{height} pixels are too few for the network; choose at least {least}×{least}.",
        width=size[0],
        height=size[1],
        least=SMALLEST_IMAGE,
    )


def _rate_problem(rate: float) -> Message | None:
    if rate > 0:
        return None
    return message("A learning rate of 0 learns nothing; 0.01 is a good start.")


def _weights_problem(fields: Mapping[str, Any]) -> Message | None:
    weights = fields.get("pretrain_weights")
    if not weights:
        return None
    path = Path(str(weights))
    names = pretrained.offered(fields["model"], fields.get("model_params"))
    if str(weights) in names and not path.exists():
        return None
    if not path.exists() and len(path.parts) == 1 and not path.suffix:
        return message(
            "There are no weights “{name}” for {model}: choose {known}, a .pdparams file or a "
            "model folder, or leave it empty.",
            name=str(weights),
            model=fields["model"],
            known=", ".join(names),
        )
    if not path.exists():
        return message(
            "{file} does not exist; choose a .pdparams file or a model folder, or leave it empty.",
            file=path,
        )
    if path.is_file() and path.suffix != ".pdparams":
        return message(
            "{file} holds no weights; choose a .pdparams file or a model folder.", file=path
        )
    return None


def _optimizer_of(folder: Path) -> str:
    """Return the name of the optimizer that a model folder's training used."""
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
        return str(state.get("optimizer", "momentum"))
    except (OSError, ValueError, AttributeError, RecursionError):
        return "momentum"  # the worker says what is wrong with the folder


def _resume_problem(fields: Mapping[str, Any]) -> Message | None:
    resume = fields.get("resume")
    if not resume:
        return None
    if fields.get("pretrain_weights"):
        return message("Choose either a run to continue or weights to start from, not both.")
    try:
        info = read_model_info(Path(str(resume)))
    except InputError as error:
        return error.message
    if info.name != fields["model"]:
        return message(
            "That run trained {other}; choose this network, or another run to continue.",
            other=info.name,
        )
    trained_with = _optimizer_of(Path(str(resume)))
    if trained_with != fields.get("optimizer", trained_with):
        return message(
            "That run was trained with the optimizer {name}: choose it to continue the run.",
            name=trained_with,
        )
    if info.completed_epochs >= int(fields["epochs"]):
        return message(
            "That run has {done} {done:epoch|epochs} already; set the epochs higher than that to "
            "continue it.",
            done=info.completed_epochs,
        )
    return None
