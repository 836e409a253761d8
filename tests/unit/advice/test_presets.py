"""Suggested settings: every rule where it applies and where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.advice import presets
from core.data.dataset_statistics import DatasetStatistics
from core.models.optimizer_choice import learning_rate, suggested_optimizer
from core.system.devices import DeviceInfo
from core.system.errors import InputError

CPU = DeviceInfo(kind="cpu", name="two cores", memory_bytes=16 << 30, free_bytes=12 << 30, cores=2)
GPU = DeviceInfo(kind="gpu", name="a board", memory_bytes=24 << 30, free_bytes=22 << 30)
SMALL_GPU = DeviceInfo(kind="gpu", name="a small board", memory_bytes=6 << 30, free_bytes=5 << 30)


def data(
    *,
    images: int = 400,
    size: tuple[int, int] = (480, 360),
    pixels: tuple[int, ...] = (600, 400),
    labels: tuple[str, ...] = ("background", "hole"),
) -> DatasetStatistics:
    return DatasetStatistics(
        labels=labels,
        images={"train": images, "val": 20},
        class_pixels={"train": pixels, "val": (1,) * len(pixels)},
        sizes=((size, images + 20),),
        median_size=size,
    )


def reason(preset: presets.Preset, start: str) -> str:
    return next(str(text) for text in preset.reasons if str(text).startswith(start))


def test_size_is_the_median_in_steps_of_32_where_the_budget_allows() -> None:
    preset = presets.suggest(data(), CPU)
    assert preset.image_size == (480, 352)
    assert "median of your images (480×360)" in reason(preset, "Image size 480×352")


def test_large_images_keep_their_shape_within_the_budget() -> None:
    preset = presets.suggest(data(size=(4000, 2000)), CPU)
    width, height = preset.image_size
    assert width * height <= 512 * 384 * 1.1
    assert width % 32 == height % 32 == 0
    assert 1.8 <= width / height <= 2.2
    larger = presets.suggest(data(size=(4000, 2000)), GPU)
    assert larger.image_size[0] > width
    assert presets.suggest(data(size=(20, 20)), CPU).image_size == (64, 64)


@pytest.mark.parametrize(("images", "batch"), [(400, 8), (45, 4), (12, 2), (1, 1)])
def test_batch_leaves_six_steps_and_never_exceeds_the_images(images: int, batch: int) -> None:
    preset = presets.suggest(data(images=images), CPU)
    assert preset.batch_size == batch
    if batch < 8:
        assert f"with {images} training images" in reason(preset, f"Batch {batch}")


def test_batch_fits_the_memory() -> None:
    wide = data(size=(1024, 1024))
    large = presets.suggest(wide, SMALL_GPU, quality="thorough", model="UNet")
    used = presets.training_memory("UNet", large.image_size, large.batch_size)
    assert large.batch_size == 2
    assert large.image_size < (1024, 1024)  # smaller images rather than a batch of one
    assert used <= presets.memory_budget(SMALL_GPU) * 1.1
    fast = presets.suggest(wide, SMALL_GPU, quality="thorough", model="FastSCNN")
    used = presets.training_memory("FastSCNN", fast.image_size, fast.batch_size)
    assert 2 < fast.batch_size < 16
    assert used <= presets.memory_budget(SMALL_GPU)
    assert "5.4 GB" in reason(fast, "Batch")


def test_learning_rate_follows_the_batch_within_bounds() -> None:
    assert learning_rate(4) == 0.01
    assert learning_rate(8) == 0.02
    assert learning_rate(1) == 0.0025
    assert learning_rate(64) == 0.05
    assert learning_rate(8, "adamw") == 0.002
    assert learning_rate(2, "adamw") == 0.001
    assert learning_rate(64, "adamw") == 0.004


def test_adamw_is_for_networks_that_start_from_random_weights() -> None:
    assert suggested_optimizer("FastSCNN") == "adamw"
    assert suggested_optimizer("FastSCNN", pretrained=True) == "momentum"
    assert suggested_optimizer("DeepLabV3P") == "momentum"
    small = presets.suggest(data(), CPU)
    assert small.optimizer == "adamw"
    assert small.learning_rate == learning_rate(small.batch_size, "adamw")
    assert "AdamW with learning rate" in reason(small, "Optimizer")
    large = presets.suggest(data(), CPU, model="HRNet")
    assert large.optimizer == "momentum"
    assert large.learning_rate == learning_rate(large.batch_size)
    assert large.spec(Path("x")).optimizer == "momentum"


def test_better_quality_takes_longer_and_stays_within_its_time() -> None:
    quick, balanced, thorough = (presets.suggest(data(), CPU, quality=q) for q in presets.QUALITIES)
    assert quick.epochs < balanced.epochs < thorough.epochs
    assert quick.estimated_seconds <= 180
    assert balanced.estimated_seconds <= 1800
    assert thorough.estimated_seconds <= 4 * 3600
    assert "fits into about" in reason(balanced, f"{balanced.epochs} epochs")


def test_measured_speed_replaces_the_table() -> None:
    slow = presets.suggest(data(), CPU, quality="thorough")
    fast = presets.suggest(data(), CPU, quality="thorough", measured={"FastSCNN": 5e6})
    assert fast.epochs > slow.epochs
    expected = 1.1 * 480 * 352 * 400 * fast.epochs / 5e6
    assert fast.estimated_seconds == pytest.approx(expected)


def test_tiny_class_gets_weights_and_says_which() -> None:
    rare = data(pixels=(9_900, 60, 40), labels=("background", "dent", "crack"))
    preset = presets.suggest(rare, CPU)
    assert preset.class_weights == "balanced"
    assert "“crack” covers only 0.4 %" in reason(preset, "Class weights")
    assert presets.suggest(data(), CPU).class_weights == "none"
    # a class that never occurs in training says nothing about balance
    absent = data(pixels=(600, 400, 0), labels=("background", "dent", "crack"))
    assert presets.suggest(absent, CPU).class_weights == "none"


@pytest.mark.parametrize("label", ["left lung", "Right_Hand", "左肺"])
def test_flips_are_off_where_a_class_names_a_side(label: str) -> None:
    preset = presets.suggest(data(labels=("background", label)), CPU)
    assert preset.augmentation.horizontal_flip == 0
    assert label in reason(preset, "No flips")
    bright = presets.suggest(data(labels=("background", "bright spot")), CPU)
    assert bright.augmentation.horizontal_flip == 0.5


def test_network_follows_device_and_detail() -> None:
    rare = data(pixels=(9_990, 10))
    assert presets.suggest(rare, CPU).model == "FastSCNN"
    assert presets.suggest(rare, GPU).model == "UNet"
    assert presets.suggest(rare, SMALL_GPU).model == "FastSCNN"
    assert presets.suggest(data(), GPU).model == "FastSCNN"
    assert presets.suggest(data(), CPU, model="UNet").model == "UNet"


def test_preset_is_a_valid_job() -> None:
    spec = presets.suggest(data(), CPU).spec(Path("/数据 集"), epochs=3)
    assert (spec.model, spec.epochs, spec.device) == ("FastSCNN", 3, "cpu")
    assert spec.image_size == (480, 352)


def test_nothing_to_train_on_is_told() -> None:
    with pytest.raises(InputError, match="no training images yet"):
        presets.suggest(DatasetStatistics(labels=("background", "hole")), CPU)
