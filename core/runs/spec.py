"""What a job is asked to do, as JSON that a person can read in ``spec.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator
from pydantic_core import PydanticCustomError

from core.models.catalog import ModelName
from core.transforms.recipes import Augmentation

Criterion = Literal["l1_norm", "fpgm"]
_SET_ELSEWHERE = frozenset({"name", "num_classes", "seed", "use_mixed_loss"})


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TrainSpec(_Spec):
    """Train a network; the run folder gets ``epoch_N/`` and ``best_model/``."""

    kind: Literal["train"] = "train"
    model: ModelName
    data_dir: Path
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    image_size: tuple[int, int] = Field(description="width, height fed to the network, pixels")
    optimizer: Literal["momentum", "adamw"] = "momentum"
    learning_rate: float = Field(0.01, gt=0)
    lr_decay_power: float = Field(0.9, ge=0)
    model_params: dict[str, Any] = Field(default_factory=dict)
    use_mixed_loss: bool | list[tuple[str, float]] = False
    class_weights: Literal["none", "balanced"] | list[float] = "none"
    pretrain_weights: str | None = None
    resume: Path | None = Field(None, description="model folder to continue from")
    save_interval_epochs: int = Field(1, ge=1)
    keep_epochs: int = Field(2, ge=1, description="how many of the newest epoch_N folders stay")
    log_interval_steps: int = Field(2, ge=1)
    early_stop: bool = False
    early_stop_patience: int = Field(5, ge=1)
    augmentation: Augmentation = Augmentation()
    use_vdl: bool = True
    preview_images: int = Field(4, ge=0, le=16)
    device: str = Field("auto", description="several: gpu:0,1 or cpu:2")
    accumulate_steps: int = Field(1, ge=1, description="batches per step of the optimizer")
    amp: Literal["off", "auto", "bf16", "fp16"] = "off"
    ema_decay: float | None = Field(None, gt=0, lt=1, description="average the weights, as 0.999")
    deterministic: bool = False
    num_workers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    seed: int = Field(0, ge=0)

    @field_validator("model_params")
    @classmethod
    def _not_set_elsewhere(cls, params: dict[str, Any]) -> dict[str, Any]:
        if not _SET_ELSEWHERE.isdisjoint(params):
            raise PydanticCustomError(
                "reserved",
                "parameters other than num_classes, use_mixed_loss and seed, which follow from the"
                " data or have settings of their own",
            )
        return params


class EvaluateSpec(_Spec):
    """Measure a model on one subset; writes ``metrics.json`` and per-image scores."""

    kind: Literal["evaluate"] = "evaluate"
    model_dir: Path
    data_dir: Path
    split: Literal["train", "val", "test"] = "val"
    save_masks: bool = Field(False, description="keep each predicted label map")
    device: str = "auto"


class PredictSpec(_Spec):
    """Predict label maps of images; one indexed PNG each in ``out_dir``."""

    kind: Literal["predict"] = "predict"
    model_dir: Path
    images: list[Path] = Field(min_length=1)
    out_dir: Path
    overwrite: bool = Field(False, description="replace masks that exist")
    device: str = "auto"


class PrelabelSpec(_Spec):
    """Predict images as drafts to be looked through; see ``core.annotation.draft``."""

    kind: Literal["prelabel"] = "prelabel"
    model_dir: Path = Field(description="model folder, folder of an export, or ONNX file")
    images: list[Path] = Field(min_length=1)
    image_ids: list[int] = Field(
        default_factory=list, description="the images' ids in the project; none outside one"
    )
    device: str = "auto"


class SensitivitySpec(_Spec):
    """Measure what pruning each group of channels costs; writes ``model.sensi.data``."""

    kind: Literal["sensitivity"] = "sensitivity"
    model_dir: Path
    data_dir: Path
    split: Literal["train", "val", "test"] = "val"
    criterion: Criterion = "l1_norm"
    fast: bool = Field(False, description="a part of the images, and only ratios that can matter")
    batch_size: int = Field(8, ge=1)
    device: str = "auto"


class _Retraining(_Spec):
    """How a compressed network is trained on; epochs and rate are those of the job's kind."""

    batch_size: int = Field(4, ge=1)
    image_size: tuple[int, int] | None = Field(
        None, description="width, height fed to the network; by default the model's own"
    )
    lr_decay_power: float = Field(0.9, ge=0)
    class_weights: Literal["none", "balanced"] | list[float] = "none"
    augmentation: Augmentation = Augmentation()
    save_interval_epochs: int = Field(1, ge=1)
    keep_epochs: int = Field(2, ge=1, description="how many of the newest epoch_N folders stay")
    log_interval_steps: int = Field(2, ge=1)
    early_stop: bool = False
    early_stop_patience: int = Field(5, ge=1)
    use_vdl: bool = True
    preview_images: int = Field(4, ge=0, le=16)
    measure: bool = Field(True, description="export the result and measure it at the end")
    device: str = "auto"
    num_workers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    seed: int = Field(0, ge=0)


