"""Windows of images that the preprocessing rescales: where they lie, what they are of."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core import transforms as T  # noqa: N812
from core.portable.manifest import Tiling
from core.prediction.image_windows import image_tiling
from core.prediction.predictor import NetworkPredictor


class Seen(NetworkPredictor):
    """Tells brightness as the score of class 1, and notes the sizes of its inputs."""

    def __init__(self, *transforms: T.Transform, **options) -> None:
        super().__init__(T.Compose(list(transforms)), num_classes=2, **options)
        self.sizes: list[tuple[int, int]] = []

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Logits of two classes."""
        self.sizes.append(images.shape[2:])
        grey = images.mean(axis=1, keepdims=True)
        return np.concatenate([np.zeros_like(grey), 8 * grey], axis=1)


def picture(height: int, width: int) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(
    ("transforms", "wanted"),
    [
        ([T.Rescale(2.0), T.Normalize()], Tiling(width=32, height=24, overlap=8)),
        ([T.Normalize(), T.Rescale(0.5)], Tiling(width=128, height=96, overlap=32)),
        ([T.Rescale(1.5), T.Rescale(0.5)], Tiling(width=85, height=64, overlap=21)),
        ([T.Rescale(1.0), T.Normalize()], None),
        ([T.Normalize()], None),
        ([T.Rescale(2.0), T.Resize(target_size=(64, 64)), T.Normalize()], None),
        ([T.Rescale(2.0), T.Padding(target_size=(640, 640)), T.Normalize()], None),
    ],
)
def test_windows_in_pixels_of_the_image(transforms, wanted) -> None:
    assert image_tiling(transforms, (64, 48), 16) == wanted


def test_windows_come_to_what_the_whole_image_gives() -> None:
    image = picture(90, 130)
    transforms = (T.Rescale(1.7), T.Normalize())
    whole = Seen(*transforms).predict(image)
    windows = Seen(*transforms, window=(96, 80))
    found = windows.predict(image)
    assert len(windows.sizes) > 4
    assert max(windows.sizes) <= (80, 96)  # (height, width)
    np.testing.assert_allclose(found["score_map"], whole["score_map"], atol=0.02)
    # A network that sees no neighbours has no seams, but for the resizing at their ends.
    assert (found["label_map"] != whole["label_map"]).mean() < 0.01


def test_all_ways_to_predict_agree(tmp_path) -> None:
    image = picture(90, 130)
    file = tmp_path / "图 1.png"
    cv2.imencode(".png", image)[1].tofile(file)
    predictor = Seen(T.Rescale(1.7), T.Normalize(), window=(96, 80))
    wanted = predictor.predict(image)["label_map"]
    np.testing.assert_array_equal(predictor.predict(file, with_scores=False)["label_map"], wanted)
    prepared = predictor.prepare(file)
    assert prepared.tiling is not None
    np.testing.assert_array_equal(predictor.label_maps([prepared])[0], wanted)
    (choice,) = predictor.choices([prepared], background=0)
    np.testing.assert_array_equal(choice.label_map, wanted)
    assert choice.odds is not None
    assert ((choice.odds >= 128) == (wanted == 1)).mean() > 0.99
    predictor.set_thresholds([None, 0.9])
    stricter = predictor.label_maps([prepared])[0]
    assert 0 < (stricter == 1).sum() < (wanted == 1).sum()


def test_small_images_are_prepared_as_a_whole() -> None:
    predictor = Seen(T.Rescale(1.7), T.Normalize(), window=(96, 80))
    prepared = predictor.prepare(picture(40, 50))
    assert prepared.tiling is None
    assert prepared.image.shape == (3, 68, 85)
    large = picture(90, 130)
    assert predictor.network_input(large).image.shape == (3, 153, 221)
