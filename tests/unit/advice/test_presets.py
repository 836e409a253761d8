"""Suggested settings: every rule where it applies and where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.advice import presets
from core.advice.label_facts import ClassFacts, LabelFacts
from core.data.dataset_statistics import DatasetStatistics
from core.models.optimizer_choice import learning_rate
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
    other_size: tuple[int, int] | None = None,
    val: int = 20,
) -> DatasetStatistics:
    return DatasetStatistics(
        labels=labels,
        images={"train": images, "val": val},
        class_pixels={"train": pixels, "val": (1,) * len(pixels)},
        sizes=((size, images + val),)
        if other_size is None
        else ((size, images // 2), (other_size, images // 2)),
        median_size=size,
    )


def reason(preset: presets.Preset, start: str) -> str:
    return next(str(text) for text in preset.reasons if str(text).startswith(start))


def facts(*objects: int, side: float = 60.0, upright: bool = True) -> LabelFacts:
    background = ClassFacts(1, 300.0)
    return LabelFacts((background, *(ClassFacts(count, side) for count in objects)), upright)


def test_size_is_the_median_in_steps_of_32_where_the_budget_allows() -> None:
    preset = presets.suggest(data(), CPU, facts=facts(200), minutes=240)
    assert preset.image_size == (480, 352)
    assert preset.image_scale is None
    assert "median of your images (480×360)" in reason(preset, "Image size 480×352")


def test_large_images_keep_their_shape_within_the_budget() -> None:
    preset = presets.suggest(data(size=(4000, 2000)), CPU)
    width, height = preset.image_size
    assert width * height < 480 * 352
    assert preset.image_scale == 0.2  # the whole image has two and a half such parts
    assert "learnt in parts" in reason(preset, "Images at 20 % of their size")
    whole = presets.suggest(data(size=(4000, 2000)), CPU, model="FastSCNN")
    assert whole.image_scale is None  # it pools to a grid: images of one size only
    assert width % 32 == height % 32 == 0
    assert 1.8 <= width / height <= 2.2
    larger = presets.suggest(data(size=(4000, 2000)), GPU)
    assert larger.image_size[0] > width
    assert presets.suggest(data(size=(20, 20)), CPU).image_size == (64, 64)


def test_more_time_goes_into_steps_and_larger_parts() -> None:
    sizes = [
        presets.suggest(data(size=(4000, 2000)), CPU, minutes=minutes) for minutes in (2, 10, 60)
    ]
    pixels = [preset.image_size[0] * preset.image_size[1] for preset in sizes]
    assert pixels == sorted(pixels)
    assert pixels[0] < pixels[-1]
    assert [preset.minutes for preset in sizes] == [2, 10, 60]
    assert all(preset.estimated_seconds <= 60 * preset.minutes for preset in sizes)


def test_images_of_several_shapes_are_seen_at_one_scale() -> None:
    preset = presets.suggest(data(size=(300, 200), other_size=(180, 260)), CPU, facts=facts(50))
    assert preset.image_scale == 1.0
    assert "shapes differ" in reason(preset, "All images at the same scale")
    same = presets.suggest(data(size=(300, 200), other_size=(360, 240)), CPU, facts=facts(50))
    assert same.image_scale is None


def test_small_objects_are_enlarged_and_never_shrunk_away() -> None:
    tiny = presets.suggest(data(size=(300, 200)), CPU, facts=facts(50, side=12.0))
    assert tiny.image_scale == 1.33
    assert "about 12 pixels" in reason(tiny, "Images enlarged 1.33 times")
    speck = presets.suggest(data(size=(300, 200)), CPU, facts=facts(50, side=2.0))
    assert speck.image_scale == 1.5
    wide = presets.suggest(data(size=(4000, 2000)), CPU, facts=facts(50, side=32.0))
    assert wide.image_scale == 0.5
    assert "would get lost" in reason(wide, "Images at 50 % of their size")
    assert wide.image_size[0] < 2000  # parts of the image
    large = presets.suggest(data(size=(4000, 2000)), CPU, facts=facts(50, side=400.0))
    assert large.image_scale == 0.2


@pytest.mark.parametrize(("images", "batch"), [(400, 8), (18, 8), (5, 5), (1, 1)])
def test_batch_never_exceeds_the_images(images: int, batch: int) -> None:
    preset = presets.suggest(data(images=images), CPU)
    assert preset.batch_size == batch
    assert preset.epoch_images % batch == 0
    assert preset.epoch_images >= 8 * batch  # few images are shown several times an epoch
    if batch < 8:
        assert "all the training images" in reason(preset, f"Batch {batch}")


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


def test_the_pretrained_network_is_suggested_and_keeps_what_it_knows() -> None:
    preset = presets.suggest(data(), CPU, facts=facts(7, 30))
    assert (preset.model, preset.pretrain_weights) == ("EfficientNetFPN", "IMAGENET")
    assert preset.backbone_lr_multiplier == 0.25
    few = data(pixels=(600, 400, 5), labels=("background", "dent", "crack"))
    assert "“crack”: 7" in reason(
        presets.suggest(few, CPU, facts=facts(30, 7)), "EfficientNetFPN: it has learnt"
    )
    chosen = presets.suggest(data(), CPU, model="UNet")
    assert (chosen.model, chosen.pretrain_weights) == ("UNet", None)
    assert chosen.backbone_lr_multiplier is None
    assert "from random weights" in reason(chosen, "Optimizer")


def test_more_time_gives_more_steps_up_to_what_so_many_images_need() -> None:
    def steps(images: int, quality: presets.Quality) -> int:
        preset = presets.suggest(data(images=images), CPU, quality=quality)
        return preset.epochs * preset.epoch_images // preset.batch_size

    few = [steps(18, quality) for quality in presets.QUALITIES]
    assert max(few) < 4500  # and no more: they are known by heart by then
    assert steps(400, "thorough") > 10_000
    night = presets.suggest(data(images=18), CPU, quality="thorough")
    assert night.estimated_seconds < 8 * 3600
    assert "about what so many images need" in reason(night, "At most 480 minutes")
    assert "more would still help" in reason(presets.suggest(data(), CPU, minutes=5), "5 minutes")


def test_evaluations_do_not_eat_the_time() -> None:
    few = presets.suggest(data(val=20), CPU, minutes=10)
    many = presets.suggest(data(val=3000), CPU, minutes=10)
    assert many.epoch_images > 3 * few.epoch_images


def test_a_slow_machine_is_slow_for_every_network() -> None:
    tabled = presets.pixels_per_second("FastSCNN", CPU)
    known = {"UNet": presets.pixels_per_second("UNet", CPU) / 4}
    assert presets.expected_speed("UNet", CPU, known) == known["UNet"]
    assert presets.expected_speed("FastSCNN", CPU, known) == pytest.approx(tabled / 4)
    assert presets.expected_speed("FastSCNN", CPU, {}) == tabled


def test_measured_speed_replaces_the_table() -> None:
    slow = presets.suggest(data(), CPU, minutes=10)
    fast = presets.suggest(data(), CPU, minutes=10, measured={"EfficientNetFPN": 5e6})
    assert fast.epoch_images > slow.epoch_images or fast.image_size > slow.image_size


def test_of_few_validation_images_the_last_model_is_taken() -> None:
    few, many = (presets.suggest(data(val=count), CPU) for count in (2, 10))
    assert few.take_last and not many.take_last
    assert many.early_stop and not few.early_stop  # which would be by chance, too
    assert "the last model is taken" in reason(few, "With so few validation images")


def test_mirror_images_are_tried_where_flips_are_learnt_and_time_does_not_matter() -> None:
    assert presets.suggest(data(), CPU).flip_test
    assert not presets.suggest(data(), CPU, goal="fast").flip_test
    sided = data(labels=("background", "left lung"))
    assert not presets.suggest(sided, CPU).flip_test


def test_tiny_class_gets_weights_and_says_which() -> None:
    rare = data(pixels=(9_900, 60, 40), labels=("background", "dent", "crack"))
    preset = presets.suggest(rare, CPU)
    assert preset.class_weights == "balanced"
    assert preset.spec(Path("data")).adjust_scores  # which takes back what that overdoes
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
    assert not preset.flip_test
    bright = presets.suggest(data(labels=("background", "bright spot")), CPU)
    assert bright.augmentation.horizontal_flip == 0.5
    assert bright.spec(Path("data")).flip_test
    assert "twice the time" in reason(bright, "In the end mirror images")
    assert not presets.suggest(data(), CPU, goal="fast").flip_test


def test_only_what_has_no_up_and_down_is_turned_over() -> None:
    surface = presets.suggest(data(), CPU, facts=facts(9, upright=False))
    assert surface.augmentation.vertical_flip == 0.5
    assert presets.suggest(data(), CPU, facts=facts(9)).augmentation.vertical_flip == 0
    assert presets.suggest(data(), CPU).augmentation.vertical_flip == 0


def test_preset_is_a_valid_job() -> None:
    preset = presets.suggest(data(), CPU)
    spec = preset.spec(Path("/数据 集"), epochs=3)
    assert spec.image_scale == 1.0
    assert (spec.model, spec.epochs, spec.device) == ("EfficientNetFPN", 3, "cpu")
    assert spec.image_size == preset.image_size
    assert spec.minutes == presets.MINUTES["balanced"]
    assert spec.use_mixed_loss == [("CrossEntropyLoss", 1.0), ("DiceLoss", 1.0)]
    for name in spec.model_fields_set - {"data_dir", "epochs", "use_mixed_loss"}:
        assert getattr(spec, name) == getattr(preset, name)


def test_nothing_to_train_on_is_told() -> None:
    with pytest.raises(InputError, match="no training images yet"):
        presets.suggest(DatasetStatistics(labels=("background", "hole")), CPU)


def test_small_defects_are_shown_larger() -> None:
    usual = presets.suggest(data(size=(4000, 2000)), CPU)
    small = presets.suggest(data(size=(4000, 2000)), CPU, goal="small")
    assert (usual.image_scale, small.image_scale) == (0.2, 0.31)
    assert small.image_size == usual.image_size, "the parts stay what the time allows"
    assert reason(small, "Images at 31 % of their size, larger than usual")
    fitted = presets.suggest(data(), CPU, goal="small")
    assert fitted.image_scale == 1.5
    one_size = presets.suggest(data(), CPU, goal="small", model="FastSCNN")
    assert one_size.image_size > presets.suggest(data(), CPU, model="FastSCNN").image_size
    assert reason(one_size, "Images at")


def test_a_fast_line_sees_less_and_takes_the_quickest_network_where_labels_are_many() -> None:
    fast = presets.suggest(data(size=(4000, 2000)), CPU, goal="fast", facts=facts(150))
    assert fast.model == presets.PRETRAINED
    assert fast.image_scale == 0.18
    assert reason(fast, "Images at 18 % of their size, smaller than usual")
    many = presets.suggest(data(), CPU, goal="fast", facts=facts(250))
    assert many.model == "FastSCNN" and many.image_size < (480, 352)
    assert reason(many, "FastSCNN: the quickest network")
    chosen = presets.suggest(data(), CPU, goal="fast", facts=facts(250), model="UNet")
    assert chosen.model == "UNet"
    assert presets.suggest(data(), CPU, facts=facts(250)).model == presets.PRETRAINED
