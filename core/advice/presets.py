"""Training settings that fit data, device and time, each with the reason for it.

Nothing here is learnt or searched: a few rules that a person can check and overrule, from
measurements in ``docs/decisions/0014-few-labels.md``. Speeds are rough and marked as such; runs
made on the same machine replace them (``measured``), and a training against the clock plans by
what it sees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from core.advice.input_scale import InputScale, choose_scale
from core.advice.label_facts import LabelFacts
from core.data.dataset_statistics import DatasetStatistics
from core.models.catalog import NETWORKS, ModelName
from core.models.optimizer_choice import Optimizer, learning_rate
from core.prediction.chance import ENOUGH_IMAGES
from core.runs.kinds import TrainSpec
from core.system.devices import DeviceInfo
from core.system.errors import InputError
from core.system.messages import Message, message
from core.transforms.recipes import Augmentation

Quality = Literal["quick", "balanced", "thorough"]
#: What matters most, in plain words.
Goal = Literal["usual", "small", "fast", "accurate"]
GOALS: tuple[Goal, ...] = ("usual", "small", "fast", "accurate")
#: How much larger than usual the network sees the images.
_ENLARGED: Final[Mapping[Goal, float]] = {
    "usual": 1.0,
    "small": 1.5,
    "fast": 0.67,
    "accurate": 1.25,
}
QUALITIES: tuple[Quality, ...] = ("quick", "balanced", "thorough")
#: Minutes that each may take.
MINUTES: Final[Mapping[Quality, float]] = {"quick": 5.0, "balanced": 30.0, "thorough": 480.0}

#: The network with weights of its own: it finds things from a dozen labels.
PRETRAINED: Final[ModelName] = "EfficientNetFPN"
RARE_SHARE: Final = 0.02
FEW_OBJECTS: Final = 20
#: The smallest network, and how many objects of each class it needs to learn from random weights.
_QUICKEST: Final[ModelName] = "FastSCNN"
_MANY_OBJECTS: Final = 200

#: Cross entropy for every pixel alike, Dice for every class alike (nnU-Net's, Isensee et al. 2021).
CE_AND_DICE: Final = (("CrossEntropyLoss", 1.0), ("DiceLoss", 1.0))

_BATCH: Final = {"cpu": 8, "gpu": 16}
#: Steps that a network needs at least, and the pixels of a part for which they are counted.
_LEAST_STEPS: Final = 400
_PIXELS: Final = {"cpu": 80_000, "gpu": 200_000}
_MOST_PIXELS: Final = {"cpu": 768 * 512, "gpu": 1024 * 1024}
#: How a longer time is shared: most of it goes into steps, the rest into larger parts.
_STEPS_SHARE: Final = 0.65
#: Share of the time that steps get; starting, evaluating and saving take the rest.
_TRAINING: Final = 0.82
_EVALUATING: Final = 0.1
#: Seconds that an evaluation takes beside its predictions: two model folders are written.
_SAVING_S: Final = 1.5
_EVALUATIONS: Final = 30
_PATIENCE: Final = 12
#: More steps than these do not help so few images.
_MOST_STEPS: Final = 40_000
_STEPS_ANYWAY: Final = 3_000
_STEPS_PER_IMAGE: Final = 40
_FEWEST_EPOCH_STEPS: Final = 8
#: An evaluation's forward pass beside a training step's three, roughly.
_FORWARD: Final = 1 / 3
_ENCODER_RATE: Final = 0.25


_ADJUSTED: Final = message(
    "In the end the scores of rare classes are lowered as far as the validation images show, since "
    "weights and draws make the network see them too often."
)
_TAKE_LAST: Final = message(
    "With so few validation images the last model is taken, unless an earlier one finds clearly "
    "more in them: of many evaluations the best one is often a lucky one."
)
_FLIP_TEST: Final = message(
    "In the end mirror images are predicted, too, and both are averaged, if the validation images "
    "gain by it: an image then takes twice the time. Exported files do the same unless told not to."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Suggested settings; names as in ``TrainSpec``. ``reasons`` explain them in their order."""

    quality: Quality | None
    model: ModelName
    minutes: float
    image_size: tuple[int, int]
    image_scale: float | None
    batch_size: int
    epochs: int
    epoch_images: int
    optimizer: Optimizer
    learning_rate: float
    backbone_lr_multiplier: float | None
    warmup_steps: int
    ema_decay: float
    adjust_scores: bool
    flip_test: bool
    take_last: bool
    class_weights: Literal["none", "balanced"]
    sampling: Literal["each", "balanced"]
    use_mixed_loss: tuple[tuple[str, float], ...]
    augmentation: Augmentation
    save_interval_epochs: int
    early_stop: bool
    early_stop_patience: int
    pretrain_weights: str | None
    device: str
    estimated_seconds: float
    reasons: tuple[Message, ...]

    def fields(self) -> dict[str, Any]:
        """Return the settings by their names in ``TrainSpec``, all but ``data_dir``."""
        names = TrainSpec.model_fields.keys() & set(self.__slots__)
        found = {name: getattr(self, name) for name in names}
        return {**found, "use_mixed_loss": [list(part) for part in self.use_mixed_loss]}

    def spec(self, data_dir: Path, **changes: Any) -> TrainSpec:
        """Return these settings as a job; ``changes`` override single fields."""
        return TrainSpec(**{**self.fields(), "data_dir": data_dir, **changes})


