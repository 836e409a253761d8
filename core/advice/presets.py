"""Training settings that fit a data set and a device, each with the reason for it.

Nothing here is learnt or searched: a few rules that a person can check and overrule. Costs are
rough and marked as such; runs made on the same machine replace them (``measured``). Suggested are
FastSCNN and UNet; the other networks gain most from pretrained weights and are the user's choice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.data.dataset_statistics import DatasetStatistics
from core.models.catalog import NETWORKS, ModelName
from core.models.optimizer_choice import Optimizer, explained_rate, suggested_optimizer
from core.runs.kinds import TrainSpec
from core.system.devices import DeviceInfo
from core.system.errors import InputError
from core.system.messages import Message, message
from core.transforms.recipes import Augmentation

Quality = Literal["quick", "balanced", "thorough"]
QUALITIES: tuple[Quality, ...] = ("quick", "balanced", "thorough")

SIZE_STEP = 32  # the coarsest feature map of any network is 1/32 of the image
SMALLEST_SIDE = 64
RARE_SHARE = 0.02
SLOW_PIXELS_PER_S = 50e3  # networks slower than this on a core get smaller images there


@dataclass(frozen=True, slots=True)
class _Effort:
    """How much of the device and of the user's time a quality may take."""

    steps: int
    cpu_seconds: float
    gpu_seconds: float
    cpu_pixels: int
    gpu_pixels: int
    least_epochs: int
    most_epochs: int


