from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from transform_samples import sample

from core import transforms as T  # noqa: N812 - PaddleX's habit
from core.images.io import write_image, write_mask
from core.system.errors import InputError

GREY = [127.5, 127.5, 127.5]
# Names, defaults and order of PaddleX 2.1's segmentation transforms.
DEFAULTS: list[tuple[T.Transform, dict[str, Any]]] = [
    (T.Decode(), {"to_rgb": True}),
    (
        T.Normalize(),
        {
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "min_val": [0, 0, 0],
            "max_val": [255.0, 255.0, 255.0],
            "is_scale": True,
        },
    ),
    (T.Resize(8), {"target_size": [8, 8], "interp": "LINEAR", "keep_ratio": False}),
    (T.RandomResize([8, (4, 6)]), {"target_sizes": [[8, 8], [4, 6]], "interp": "LINEAR"}),
    (T.ResizeByShort(), {"short_size": 256, "max_size": -1, "interp": "LINEAR"}),
    (T.RandomResizeByShort([8]), {"short_sizes": [8], "max_size": -1, "interp": "LINEAR"}),
    (T.ResizeByLong(), {"long_size": 256, "interp": "LINEAR"}),
    (T.RandomHorizontalFlip(), {"prob": 0.5}),
    (T.RandomVerticalFlip(), {"prob": 0.5}),
    (T.CenterCrop(), {"crop_size": 224}),
    (
        T.RandomCrop(),
        {
            "crop_size": None,
            "aspect_ratio": [0.5, 2.0],
            "thresholds": [0.0, 0.1, 0.3, 0.5, 0.7, 0.9],
            "scaling": [0.3, 1.0],
            "num_attempts": 50,
            "allow_no_crop": True,
            "cover_all_box": False,
        },
    ),
    (T.RandomScaleAspect(), {"min_scale": 0.5, "aspect_ratio": 0.33}),
    (
        T.RandomExpand(),
        {"upper_ratio": 4.0, "prob": 0.5, "im_padding_value": GREY, "label_padding_value": 255},
    ),
    (
        T.Padding(),
        {
            "target_size": None,
            "pad_mode": 0,
            "offsets": None,
            "im_padding_value": GREY,
            "label_padding_value": 255,
            "size_divisor": 32,
        },
    ),
    (
        T.RandomDistort(),
        {
            "brightness_range": 0.5,
            "brightness_prob": 0.5,
            "contrast_range": 0.5,
            "contrast_prob": 0.5,
            "saturation_range": 0.5,
            "saturation_prob": 0.5,
            "hue_range": 18,
            "hue_prob": 0.5,
            "random_apply": True,
            "count": 4,
            "shuffle_channel": False,
        },
    ),
    (T.RandomBlur(), {"prob": 0.1}),
]


@pytest.mark.parametrize(("transform", "parameters"), DEFAULTS, ids=lambda v: type(v).__name__)
def test_defaults_and_way_to_plain_types_and_back(
    transform: T.Transform, parameters: dict[str, Any]
) -> None:
    name = type(transform).__name__
    assert transform.to_dict() == {name: parameters}
    assert list(transform.to_dict()[name]) == list(parameters)
    text = yaml.safe_dump(T.Compose([transform]).to_list())
    assert T.transforms_from_list(yaml.safe_load(text)).transforms == [transform]


def test_every_parameter_survives_the_way_back() -> None:
    unusual = [
        T.Resize((4, 6), "RANDOM", True),
        T.Normalize([0.5] * 3, [0.1, 0.2, 0.3], [1, 2, 3], [200.0] * 3, False),
        T.RandomCrop(crop_size=(5, 7), aspect_ratio=None, scaling=[0.2, 0.9], num_attempts=3),
        T.Padding((64, 96), -1, (3, 4), 0, 7),
        T.RandomDistort(hue_range=5, random_apply=False, count=2, shuffle_channel=True),
    ]
    assert T.transforms_from_list(T.Compose(unusual).to_list()).transforms == unusual


