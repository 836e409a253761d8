"""One scale for all images, and parts zoomed both ways around it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import transforms as T  # noqa: N812 - PaddleX's habit
from core.system.errors import InputError
from core.transforms import invert_label_map, transforms_from_list


def _sample(mask: np.ndarray) -> dict[str, np.ndarray]:
    image = np.repeat(np.where(mask == 1, 200, 20)[..., None], 3, axis=2).astype(np.uint8)
    return {"image": image, "mask": mask}


def _square() -> np.ndarray:
    mask = np.zeros((120, 160), np.uint8)
    mask[30:80, 40:120] = 1
    return mask


@pytest.mark.parametrize(("scale", "size"), [(0.5, (60, 80)), (1.0, (120, 160)), (1.3, (156, 208))])
def test_rescale_keeps_proportions_and_finds_the_way_back(scale, size):
    sample = T.Rescale(scale)(_sample(_square()))
    assert sample["mask"].shape == sample["image"].shape[:2] == size
    back = invert_label_map(sample["mask"], sample["trace"])
    assert back.shape == (120, 160)
    assert (back != _square()).mean() < 0.02


@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    scale=st.sampled_from([None, 0.07, 0.5, 1.0, 1.7, 9.0]),
    seed=st.integers(0, 99),
)
def test_any_image_gives_a_part_of_the_wanted_size(height, width, scale, seed):
    mask = np.zeros((height, width), np.uint8)
    mask[height // 2, width // 2] = 2
    out = T.RandomZoomCrop((32, 64), scale=scale)(_sample(mask), np.random.default_rng(seed))
    assert out["image"].shape == (32, 64, 3)
    assert out["mask"].shape == (32, 64)
    assert set(np.unique(out["mask"])) <= {0, 2}  # beyond the image it is mirrored, not invented


def test_image_and_mask_stay_together():
    wrong = []
    for seed in range(200):
        crop = T.RandomZoomCrop((96, 96), scale=1.0)
        out = crop(_sample(_square()), np.random.default_rng(seed))
        wrong.append(((out["image"][..., 0] > 110) != (out["mask"] == 1)).mean())
    assert np.mean(wrong) < 0.001
    assert np.max(wrong) < 0.02


@pytest.mark.parametrize("scale", [None, 1.0])
def test_things_are_enlarged_as_often_as_they_are_shrunk(scale):
    # A disc of known area in an image that is fitted at zoom 1, or seen at scale 1.
    rows, columns = np.mgrid[:96, :96]
    mask = ((rows - 48) ** 2 + (columns - 48) ** 2 < 10**2).astype(np.uint8)
    crop = T.RandomZoomCrop((96, 96), scale=scale, zoom=(0.5, 2.0), aspect_ratio=1.0, class_prob=1)
    areas = []
    for seed in range(400):
        out = crop(_sample(mask), np.random.default_rng(seed))["mask"]
        border = np.concatenate([out[0], out[-1], out[:, 0], out[:, -1]])
        if out.any() and not border.any():
            areas.append(out.sum() / mask.sum())
    zooms = np.sqrt(areas)
    assert 0.45 < zooms.min() < 0.6
    assert 1.7 < zooms.max() < 2.2


def test_a_rare_class_is_drawn_more_often_than_its_pixels_say():
    mask = np.zeros((200, 200), np.uint8)
    mask[3:6, 190:193] = 1
    crop = T.RandomZoomCrop((40, 40), scale=1.0, zoom=(1.0, 1.0), class_prob=1.0)
    seen = np.mean(
        [(crop(_sample(mask), np.random.default_rng(i))["mask"] == 1).any() for i in range(200)]
    )
    assert seen > 0.9  # 1/3 against 1/200: the inverse square roots of the pixels
    never = T.RandomZoomCrop((40, 40), scale=1.0, zoom=(1.0, 1.0), class_prob=0.0)
    seldom = np.mean(
        [(never(_sample(mask), np.random.default_rng(i))["mask"] == 1).any() for i in range(200)]
    )
    assert seldom < 0.2


def test_they_are_saved_and_read_again():
    compose = T.Compose([T.Rescale(1.3, window=(256, 320)), T.Normalize()])
    assert transforms_from_list(compose.to_list()).to_list() == compose.to_list()
    crop = T.Compose([T.RandomZoomCrop((64, 96), scale=0.5), T.Normalize()])
    again = transforms_from_list(crop.to_list())
    assert again.to_list() == crop.to_list()
    assert again.deterministic()[1] == ("RandomZoomCrop",)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: T.Rescale(0), "scale"),
        (lambda: T.Rescale(float("nan")), "scale"),
        (lambda: T.Rescale(True), "scale"),
        (lambda: T.Rescale(1.0, window="x"), "window"),
        (lambda: T.RandomZoomCrop(0), "target_size"),
        (lambda: T.RandomZoomCrop(64, scale=100), "scale"),
        (lambda: T.RandomZoomCrop(64, zoom=(2, 1)), "zoom"),
        (lambda: T.RandomZoomCrop(64, zoom=0.5), "zoom"),
        (lambda: T.RandomZoomCrop(64, aspect_ratio=0.5), "aspect_ratio"),
        (lambda: T.RandomZoomCrop(64, class_prob=2), "class_prob"),
    ],
)
def test_impossible_parameters_are_refused(make, name):
    with pytest.raises(InputError, match=name):
        make()
