"""What job descriptions have in common; ``core.runs.kinds`` has those of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.transforms.recipes import Augmentation


class JobSpec(BaseModel):
    """What a job is asked to do, as JSON that a person can read in ``spec.json``.

    Attributes:
        kind: the name of its kind, see ``core.runs.kinds``.
        device: where to compute, such as ``auto``, ``cpu`` or ``gpu:0``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: str
    device: str = "auto"


class ModelJobSpec(JobSpec):
    """A job on a model that is there already."""

    model_dir: Path


class TrainingFields(JobSpec):
    """How a network is trained, whether anew or after a compression; epochs are the kind's own."""

    batch_size: int = Field(4, ge=1)
    image_size: tuple[int, int] | None = Field(
        None, description="width, height fed to the network; by default the model's own"
    )
    image_scale: float | None = Field(
        None,
        ge=1 / 16,
        le=16,
        description="network pixels for each pixel of an image; then image_size is that of the "
        "parts that are trained on, and images of different sizes keep their proportions",
    )
    sampling: Literal["each", "balanced"] = Field(
        "each", description="balanced: half of the images are drawn by class, rare ones as often"
    )
    epoch_images: int | None = Field(
        None, ge=1, description="images an epoch; by default as many as there are"
    )
    learning_rate: float = Field(0.01, gt=0)
    lr_decay_power: float = Field(0.9, ge=0)
    warmup_steps: int = Field(
        0, ge=0, description="steps in the beginning in which the learning rate rises"
    )
    warmup_start_lr: float = Field(0.0, ge=0, description="where it rises from")
    class_weights: Literal["none", "balanced"] | list[float] = "none"
    save_interval_epochs: int = Field(1, ge=1)
    keep_epochs: int = Field(2, ge=1, description="how many of the newest epoch_N folders stay")
    log_interval_steps: int = Field(2, ge=1)
    early_stop: bool = False
    early_stop_patience: int = Field(5, ge=1)
    augmentation: Augmentation = Augmentation()
    use_vdl: bool = True
    preview_images: int = Field(4, ge=0, le=16)
    num_workers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    seed: int = Field(0, ge=0)
