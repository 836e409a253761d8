"""The fields of the jobs that the Compression panel starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.look.translation import tr
from app.panels.compress.compression_inspector import Strategy
from core.project.variants import ModelVariant, VariantKind
from core.runs.kinds import TrainSpec

_FINETUNE_RATE = 0.01


def sensitivity_fields(model: ModelVariant, *, fast: bool) -> dict[str, Any]:
    """Analyse a model."""
    return {"kind": "sensitivity", "model_dir": model.folder, "fast": fast}


def prune_fields(
    model: ModelVariant,
    *,
    share: float,
    strategy: Strategy,
    sensitivity: Path | None,
    epochs: int,
    training: TrainSpec | None,
) -> dict[str, Any]:
    """Prune a model and train on as it was trained.

    Args:
        model: what to prune.
        share: of the operations to remove, 0 … 1.
        strategy: how channels are chosen.
        sensitivity: folder of the analysis, for the strategy that needs it.
        epochs: of fine-tuning.
        training: how the model was trained, None if that is not known.
    """
    fields: dict[str, Any] = {
        "kind": "prune",
        "model_dir": model.folder,
        "flops": share,
        "strategy": str(strategy),
        "finetune_epochs": epochs,
    }
    if strategy is Strategy.SENSITIVITY:
        fields["sensitivity"] = sensitivity
    if training is not None:
        fields["learning_rate"] = min(_FINETUNE_RATE, training.learning_rate)
    return fields | _as_trained(training)


def quantize_fields(
    model: ModelVariant, *, epochs: int, training: TrainSpec | None
) -> dict[str, Any]:
    """Quantise a model; ``epochs`` 0: after training."""
    fields = {"kind": "quantize", "model_dir": model.folder, "epochs": epochs}
    return fields | _as_trained(training)


def measure_fields(model: ModelVariant) -> dict[str, Any]:
    """Measure a model on the validation images."""
    return {"kind": "measure", "model_dir": model.folder}


def mask_fields(model: ModelVariant) -> dict[str, Any]:
    """Predict the validation images and keep the masks."""
    return {"kind": "evaluate", "model_dir": model.folder, "split": "val", "save_masks": True}


def prune_problem(model: ModelVariant) -> str:
    """Return why a model cannot be pruned; empty: it can."""
    if model.kind is VariantKind.FLOAT:
        return ""
    return tr("Choose the trained model to prune: a compressed one is not pruned again.")


def quantize_problem(model: ModelVariant) -> str:
    """Return why a model cannot be quantised; empty: it can."""
    if model.kind in (VariantKind.FLOAT, VariantKind.PRUNED):
        return ""
    return tr("This model is quantised already.")


def _as_trained(training: TrainSpec | None) -> dict[str, Any]:
    if training is None:
        return {}
    return {
        "batch_size": training.batch_size,
        "image_size": training.image_size,
        "class_weights": training.class_weights,
        "augmentation": training.augmentation,
        "device": training.device,
    }