_EFFORTS: dict[Quality, _Effort] = {
    "quick": _Effort(300, 180, 180, 256 * 192, 512 * 384, 3, 20),
    "balanced": _Effort(3000, 1800, 1800, 512 * 384, 1024 * 512, 8, 100),
    "thorough": _Effort(20000, 4 * 3600, 2 * 3600, 768 * 512, 1024 * 1024, 20, 300),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Suggested settings; names as in ``TrainSpec``. ``reasons`` explain them in their order."""

    quality: Quality
    model: ModelName
    image_size: tuple[int, int]
    batch_size: int
    epochs: int
    optimizer: Optimizer
    learning_rate: float
    class_weights: Literal["none", "balanced"]
    augmentation: Augmentation
    save_interval_epochs: int
    device: str
    estimated_seconds: float
    reasons: tuple[Message, ...]

    def spec(self, data_dir: Path, **changes: Any) -> TrainSpec:
        """Return these settings as a job; ``changes`` override single fields."""
        fields: dict[str, Any] = {
            "model": self.model,
            "data_dir": data_dir,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "image_size": self.image_size,
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
            "class_weights": self.class_weights,
            "augmentation": self.augmentation,
            "save_interval_epochs": self.save_interval_epochs,
            "device": self.device,
        }
        return TrainSpec(**{**fields, **changes})


def suggest(
    statistics: DatasetStatistics,
    device: DeviceInfo,
    *,
    quality: Quality = "balanced",
    model: ModelName | None = None,
    measured: Mapping[ModelName, float] | None = None,
) -> Preset:
    """Suggest settings for training on a data set.

    Args:
        statistics: of the data set, see ``core.data.validation``.
        device: where training runs.
        quality: how much time to spend.
        model: keep this network; None: choose one.
        measured: input pixels a second that earlier runs of a network reached on this device,
            instead of the table's rough figures.

    Raises:
        InputError: there is no image to train on.
    """
    images = statistics.train_images
    if not images:
        raise InputError(
            "There are no training images yet: label some and put them into the subset train."
        )
    chosen, why_model = _model(statistics, device, model)
    size, why_size = _image_size(statistics, device, quality, chosen)
    batch, why_batch = _batch_size(images, device, chosen, size)
    speed = (measured or {}).get(chosen) or pixels_per_second(chosen, device)
    epochs, seconds, why_epochs = _epochs(images, batch, size, speed, device, quality)
    weights, why_weights = _class_weights(statistics)
    augmentation, why_flips = _augmentation(statistics)
    optimizer = suggested_optimizer(chosen)
    rate, why_rate = explained_rate(optimizer, batch)
    return Preset(
        quality=quality,
        model=chosen,
        image_size=size,
        batch_size=batch,
        epochs=epochs,
        optimizer=optimizer,
        learning_rate=rate,
        class_weights=weights,
        augmentation=augmentation,
        save_interval_epochs=max(1, epochs // 25),
        device=device.spec_name,
        estimated_seconds=seconds,
        reasons=(why_model, why_size, why_batch, why_epochs, why_rate, why_weights, why_flips),
    )


def pixels_per_second(model: ModelName, device: DeviceInfo) -> float:
    """Return a rough training speed, input pixels a second, from the cost table."""
    cost = NETWORKS[model].cost
    if device.kind == "gpu":
        return cost.gpu_pixels_per_s
    return cost.cpu_pixels_per_s * float(min(device.cores, 16) ** 0.9)


def training_memory(model: ModelName, image_size: tuple[int, int], batch_size: int) -> int:
    """Return roughly how many bytes training takes."""
    cost = NETWORKS[model].cost
    return cost.base_bytes + cost.bytes_per_pixel * math.prod(image_size) * batch_size


def training_seconds(
    image_size: tuple[int, int], images: int, epochs: int, pixels_per_s: float
) -> float:
    """Return roughly how long training takes, evaluations included (a tenth on top)."""
    return 1.1 * math.prod(image_size) * images * epochs / pixels_per_s


def memory_budget(device: DeviceInfo) -> int:
    """Return how many bytes training may take; 0 where the device does not say.

    Half of what is free on a processor, which has other work too; 85 % on a GPU.
    """
    share = 0.5 if device.kind == "cpu" else 0.85
    return int(device.free_bytes * share)


def _model(
    statistics: DatasetStatistics, device: DeviceInfo, wanted: ModelName | None
) -> tuple[ModelName, Message]:
    if wanted is not None:
        return wanted, message("{model}: your choice.", model=wanted)
    if device.kind == "cpu":
        return "FastSCNN", message(
            "FastSCNN: made for speed; on a processor UNet would take about 20 times as long."
        )
    share, _ = _rarest_class(statistics)
    if share is not None and share < RARE_SHARE and device.free_bytes >= 6 << 30:
        return "UNet", message(
            "UNet: the rarest class covers {share} of the pixels, and UNet keeps fine detail at "
            "full resolution; this GPU has the memory for it.",
            share=_percent(share),
        )
    return "FastSCNN", message("FastSCNN: trains and runs fast, and no class is tiny.")


def _image_size(
    statistics: DatasetStatistics, device: DeviceInfo, quality: Quality, model: ModelName
) -> tuple[tuple[int, int], Message]:
    """Median size in steps of 32, scaled down until two images fit time and memory."""
    effort = _EFFORTS[quality]
    budget = effort.cpu_pixels if device.kind == "cpu" else effort.gpu_pixels
    if device.kind == "cpu" and NETWORKS[model].cost.cpu_pixels_per_s < SLOW_PIXELS_PER_S:
        budget //= 4
    if memory := memory_budget(device):
        cost = NETWORKS[model].cost
        budget = min(budget, max(1, memory - cost.base_bytes) // (2 * cost.bytes_per_pixel))
    width, height = statistics.median_size
    scale = min(1.0, math.sqrt(budget / (width * height)))
    size = (_to_step(width * scale), _to_step(height * scale))
    original = f"{width}×{height}"
    chosen = f"{size[0]}×{size[1]}"
    if scale < 1:
        return size, message(
            "Image size {size}: half of your images are larger than {original}; this keeps the "
            "shape and the time within bounds.",
            size=chosen,
            original=original,
        )
    return size, message(
        "Image size {size}: the median of your images ({original}) in steps of 32 pixels.",
        size=chosen,
        original=original,
    )


def _to_step(side: float) -> int:
    return max(SMALLEST_SIDE, round(side / SIZE_STEP) * SIZE_STEP)


def _batch_size(
    images: int, device: DeviceInfo, model: ModelName, size: tuple[int, int]
) -> tuple[int, Message]:
    """A power of two: what fits up to 8 (processor) or 16, with six steps an epoch if possible."""
    most = 8 if device.kind == "cpu" else 16
    budget = memory_budget(device)
    fits = most
    while fits > 2 and budget and training_memory(model, size, fits) > budget:
        fits //= 2
    wanted = 2 ** int(math.log2(max(2, images // 6)))
    batch = min(fits, wanted, images)
    if batch < fits:
        return batch, message(
            "Batch {batch}: with {images} training images, a larger one would leave too few "
            "steps in an epoch.",
            batch=batch,
            images=images,
        )
    if fits < most:
        return batch, message(
            "Batch {batch}: as many images as fit the free memory ({memory} GB).",
            batch=batch,
            memory=f"{device.free_bytes / 1e9:.1f}",
        )
    return batch, message(
        "Batch {batch}: enough for stable statistics, and it fits the memory.", batch=batch
    )


def _epochs(
    images: int,
    batch: int,
    size: tuple[int, int],
    speed: float,
    device: DeviceInfo,
    quality: Quality,
) -> tuple[int, float, Message]:
    """Enough epochs for the quality's number of steps, unless its time runs out first."""
    effort = _EFFORTS[quality]
    limit = effort.cpu_seconds if device.kind == "cpu" else effort.gpu_seconds
    by_steps = math.ceil(effort.steps / max(1, images // batch))
    by_time = int(limit / training_seconds(size, images, 1, speed))
    epochs = max(effort.least_epochs, min(by_steps, by_time, effort.most_epochs))
    seconds = training_seconds(size, images, epochs, speed)
    steps = epochs * max(1, images // batch)
    if by_time < by_steps and epochs < effort.most_epochs:
        return (
            epochs,
            seconds,
            message(
                "{epochs} epochs ({steps} steps): what fits into about {minutes} minutes here; "
                "more would still help.",
                epochs=epochs,
                steps=steps,
                minutes=max(1, round(seconds / 60)),
            ),
        )
    return (
        epochs,
        seconds,
        message(
            "{epochs} epochs: {steps} steps, about what a network needs at this quality.",
            epochs=epochs,
            steps=steps,
        ),
    )


def _class_weights(
    statistics: DatasetStatistics,
) -> tuple[Literal["none", "balanced"], Message]:
    share, name = _rarest_class(statistics)
    if share is not None and share < RARE_SHARE:
        return "balanced", message(
            "Class weights balanced: “{label}” covers only {share} of the pixels and would "
            "otherwise be ignored.",
            label=name,
            share=_percent(share),
        )
    return "none", message("No class weights: every class covers a fair share of the pixels.")


def _augmentation(statistics: DatasetStatistics) -> tuple[Augmentation, Message]:
    sided = next((name for name in statistics.labels if _names_a_side(name)), None)
    if sided is not None:
        return Augmentation(horizontal_flip=0.0), message(
            "No flips: the class “{label}” says left or right, which a flip would make wrong.",
            label=sided,
        )
    return Augmentation(), message(
        "Images are flipped left to right only: most have an up and a down. Turn vertical flips "
        "on for surfaces, microscopy and pictures from above."
    )


def _names_a_side(label: str) -> bool:
    words = label.lower().replace("-", "_").replace(" ", "_").split("_")
    return bool({"left", "right"} & set(words)) or "左" in label or "右" in label


def _rarest_class(statistics: DatasetStatistics) -> tuple[float | None, str]:
    """Return the pixel share (0 … 1) and name of the rarest class that occurs in training."""
    counts = statistics.train_pixels
    total = sum(counts)
    present = [
        (count, name) for count, name in zip(counts, statistics.labels, strict=True) if count
    ]
    if not present:
        return None, ""
    count, name = min(present)
    return count / total, name


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else "< 0.1 %"
