"""Settings of a training that goes on from a model folder: those that it was trained with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from core.cli.console import err, existing_folder
from core.models.model_folder import (
    STATE,
    ModelInfo,
    folder_of_weights,
    is_compressed,
    read_model_info,
)
from core.runs.kinds import PruneSpec, QuantizeSpec, TrainSpec
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec, TrainingFields
from core.system.errors import InputError

#: What a training may be gone on with otherwise, without a word.
_FREE: Final = ("epochs", "resume", "pretrain_weights", "data_dir", "device", "num_workers")
#: What the training itself says of.
_TOLD: Final = ("batch_size", "learning_rate", "lr_decay_power", "warmup_steps")
#: Learning rate for a quantised network, whose weights must not move far.
_GENTLE_RATE: Final = 0.0001


def run_of(folder: Path) -> Path:
    """Return the run that a run folder or one of its model folders belongs to."""
    resolved = folder.resolve()
    return resolved if (resolved / "spec.json").exists() else resolved.parent


def train_spec(run: RunFolder) -> TrainSpec:
    """Return what a training was asked; raises ``InputError`` for a run of another kind."""
    spec = run.spec
    if not isinstance(spec, TrainSpec):
        raise InputError("The run in {folder} is not a training.", folder=run.path)
    return spec


def settings_of(folder: Path) -> dict[str, Any]:
    """Return the fields of ``TrainSpec`` to go on with from a run or one of its model folders.

    A compressed model without a training of its own is trained as it is: its folder becomes
    ``pretrain_weights``.

    Raises:
        InputError: there is nothing to go on from.
    """
    resolved = existing_folder(folder, option="--resume").resolve()
    run_dir = run_of(resolved)
    run = RunFolder(run_dir) if (run_dir / "spec.json").exists() else None
    spec = None if run is None else run.spec
    checkpoint = resolved
    if run is not None and resolved == run_dir:
        checkpoint = _newest(run)
    info = read_model_info(checkpoint)
    fields = _of_folder(info, checkpoint) | _of_spec(spec)
    if (checkpoint / STATE).is_file():
        return fields | {"resume": checkpoint, "pretrain_weights": None}
    if is_compressed(checkpoint):
        err().print(
            f"{checkpoint} holds no training to go on with; the compressed network is trained as "
            "with --pretrain-weights",
            markup=False,
        )
        return fields | settings_of_compressed(checkpoint) | {"resume": None}
    raise InputError(
        "{folder} holds no training to go on with ({file} is missing): give it as "
        "--pretrain-weights, to start from its weights.",
        folder=checkpoint,
        file=STATE,
    )


def settings_of_compressed(folder: Path) -> dict[str, Any]:
    """Return the fields that training a compressed model folder on needs; none for others.

    Its file of weights stands for the folder.
    """
    folder = Path(folder_of_weights(folder))
    if not folder.is_dir() or not is_compressed(folder):
        return {}
    info = read_model_info(folder)
    fields = _of_folder(info, folder)
    for name in ("optimizer", "batch_size", "learning_rate", "lr_decay_power"):
        fields.pop(name, None)
    if info.quantization is not None:
        fields["learning_rate"] = _GENTLE_RATE
        fields.setdefault("image_size", info.quantization.image_size)
    return fields | {"pretrain_weights": str(folder)}


def model_of(source: Path) -> str | None:
    """Return the network of a run folder or a model folder, None where it does not tell."""
    folder = source.resolve()
    try:
        if (folder / "spec.json").exists():
            spec = RunFolder(folder).spec
            return (
                spec.model
                if isinstance(spec, TrainSpec)
                else read_model_info(_newest(RunFolder(folder))).name
            )
        return read_model_info(folder).name if folder.is_dir() else None
    except InputError:
        return None  # what is wrong with it is said where it is opened


def tell_changes(before: Mapping[str, Any], spec: TrainSpec) -> None:
    """Say on stderr which settings differ from those that the training had before."""
    now = spec.model_dump()
    changes = [
        f"{name} {before[name]} → {now[name]}"
        for name in TrainSpec.model_fields
        if name in before and name not in (*_FREE, *_TOLD) and before[name] != now[name]
    ]
    if changes:
        err().print(f"other settings than before: {', '.join(changes)}", markup=False)


def _newest(run: RunFolder) -> Path:
    """Return the model folder of a run to go on from."""
    spec = run.spec
    made: str | None = None
    if isinstance(spec, (PruneSpec, QuantizeSpec)):
        made = "pruned" if isinstance(spec, PruneSpec) else "quantized"
    if made is None and not isinstance(spec, TrainSpec):
        raise InputError("The run in {folder} is not a training.", folder=run.path)
    checkpoint = run.last_checkpoint
    if checkpoint is None and made is not None and (run.path / made).is_dir():
        return run.path / made
    if checkpoint is None:
        raise InputError(
            "The run in {folder} has no checkpoint to go on from; start a new one.",
            folder=run.path,
        )
    return checkpoint


def _of_spec(spec: JobSpec | None) -> dict[str, Any]:
    if isinstance(spec, TrainSpec):
        return spec.model_dump()
    if not isinstance(spec, TrainingFields):
        return {}
    own = {name: getattr(spec, name) for name in TrainingFields.model_fields}
    left_out = ("kind", "device", "image_size")
    plain = spec.model_dump()
    return {name: plain[name] for name in own if name not in left_out}


def _of_folder(info: ModelInfo, folder: Path) -> dict[str, Any]:
    """What a model folder itself says of its training, which a script may have done."""
    params = dict(info.init_params)
    params.pop("num_classes", None)
    fields: dict[str, Any] = {"use_mixed_loss": params.pop("use_mixed_loss", False) or False}
    fields["model_params"] = params
    if info.image_size is not None:
        fields["image_size"] = info.image_size
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
        for name in ("optimizer", "batch_size", "learning_rate", "lr_decay_power"):
            if state.get(name) is not None:
                fields[name] = state[name]
    except (OSError, ValueError, AttributeError, RecursionError):
        pass  # the job says what is wrong with it
    return fields