def suggest(
    statistics: DatasetStatistics,
    device: DeviceInfo,
    *,
    facts: LabelFacts | None = None,
    quality: Quality = "balanced",
    goal: Goal = "usual",
    minutes: float | None = None,
    model: ModelName | None = None,
    measured: Mapping[ModelName, float] | None = None,
) -> Preset:
    """Suggest settings for training on a data set.

    Args:
        statistics: of the data set, see ``core.data.validation``.
        device: where training runs.
        facts: what the labels say; without them objects count as large and images as having an up
            and a down.
        quality: how much time to spend, where ``minutes`` does not say.
        goal: what matters most.
        minutes: that the training may take.
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
    allowed = MINUTES[quality] if minutes is None else minutes
    chosen, why_model = _model(statistics, facts, model, goal)
    speed = expected_speed(chosen, device, measured or {})
    budget = _Budget.of(60 * allowed, speed, device)
    scale = choose_scale(
        statistics,
        facts,
        most_pixels=budget.part_pixels(chosen),
        any_size=NETWORKS[chosen].takes_any_size,
        enlarged=_ENLARGED[goal],
    )
    batch, why_batch = _batch_size(images, device, chosen, scale.size)
    plan = _plan(statistics, budget, scale, batch)
    weights, why_weights = _class_weights(statistics)
    augmentation, why_flips = _augmentation(statistics, facts)
    take_last = statistics.images.get("val", 0) < ENOUGH_IMAGES
    flip_test = goal != "fast" and augmentation.horizontal_flip > 0
    network = NETWORKS[chosen]
    starts_trained = network.default_weights is not None
    rate = learning_rate(batch, "adamw")
    return Preset(
        quality=quality if minutes is None else None,
        model=chosen,
        minutes=allowed,
        image_size=scale.size,
        image_scale=scale.factor,
        batch_size=batch,
        epochs=plan.epochs,
        epoch_images=plan.epoch_steps * batch,
        optimizer="adamw",
        learning_rate=rate,
        backbone_lr_multiplier=_ENCODER_RATE if starts_trained else None,
        warmup_steps=max(1, min(200, plan.steps // 10)),
        ema_decay=round(min(0.999, max(0.95, 1 - 8 / plan.steps)), 4),
        adjust_scores=True,
        flip_test=flip_test,
        take_last=take_last,
        class_weights=weights,
        sampling="balanced" if len(statistics.labels) > 1 else "each",
        use_mixed_loss=CE_AND_DICE,
        augmentation=augmentation,
        save_interval_epochs=1,
        early_stop=not take_last,  # so few images cannot tell that there is no more to come
        early_stop_patience=_PATIENCE,
        pretrain_weights=network.default_weights,
        device=device.spec_name,
        estimated_seconds=plan.seconds,
        reasons=(
            why_model,
            *scale.reasons,
            why_batch,
            plan.reason,
            _why_rate(rate, batch, starts_trained=starts_trained),
            why_weights,
            _ADJUSTED,
            why_flips,
            *((_FLIP_TEST,) if flip_test else ()),
            *((_TAKE_LAST,) if take_last else ()),
        ),
    )


def pixels_per_second(model: ModelName, device: DeviceInfo) -> float:
    """Return a rough training speed, input pixels a second, from the cost table."""
    cost = NETWORKS[model].cost
    if device.kind == "gpu":
        return cost.gpu_pixels_per_s
    return cost.cpu_pixels_per_s * float(min(device.cores, 16) ** 0.9)


def expected_speed(
    model: ModelName, device: DeviceInfo, measured: Mapping[ModelName, float]
) -> float:
    """Return input pixels a second: those of earlier runs, or the table's as fast as they were.

    Args:
        model: which network.
        device: where it would train.
        measured: speeds of earlier runs on this device, by network.
    """
    if (known := measured.get(model)) is not None:
        return known
    shares = [speed / pixels_per_second(name, device) for name, speed in measured.items()]
    factor = math.exp(sum(map(math.log, shares)) / len(shares)) if shares else 1.0
    return factor * pixels_per_second(model, device)


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
    statistics: DatasetStatistics,
    facts: LabelFacts | None,
    wanted: ModelName | None,
    goal: Goal,
) -> tuple[ModelName, Message]:
    if wanted is not None:
        return wanted, message("{model}: your choice.", model=wanted)
    counts = () if facts is None else facts.classes[1:]
    fewest = min(
        ((one.objects, name) for one, name in zip(counts, statistics.labels[1:], strict=False)),
        default=None,
    )
    if goal == "fast" and fewest is not None and fewest[0] >= _MANY_OBJECTS:
        return _QUICKEST, message(
            "{model}: the quickest network, and there are labels enough for it to start from "
            "nothing (“{label}”: {count}).",
            model=_QUICKEST,
            label=fewest[1],
            count=fewest[0],
        )
    if fewest is not None and fewest[0] < FEW_OBJECTS:
        objects, name = fewest
        return PRETRAINED, message(
            "{model}: it has learnt from a million photographs before, so that few labels suffice "
            "(“{label}”: {count}).",
            model=PRETRAINED,
            label=name,
            count=objects,
        )
    return PRETRAINED, message(
        "{model}: it has learnt from a million photographs before, and comes further in the same "
        "time than a network that starts from nothing.",
        model=PRETRAINED,
    )


@dataclass(frozen=True, slots=True)
class _Budget:
    """Seconds, pixels a second, and the device."""

    seconds: float
    speed: float
    device: DeviceInfo

    @classmethod
    def of(cls, seconds: float, speed: float, device: DeviceInfo) -> _Budget:
        return cls(seconds, speed, device)

    @property
    def trained_pixels(self) -> float:
        return self.seconds * _TRAINING * self.speed

    def part_pixels(self, model: ModelName) -> float:
        """Return how many pixels the parts may have, so that enough steps fit into the time."""
        kind = self.device.kind
        usual = _LEAST_STEPS * _PIXELS[kind] * _BATCH[kind]
        growth = math.pow(max(self.trained_pixels / usual, 1e-6), 1 - _STEPS_SHARE)
        pixels = min(_PIXELS[kind] * growth, _MOST_PIXELS[kind])
        if memory := memory_budget(self.device):
            cost = NETWORKS[model].cost
            pixels = min(pixels, max(1, memory - cost.base_bytes) / (2 * cost.bytes_per_pixel))
        return max(pixels, 64.0 * 64.0)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Steps, and the epochs that they are cut into."""

    steps: int
    epoch_steps: int
    epochs: int
    seconds: float
    reason: Message


