"""Transforms that move pixels: image and mask together, there and back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transform_samples import sample

from core import transforms as T  # noqa: N812 - PaddleX's habit
from core.system.errors import InputError

GEOMETRIC = [
    T.Resize((37, 51), "NEAREST"),
    T.Resize((37, 51), keep_ratio=True),
    T.Resize((120, 50), "CUBIC"),
    T.RandomResize([40, (30, 80)], "RANDOM"),
    T.ResizeByShort(40),
    T.RandomResizeByShort([40, 80], 100, "LANCZOS4"),
    T.ResizeByLong(64, "AREA"),
    T.RandomHorizontalFlip(1),
    T.RandomVerticalFlip(1),
    T.CenterCrop(40),
    T.RandomCrop(),
    T.RandomCrop((48, 48), aspect_ratio=None),
    T.RandomScaleAspect(),
    T.RandomExpand(2, prob=1, im_padding_value=240),
    T.Padding(im_padding_value=240),
    T.Padding((100, 96), 1, im_padding_value=240),
]


@pytest.mark.parametrize("op", GEOMETRIC, ids=lambda op: str(op)[:40])
@pytest.mark.parametrize("seed", range(3))
def test_image_and_mask_move_together(op: T.Transform, seed: int) -> None:
    before = sample()
    kept = before["image"].copy()
    after = op(before, np.random.default_rng(seed))
    mask, image = after["mask"], after["image"]
    assert mask.dtype == np.uint8
    assert mask.shape == image.shape[:2]
    assert set(np.unique(mask)) <= {0, 1, 2, 3, 255}
    shown = np.rint(image[..., 0].astype(float) / 60).clip(0, 4).astype(np.uint8)
    shown[shown == 4] = 255
    edges = cv2.dilate(cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3))), np.ones((5, 5)))
    assert (edges == 0).mean() > 0.3
    np.testing.assert_array_equal(shown[edges == 0], mask[edges == 0])
    np.testing.assert_array_equal(before["image"], kept)
    assert "trace" not in before


@pytest.mark.parametrize("op", GEOMETRIC, ids=lambda op: str(op)[:40])
@pytest.mark.parametrize("size", [(60, 90), (97, 41)])
def test_every_change_of_the_grid_can_be_undone(op: T.Transform, size: tuple[int, int]) -> None:
    before = sample(*size)
    after = op(before, np.random.default_rng(3))
    label_map = T.invert_label_map(after["mask"], after["trace"])
    assert label_map.shape == size
    known = label_map != 255
    assert (label_map[known] == before["mask"][known]).mean() > 0.93
    scores = np.eye(4, dtype=np.float32)[np.where(after["mask"] == 255, 0, after["mask"])]
    scores = T.invert_scores(scores, after["trace"])
    assert scores.shape == (*size, 4)
    assert (scores.argmax(2)[known] == before["mask"][known]).mean() > 0.93
    np.testing.assert_allclose(scores.sum(2)[~known], 0, atol=1e-6)


def test_inversion_is_exact_where_it_can_be() -> None:
    before = sample(30, 45)
    ops = [T.RandomHorizontalFlip(1), T.Resize((90, 135)), T.Padding(), T.RandomVerticalFlip(1)]
    after = T.Compose(ops)({**before})
    assert after["mask"].shape == (96, 160)
    np.testing.assert_array_equal(T.invert_label_map(after["mask"], after["trace"]), before["mask"])


@pytest.mark.parametrize("size", [(40, 100), (100, 40), (33, 77)])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_resize_that_keeps_the_ratio_then_padding(size: tuple[int, int], mode: int) -> None:
    """What PaddleX 2.1 does not invert: it stretches the padding back into the image."""
    before = sample(*size)
    compose = T.Compose([T.Resize(64, keep_ratio=True), T.Padding(64, mode), T.Normalize()])
    after = compose({**before})
    assert after["image"].shape == (64, 64, 3)
    label_map = T.invert_label_map(after["mask"], after["trace"])
    assert label_map.shape == size
    assert (label_map == before["mask"]).mean() > 0.95
    assert 255 not in label_map


def test_what_a_crop_cut_off_is_unknown() -> None:
    before = sample(60, 90)
    after = T.CenterCrop(40)(before)
    label_map = T.invert_label_map(after["mask"], after["trace"])
    inside = np.zeros((60, 90), bool)
    inside[10:50, 25:65] = True
    np.testing.assert_array_equal(label_map[inside], before["mask"][inside])
    assert (label_map[~inside] == 255).all()
    assert T.CenterCrop(70)(before)["image"].shape == (60, 70, 3)  # a shorter side stays whole


def test_scores_of_very_many_classes_and_of_one() -> None:
    trace = T.Resize((16, 8))({"image": np.zeros((8, 4, 3), np.uint8)})["trace"]
    for count in (1, 3, 11, 128, 200):
        scores = np.full((16, 8, count), 0.25, np.float32)
        scores[..., -1] = 0.5
        result = T.invert_scores(scores, trace)
        assert result.shape == (8, 4, count)
        assert result.argmax(2).min() == count - 1


@pytest.mark.parametrize(
    ("op", "size"),
    [
        (T.ResizeByShort(30), (30, 45)),
        (T.ResizeByShort(120, 150), (100, 150)),
        (T.ResizeByLong(45), (30, 45)),
        (T.Resize((30, 30), keep_ratio=True), (20, 30)),
        (T.Resize(30), (30, 30)),
        (T.Padding(size_divisor=64), (64, 128)),
        (T.RandomScaleAspect(), (60, 90)),
        (T.RandomScaleAspect(min_scale=0), (60, 90)),
        (T.RandomCrop((20, 10)), (20, 10)),
    ],
    ids=lambda v: str(v)[:40],
)
def test_sizes(op: T.Transform, size: tuple[int, int]) -> None:
    assert op(sample())["image"].shape[:2] == size


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    seed=st.integers(0, 9),
    low=st.floats(0.01, 1),
    aspect=st.booleans(),
)
def test_crops_stay_inside(height: int, width: int, seed: int, low: float, aspect: bool) -> None:
    op = T.RandomCrop(scaling=[low, 1.0], aspect_ratio=(0.1, 10.0) if aspect else None)
    image = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
    after = op({"image": image}, np.random.default_rng(seed))
    assert 1 <= after["image"].shape[0] <= height
    assert 1 <= after["image"].shape[1] <= width
    assert T.invert_scores(after["image"].astype(np.float32), after["trace"]).shape == image.shape


@pytest.mark.parametrize(("mode", "x", "y"), [(0, 0, 0), (1, 5, 2), (2, 10, 4), (-1, 7, 3)])
def test_padding_places_the_image(mode: int, x: int, y: int) -> None:
    offsets = (7, 3) if mode == -1 else None
    before = {"image": np.full((6, 10, 3), 9, np.uint8), "mask": np.ones((6, 10), np.uint8)}
    whole = T.Padding((10, 20), mode, offsets, (1, 2, 3), 255)(before)
    assert whole["image"].dtype == np.uint8
    assert (whole["mask"][y : y + 6, x : x + 10] == 1).all()
    assert (whole["mask"] == 255).sum() == 200 - 60
    assert (whole["image"][whole["mask"] == 255] == [1, 2, 3]).all()
    half = T.Padding((10, 20), mode, offsets)(before)["image"]
    assert half.dtype == np.float32
    assert (half[whole["mask"] == 255] == 127.5).all()


def test_padding_cannot_shrink() -> None:
    with pytest.raises(InputError, match="Padding to 50×50 pixels cannot hold"):
        T.Padding(50)(sample())