class PruneSpec(_Retraining):
    """Remove channels until ``flops`` of the operations are gone, then train on."""

    kind: Literal["prune"] = "prune"
    model_dir: Path
    data_dir: Path | None = Field(None, description="needed to train on and to measure")
    flops: float = Field(gt=0, lt=1, description="share of the operations to remove")
    criterion: Criterion = "l1_norm"
    strategy: Literal["auto", "global", "sensitivity"] = "auto"
    sensitivity: Path | None = Field(None, description="model.sensi.data, or its folder")
    finetune_epochs: int = Field(0, ge=0)
    learning_rate: float = Field(0.01, gt=0)


class QuantizeSpec(_Retraining):
    """Quantise to int8: after training (``epochs`` 0), or while training on."""

    kind: Literal["quantize"] = "quantize"
    model_dir: Path
    data_dir: Path
    epochs: int = Field(0, ge=0, description="0: calibrate only")
    method: Literal["min_max", "percentile", "entropy"] = Field(
        "percentile", description="how ranges follow from the calibration images"
    )
    calibration_images: int = Field(64, ge=1)
    quant_config: dict[str, Any] | None = Field(None, description="PaddleX's quant_config")
    float_layers: Literal["auto"] | list[str] = Field(
        "auto", description="convolutions that stay in float; auto seeks those that suffer most"
    )
    learning_rate: float = Field(0.0001, gt=0)


class ExportSpec(_Spec):
    """Write the files that other programs run; int8 if the model is quantised."""

    kind: Literal["export"] = "export"
    model_dir: Path
    out_dir: Path
    format: Literal["onnx"] = "onnx"
    image_size: tuple[int, int] | None = Field(None, description="by default the model's own")
    device: str = "cpu"


class MeasureSpec(_Spec):
    """Export a model and measure size, operations, latency and metrics, to compare variants."""

    kind: Literal["measure"] = "measure"
    model_dir: Path
    data_dir: Path
    split: Literal["train", "val", "test"] = "val"
    image_size: tuple[int, int] | None = Field(None, description="by default the model's own")
    device: str = "cpu"


JobSpec: TypeAlias = (
    TrainSpec
    | EvaluateSpec
    | PredictSpec
    | PrelabelSpec
    | SensitivitySpec
    | PruneSpec
    | QuantizeSpec
    | ExportSpec
    | MeasureSpec
)
_ADAPTER: TypeAdapter[JobSpec] = TypeAdapter(Annotated[JobSpec, Field(discriminator="kind")])
#: Job kinds, as ``spec.kind`` names them.
KINDS = tuple(str(one.model_fields["kind"].default) for one in get_args(JobSpec))


def spec_to_json(spec: JobSpec) -> str:
    """Return the text of ``spec.json``."""
    return spec.model_dump_json(indent=2)


def spec_from_json(text: str | bytes) -> JobSpec:
    """Read ``spec.json``; raises ``pydantic.ValidationError`` (a ``ValueError``)."""
    return _ADAPTER.validate_json(text)