def _plan(statistics: DatasetStatistics, budget: _Budget, scale: InputScale, batch: int) -> _Plan:
    step_s = math.prod(scale.size) * batch / budget.speed
    by_time = max(1, int(budget.seconds * _TRAINING / step_s))
    most = min(_MOST_STEPS, _STEPS_ANYWAY + _STEPS_PER_IMAGE * statistics.train_images)
    steps = min(by_time, most)
    evaluation_s = _FORWARD * statistics.images.get("val", 0) * scale.pixels / budget.speed
    affordable = int(_EVALUATING * budget.seconds / (evaluation_s + _SAVING_S))
    evaluations = max(3, min(_EVALUATIONS, affordable))
    epoch_steps = max(_FEWEST_EPOCH_STEPS, math.ceil(steps / evaluations))
    seconds = min(budget.seconds, steps * step_s / _TRAINING)
    minutes = max(1, round(budget.seconds / 60))
    if by_time < most:
        reason = message(
            "{minutes} {minutes:minute|minutes}: about {steps} {steps:step|steps} here; more "
            "would still help.",
            minutes=minutes,
            steps=steps,
        )
    else:
        reason = message(
            "At most {minutes} {minutes:minute|minutes}: {steps} {steps:step is|steps are} about "
            "what so many images need.",
            minutes=minutes,
            steps=steps,
        )
    return _Plan(steps, epoch_steps, math.ceil(most / epoch_steps), seconds, reason)