def test_lists_as_paddlex_stores_them() -> None:
    read = T.transforms_from_list(
        [
            {"Resize": {"target_size": 512, "interp": "LINEAR", "keep_ratio": False}},
            {"RandomDistort": {"brightness_range": [0.6, 1.4], "hue_range": [-17, 19]}},
            {"RandomResize": {"target_size": [[8, 8], [4, 4]], "interp": "AREA"}},
            {"Normalize": None},
        ]
    ).transforms
    assert read[0] == T.Resize(512)
    assert read[1].brightness_range == pytest.approx(0.4)
    assert read[1].hue_range == 18
    assert read[2:] == [T.RandomResize([8, 4], "AREA"), T.Normalize()]


@pytest.mark.parametrize(
    "items",
    [
        [],
        "Resize",
        ["Resize"],
        [{"Compose": {"transforms": []}}],
        [{"__import__": {"name": "os"}}],
        [{"Resize": {"target_size": 4, "colour": 1}}],
        [{"Resize": {"target_size": [4, 4, 4]}}],
        [{"Resize": {"target_size": 4, "interp": "MAGIC"}}],
        [{"RandomBlur": {"prob": 2}}],
        [{"Normalize": {"std": [0, 1, 1]}}],
        [{"Padding": {"pad_mode": -1}}],
        [{"ResizeByShort": {"short_size": 0}}],
        [{"RandomExpand": {"upper_ratio": 1}}],
        [{"RandomCrop": {"scaling": [0, 1]}}],
        [{"Resize": {"target_size": 4}, "Normalize": {}}],
    ],
)
def test_bad_lists_are_one_sentence(items: Any) -> None:
    with pytest.raises(InputError) as caught:
        T.transforms_from_list(items)
    assert "\n" not in str(caught.value)


def test_normalize_follows_the_formula() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    mean, std = np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.25, 0.3])
    low, high = np.array([10, 20, 30]), np.array([200, 210, 255])
    op = T.Normalize(list(mean), list(std), list(low), list(high))
    wanted = ((image - low) / (high - low) - mean) / std
    for dtype in (np.uint8, np.float32):
        result = op({"image": image.astype(dtype)})["image"]
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, wanted, atol=1e-5)
    scale, shift = op.affine()
    np.testing.assert_allclose(image * scale + shift, wanted)
    raw = T.Normalize([100] * 3, [50] * 3, is_scale=False)({"image": image})["image"]
    np.testing.assert_allclose(raw, (image - 100.0) / 50, atol=1e-5)


def photo() -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.integers(60, 160, (40, 50, 3)).astype(np.uint8)


def only(**chosen: float) -> T.RandomDistort:
    names = ("brightness", "contrast", "saturation", "hue")
    off = {f"{name}_prob": 0.0 for name in names}
    return T.RandomDistort(**{**off, **chosen})


def test_distort_changes_what_it_names_and_nothing_else() -> None:
    image = photo()
    grey = np.array([0.299, 0.587, 0.114])
    rng = np.random.default_rng(5)
    assert only()({"image": image}, rng)["image"] is image
    ratios = [
        only(brightness_prob=1)({"image": image}, rng)["image"].mean() / image.mean()
        for _ in range(40)
    ]
    assert min(ratios) >= 0.49
    assert max(ratios) <= 1.51
    assert max(ratios) - min(ratios) > 0.6
    contrast = only(contrast_prob=1)({"image": image}, rng)["image"]
    assert abs((contrast @ grey).mean() - (image @ grey).mean()) < 1
    assert abs(contrast.std() / image.std() - 1) > 0.02
    for op in (only(saturation_prob=1), only(hue_prob=1)):
        changed = op({"image": image}, rng)["image"]
        assert np.abs(changed.astype(int) - image).max() > 2
        assert np.abs(changed @ grey - image @ grey).max() < 2  # the brightness of each pixel stays
        neutral = np.full((4, 4, 3), 90, np.uint8)
        assert np.abs(op({"image": neutral}, rng)["image"].astype(int) - 90).max() <= 1


