"""The kinds of jobs: what each is asked, and everything that the program knows about it.

A new kind is a spec with its entry in ``JOB_KINDS``, and the module of its task;
``core.runs.kind_lookup`` finds it by its name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from core.datasets import Subset
from core.models.catalog import ModelName
from core.runs.job_kind import JobKind
from core.runs.spec import JobSpec, ModelJobSpec, TrainingFields
from core.system.messages import message

Criterion = Literal["l1_norm", "fpgm"]
_SET_ELSEWHERE = frozenset({"name", "num_classes", "seed", "use_mixed_loss"})


class TrainSpec(TrainingFields):
    """Train a network; the run folder gets ``epoch_N/`` and ``best_model/``."""

    kind: Literal["train"] = "train"
    model: ModelName
    data_dir: Path
    epochs: int = Field(ge=1, description="at most, where minutes are given")
    minutes: float | None = Field(
        None, gt=0, description="end after so long, with the learning rate planned for it"
    )
    batch_size: int = Field(ge=1)
    image_size: tuple[int, int] = Field(description="width, height fed to the network, pixels")
    optimizer: Literal["momentum", "adamw"] = "momentum"
    model_params: dict[str, Any] = Field(default_factory=dict)
    use_mixed_loss: bool | list[tuple[str, float]] = False
    pretrain_weights: str | None = None
    resume: Path | None = Field(None, description="model folder to continue from")
    device: str = Field("auto", description="several: gpu:0,1 or cpu:2")
    accumulate_steps: int = Field(1, ge=1, description="batches per step of the optimizer")
    amp: Literal["off", "auto", "bf16", "fp16"] = "off"
    ema_decay: float | None = Field(None, gt=0, lt=1, description="average the weights, as 0.999")
    deterministic: bool = False
    backbone_lr_multiplier: float | None = Field(
        None, gt=0, description="of the learning rate, for a pretrained encoder; by default 1"
    )

    adjust_scores: bool = Field(
        False,
        description="in the end add to each class's score what makes the most of val; see "
        "core.prediction.logit_adjustment",
    )
    take_last: bool = Field(
        False,
        description="in the end the last model is the best one, unless an earlier one has clearly "
        "more mIoU on val than chance gives",
    )
    flip_test: bool = Field(
        False,
        description="in the end see whether predicting the mirror image, too, makes more of val; "
        "not where horizontal_flip is 0",
    )

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


class LearningCurveSpec(JobSpec):
    """Train the suggested settings on growing parts of the training images; see what labels bring.

    The validation images stay the same for all of them.
    """

    kind: Literal["learning_curve"] = "learning_curve"
    data_dir: Path
    model: ModelName | None = Field(None, description="by default the network that is suggested")
    minutes: float = Field(30.0, gt=0, description="for all trainings together")
    seed: int = Field(0, ge=0)


class EvaluateSpec(ModelJobSpec):
    """Measure a model on one subset; writes ``metrics.json`` and per-image scores."""

    kind: Literal["evaluate"] = "evaluate"
    data_dir: Path
    split: Subset = "val"
    save_masks: bool = Field(False, description="keep each predicted label map")
    save_odds: bool = Field(
        False, description="keep what thresholds are tried with later, beside the label maps"
    )
    object_iou: float = Field(0.2, gt=0, le=1, description="overlap that makes an object found")
    min_area: int = Field(1, ge=1, description="pixels; smaller objects count as nothing")
    false_alarm_rate: float = Field(
        0.05, ge=0, lt=1, description="share of good images taken for defective"
    )
    thresholds: bool = Field(False, description="choose classes by the model's thresholds")


class PredictSpec(ModelJobSpec):
    """Predict label maps of images; one indexed PNG each in ``out_dir``."""

    kind: Literal["predict"] = "predict"
    images: list[Path] = Field(min_length=1)
    out_dir: Path
    overwrite: bool = Field(False, description="replace masks that exist")
    thresholds: bool = Field(False, description="choose classes by the model's thresholds")


class DraftSpec(ModelJobSpec):
    """Predict images as drafts to be looked through; see ``core.annotation.draft``."""

    kind: Literal["draft"] = "draft"
    images: list[Path] = Field(min_length=1)
    image_ids: list[int] = Field(
        default_factory=list, description="the images' ids in the project; none outside one"
    )


class TrialSpec(ModelJobSpec):
    """Predict images to see how they would be judged; see ``core.runs.trial_files``."""

    kind: Literal["trial"] = "trial"
    images: list[Path] = Field(min_length=1)
    subset: Subset | None = Field(None, description="that the images are, None for others")
    source: str = Field("", description="what people call the images, such as their folder")
    thresholds: bool = Field(False, description="choose classes by the model's thresholds")


class SensitivitySpec(ModelJobSpec):
    """Measure what pruning each group of channels costs; writes ``model.sensi.data``."""

    kind: Literal["sensitivity"] = "sensitivity"
    data_dir: Path
    split: Subset = "val"
    criterion: Criterion = "l1_norm"
    fast: bool = Field(False, description="a part of the images, and only ratios that can matter")
    batch_size: int = Field(8, ge=1)


class PruneSpec(TrainingFields, ModelJobSpec):
    """Remove channels until ``flops`` of the operations are gone, then train on."""

    kind: Literal["prune"] = "prune"
    data_dir: Path | None = Field(None, description="needed to train on and to measure")
    flops: float = Field(gt=0, lt=1, description="share of the operations to remove")
    criterion: Criterion = "l1_norm"
    strategy: Literal["auto", "global", "sensitivity"] = "auto"
    sensitivity: Path | None = Field(None, description="model.sensi.data, or its folder")
    finetune_epochs: int = Field(0, ge=0)
    measure: bool = Field(True, description="export the result and measure it at the end")


class QuantizeSpec(TrainingFields, ModelJobSpec):
    """Quantise to int8: after training (``epochs`` 0), or while training on."""

    kind: Literal["quantize"] = "quantize"
    data_dir: Path
    epochs: int = Field(0, ge=0, description="0: calibrate only")
    learning_rate: float = Field(0.0001, gt=0)
    method: Literal["min_max", "percentile", "entropy"] = Field(
        "percentile", description="how ranges follow from the calibration images"
    )
    calibration_images: int = Field(64, ge=1)
    quant_config: dict[str, Any] | None = Field(None, description="PaddleX's quant_config")
    float_layers: Literal["auto"] | list[str] = Field(
        "auto", description="convolutions that stay in float; auto seeks those that suffer most"
    )
    measure: bool = Field(True, description="export the result and measure it at the end")


class ExportSpec(ModelJobSpec):
    """Write the files that other programs run; int8 if the model is quantised."""

    kind: Literal["export"] = "export"
    out_dir: Path
    format: Literal["onnx", "openvino", "paddle"] = "onnx"
    plain: bool = Field(False, description="leave preprocessing and choosing classes out")
    color_order: Literal["bgr", "rgb"] = Field("bgr", description="of images that it will take")
    image_size: tuple[int, int] | None = Field(None, description="by default the model's own")
    thresholds: bool = Field(False, description="have the file choose by the model's thresholds")
    flip_test: bool | None = Field(
        None, description="predict the mirror image, too; by default as the model does"
    )
    reference: bool = Field(
        False, description="store what the network makes of validation images, to verify by it"
    )
    store_images: bool = Field(False, description="store these images, too")
    data_dir: Path | None = Field(None, description="where a reference is stored")
    device: str = "cpu"


class BundleSpec(ModelJobSpec):
    """Export a model and write all that a line PC needs to run it."""

    kind: Literal["bundle"] = "bundle"
    out: Path = Field(description="folder, or a file that ends with .zip")
    export_dir: Path | None = Field(None, description="its export; by default it is exported anew")
    data_dir: Path | None = Field(None, description="its val images become samples")
    image_size: tuple[int, int] | None = Field(None, description="by default the model's own")
    thresholds: bool = Field(False, description="have the file choose by the model's thresholds")
    device: str = "cpu"


class MeasureSpec(ModelJobSpec):
    """Export a model and measure size, operations, latency and metrics, to compare variants."""

    kind: Literal["measure"] = "measure"
    data_dir: Path
    split: Subset = "val"
    image_size: tuple[int, int] | None = Field(None, description="by default the model's own")
    device: str = "cpu"


class BenchmarkSpec(JobSpec):
    """Time exported models side by side on this computer."""

    kind: Literal["benchmark"] = "benchmark"
    exports: list[Path] = Field(min_length=1)
    seconds: float = Field(0.5, gt=0, description="for each configuration")
    device: str = "cpu"


class WatchSpec(JobSpec):
    """Judge images as they arrive in a folder; see ``core.watch``."""

    kind: Literal["watch"] = "watch"
    export_dir: Path
    folder: Path
    out_dir: Path
    project: Path | None = Field(None, description="where images to label go")
    subfolders: bool = False
    once: bool = Field(False, description="end when all that is there is judged")
    interval: float = Field(0.5, ge=0.05, le=3600, description="seconds between two looks")
    broken_after: float = Field(30.0, ge=0, description="seconds that a file is tried")
    keep_days: float = Field(30.0, ge=0, description="how long pictures are kept")
    max_bytes: int = Field(2 * 2**30, ge=0, description="how large they may become together")
    log_days: float = Field(365.0, ge=1)
    min_confidence: float = Field(0.8, ge=0, le=1, description="below it an image is odd")
    most_to_label: int = Field(200, ge=0, description="images a day that are chosen to label")
    runtime: Literal["auto", "onnxruntime", "openvino", "paddle"] = "auto"
    threads: int | None = Field(None, ge=1)


class VerifySpec(ModelJobSpec):
    """Compare an exported file with the model it was made from, on images at their own size."""

    kind: Literal["verify"] = "verify"
    export_dir: Path
    data_dir: Path | None = Field(None, description="images with masks")
    split: Subset = "val"
    images: list[Path] = Field(default_factory=list, description="where there are no masks")
    most_images: int | None = Field(None, ge=1, description="by default all")
    runtime: Literal["auto", "onnxruntime", "openvino"] = "auto"
    threads: int | None = Field(None, ge=1)
    bound: float | None = Field(
        None, gt=0, le=1, description="least share of pixels of one class; 0.9999 in float"
    )
    int8_loss: float = Field(0.005, ge=0, le=1, description="mIoU that an int8 file may lose")
    device: str = "cpu"


_SMALLER_MODEL: Final = message("Close other programs, or use a model with a smaller image size.")


def _train_and_val(_spec: Any) -> tuple[Subset, ...]:
    return ("train", "val")


def _own_split(spec: EvaluateSpec | SensitivitySpec | MeasureSpec) -> tuple[Subset, ...]:
    return (spec.split,)


def _if_labelled(spec: VerifySpec) -> tuple[Subset, ...]:
    return () if spec.images or spec.data_dir is None else (spec.split,)


def _if_stored(spec: ExportSpec) -> tuple[Subset, ...]:
    return ("val",) if spec.reference else ()


def _if_finetuned(spec: PruneSpec) -> tuple[Subset, ...]:
    return ("train", "val") if spec.finetune_epochs else ("val",)


def _val_if_any(spec: BundleSpec) -> tuple[Subset, ...]:
    return () if spec.data_dir is None else ("val",)


JOB_KINDS: tuple[JobKind, ...] = (
    JobKind(
        spec=TrainSpec,
        task="core.jobs.tasks.train:run",
        subsets=_train_and_val,
        resumable=True,
        distributed=True,
    ),
    JobKind(
        spec=LearningCurveSpec,
        task="core.jobs.tasks.learning_curve:run",
        title=lambda name: message("{name} · learning curve", name=name),
        panel="inspection",
        subsets=_train_and_val,
        stages={"check": "checking the data", "parts": "training on parts of the labels"},
        resumable=True,
    ),
    JobKind(
        spec=EvaluateSpec,
        task="core.jobs.tasks.evaluate:run",
        title=lambda name: message("{name} · evaluation", name=name),
        panel="inspection",
        subsets=_own_split,
        takes_exports=True,
        memory_advice=_SMALLER_MODEL,
    ),
    JobKind(
        spec=PredictSpec,
        task="core.jobs.tasks.predict:run",
        title=lambda name: message("{name} · prediction", name=name),
        takes_exports=True,
        memory_advice=_SMALLER_MODEL,
    ),
    JobKind(
        spec=DraftSpec,
        task="core.jobs.tasks.draft:run",
        title=lambda name: message("{name} · drafts", name=name),
        panel="labelling",
        resumable=True,
        takes_exports=True,
        memory_advice=_SMALLER_MODEL,
        former_name="prelabel",
    ),
    JobKind(
        spec=TrialSpec,
        task="core.jobs.tasks.trial:run",
        title=lambda name: message("{name} · trial", name=name),
        panel="shipping",
        resumable=True,
        memory_advice=_SMALLER_MODEL,
    ),
    JobKind(
        spec=SensitivitySpec,
        task="core.jobs.tasks.sensitivity:run",
        title=lambda name: message("{name} · sensitivity", name=name),
        panel="compression",
        subsets=_own_split,
        stages={"sensitivity": "analysing sensitivity"},
        resumable=True,
    ),
    JobKind(
        spec=PruneSpec,
        task="core.jobs.tasks.prune:run",
        title=lambda name: message("{name} · pruning", name=name),
        panel="compression",
        subsets=_if_finetuned,
        stages={"prune": "pruning"},
        resumable=True,
        makes_variant=True,
    ),
    JobKind(
        spec=QuantizeSpec,
        task="core.jobs.tasks.quantize:run",
        title=lambda name: message("{name} · quantisation", name=name),
        panel="compression",
        subsets=_train_and_val,
        stages={"calibrate": "calibrating", "quantize": "quantising"},
        resumable=True,
        makes_variant=True,
    ),
    JobKind(
        spec=ExportSpec,
        task="core.jobs.tasks.export:run",
        title=lambda name: message("{name} · export", name=name),
        panel="shipping",
        subsets=_if_stored,
        stages={"export": "exporting", "reference": "storing a reference"},
    ),
    JobKind(
        spec=BundleSpec,
        task="core.jobs.tasks.bundle:run",
        title=lambda name: message("{name} · bundle", name=name),
        panel="shipping",
        subsets=_val_if_any,
        stages={"bundle": "bundling"},
    ),
    JobKind(
        spec=MeasureSpec,
        task="core.jobs.tasks.measure:run",
        title=lambda name: message("{name} · measurement", name=name),
        panel="compression",
        subsets=_own_split,
        memory_advice=_SMALLER_MODEL,
    ),
    JobKind(
        spec=BenchmarkSpec,
        task="core.jobs.tasks.benchmark:run",
        title=lambda name: message("{name} · speed", name=name),
        panel="shipping",
        needs_engine=False,
    ),
    JobKind(
        spec=WatchSpec,
        task="core.jobs.tasks.watch:run",
        title=lambda name: message("{name} · watched folder", name=name),
        panel="shipping",
        stages={"watch": "watching"},
        resumable=True,
        needs_engine=False,
        waits_turn=False,
    ),
    JobKind(
        spec=VerifySpec,
        task="core.jobs.tasks.verify:run",
        title=lambda name: message("{name} · verification", name=name),
        panel="shipping",
        subsets=_if_labelled,
        stages={"verify": "verifying"},
        memory_advice=_SMALLER_MODEL,
    ),
)