def _batch_size(
    images: int, device: DeviceInfo, model: ModelName, size: tuple[int, int]
) -> tuple[int, Message]:
    """A power of two that fits the memory; never more than there are images."""
    most = _BATCH[device.kind]
    budget = memory_budget(device)
    fits = most
    while fits > 2 and budget and training_memory(model, size, fits) > budget:
        fits //= 2
    batch = min(fits, images)
    if batch < fits:
        return batch, message("Batch {batch}: all the training images there are.", batch=batch)
    if fits < most:
        return batch, message(
            "Batch {batch}: as many images as fit the free memory ({memory} GB).",
            batch=batch,
            memory=f"{device.free_bytes / 1e9:.1f}",
        )
    return batch, message(
        "Batch {batch}: enough for stable statistics, and it fits the memory.", batch=batch
    )


def _why_rate(rate: float, batch: int, *, starts_trained: bool) -> Message:
    if starts_trained:
        return message(
            "Optimizer AdamW with learning rate {rate} for a batch of {batch}, and a quarter of it "
            "for what has been trained before.",
            rate=f"{rate:g}",
            batch=batch,
        )
    return message(
        "Optimizer AdamW with learning rate {rate} for a batch of {batch}: it learns rare "
        "classes from random weights sooner than momentum does.",
        rate=f"{rate:g}",
        batch=batch,
    )


def _class_weights(
    statistics: DatasetStatistics,
) -> tuple[Literal["none", "balanced"], Message]:
    share, name = _rarest_class(statistics)
    if share is not None and share < RARE_SHARE:
        return "balanced", message(
            "Class weights balanced: “{label}” covers only {share} of the pixels and would "
            "otherwise be ignored; images that show rare classes are drawn more often.",
            label=name,
            share=_percent(share),
        )
    return "none", message("No class weights: every class covers a fair share of the pixels.")


def _augmentation(
    statistics: DatasetStatistics, facts: LabelFacts | None
) -> tuple[Augmentation, Message]:
    usual = Augmentation(min_scale=0.6, min_zoom=0.6, aspect_ratio=0.17, class_crop=0.6)
    sided = next((name for name in statistics.labels if _names_a_side(name)), None)
    if sided is not None:
        return usual.model_copy(update={"horizontal_flip": 0.0}), message(
            "No flips: the class “{label}” says left or right, which a flip would make wrong.",
            label=sided,
        )
    if facts is None or facts.upright:
        return usual, message(
            "Images are flipped left to right only: classes keep to their heights, so there is an "
            "up and a down. Parts are taken enlarged and shrunk."
        )
    return usual.model_copy(update={"vertical_flip": 0.5}), message(
        "Images are flipped left to right and upside down: classes lie at any height. Turn it off "
        "where up and down matter. Parts are taken enlarged and shrunk."
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