def test_distort_stays_in_range_and_takes_float() -> None:
    bright = np.full((4, 4, 3), 250, np.float32)
    for seed in range(20):
        result = T.RandomDistort(0.9, 1, 0.9, 1)({"image": bright}, np.random.default_rng(seed))
        assert result["image"].min() >= 0
        assert result["image"].max() <= 255


def test_distort_in_fixed_order_shuffles_channels() -> None:
    op = T.RandomDistort(
        brightness_prob=0, contrast_prob=0, saturation_prob=0, hue_prob=0,
        random_apply=False, shuffle_channel=True,
    )  # fmt: skip
    image = np.zeros((2, 2, 3), np.uint8) + np.array([10, 20, 30], np.uint8)
    seen = {
        tuple(op({"image": image}, np.random.default_rng(seed))["image"][0, 0].tolist())
        for seed in range(40)
    }
    assert len(seen) == 6
    assert all(sorted(pixel) == [10, 20, 30] for pixel in seen)


def test_blur() -> None:
    image = photo()
    assert T.RandomBlur(0)({"image": image})["image"] is image
    assert T.RandomBlur(1)({"image": image})["image"].std() < image.std()


def augmenting() -> T.Compose:
    return T.Compose(
        [
            T.RandomScaleAspect(),
            T.RandomHorizontalFlip(),
            T.RandomVerticalFlip(),
            T.RandomDistort(),
            T.RandomBlur(0.5),
            T.RandomExpand(1.5),
            T.Resize((32, 48), "RANDOM"),
            T.Normalize(),
        ]
    )


def test_the_generator_decides_everything() -> None:
    compose = augmenting()
    runs = [compose(sample(), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0]["image"], runs[1]["image"])
    np.testing.assert_array_equal(runs[0]["mask"], runs[1]["mask"])
    assert not np.array_equal(runs[0]["image"], runs[2]["image"])


def test_compose_reads_paths_and_turns_bgr_to_rgb(tmp_path: Path) -> None:
    folder = tmp_path / "图 片"
    folder.mkdir()
    image = np.zeros((6, 8, 3), np.uint8)
    image[..., 0] = 200  # blue
    write_image(folder / "a.png", image)
    write_mask(folder / "m.png", np.ones((6, 8), np.uint8))
    given_sample = {"image": str(folder / "a.png"), "mask": folder / "m.png"}
    result = T.Compose([T.RandomBlur(0)])(given_sample)
    assert result["image"][0, 0].tolist() == [0, 0, 200]
    assert result["mask"].tolist() == np.ones((6, 8)).tolist()
    assert isinstance(given_sample["image"], str)
    bgr = T.Compose([T.Decode(to_rgb=False)])(given_sample)
    assert bgr["image"][0, 0].tolist() == [200, 0, 0]
    write_mask(folder / "m.png", np.ones((8, 6), np.uint8))
    with pytest.raises(InputError, match=r"m\.png is 6×8 pixels but its image is 8×6"):
        T.Compose([T.Normalize()])(given_sample)


def test_compose_refuses_what_is_no_list_of_transforms() -> None:
    for wrong in ([], [T.Normalize]):
        with pytest.raises((TypeError, ValueError)):
            T.Compose(wrong)
    with pytest.raises(InputError, match="is no image"):
        T.Compose([T.Normalize()])({"image": np.zeros((4, 4, 4, 3), np.uint8)})


def test_arrange() -> None:
    result = T.Compose([T.Resize(16), T.Normalize()])(sample())
    image, mask = T.ArrangeSegmenter("train")(result)
    assert (image.shape, image.dtype, image.flags.c_contiguous) == ((3, 16, 16), np.float32, True)
    assert (mask.shape, mask.dtype) == ((16, 16), np.int64)
    np.testing.assert_array_equal(image[1], result["image"][..., 1])
    assert len(T.ArrangeSegmenter("eval")(result)) == 3
    assert T.ArrangeSegmenter("test")(result)[1] == result["trace"]
    with pytest.raises(ValueError, match="mode"):
        T.ArrangeSegmenter("quant")
