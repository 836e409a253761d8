"""What is added to the classes' scores is in the network, and in whatever is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
from PIL import Image
from tiny_dataset import Recorder, dataset, write_folder

from core import seg
from core.models.catalog import NETWORKS
from core.models.model_folder import read_model_info
from core.prediction.paddle_predictor import inference_mode
from core.seg.loading import load_model
from core.seg.score_adjustment import add_to_scores, adjust_scores, choose_flip_test

OFFSETS = np.array([0.0, -1.5, 2.25, 0.5], np.float32)
_SMALL = {"HRNet": {"width": 18}}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_each_network_adds_it_to_its_scores(name: str, tmp_path: Path) -> None:
    model = seg.create(name, seed=1, num_classes=4, **_SMALL.get(name, {}))
    image = paddle.to_tensor(np.random.default_rng(0).random((1, 3, 64, 64), np.float32))
    with inference_mode(model.net):
        before = model.net(image)[0].numpy()
        add_to_scores(model, OFFSETS)
        after = model.net(image)[0].numpy()
    expected = np.broadcast_to(OFFSETS[:, None, None], after.shape)
    np.testing.assert_allclose(after - before, expected, atol=2e-3)
    assert model.score_offsets == OFFSETS.tolist()
    if name == "FastSCNN":
        model.save_model(tmp_path / "model")
        again = load_model(tmp_path / "model")
        assert read_model_info(tmp_path / "model").score_offsets == tuple(OFFSETS.tolist())
        with inference_mode(again.net):
            np.testing.assert_array_equal(again.net(image)[0].numpy(), after)
        add_to_scores(again, OFFSETS)
        assert again.score_offsets == (2 * OFFSETS).tolist()


def test_they_are_chosen_by_what_the_model_predicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "数据 1")
    data = dataset(folder, "val")
    model = seg.create("FastSCNN", seed=3, num_classes=3)
    model.test_transforms = data.transforms
    seen = []

    def choose(pixels):
        seen.append(pixels)
        return OFFSETS[:3]

    monkeypatch.setattr("core.seg.score_adjustment.choose_offsets", choose)
    assert adjust_scores(model, data, reporter=Recorder()).tolist() == OFFSETS[:3].tolist()
    (pixels,) = seen
    masks = [data.read_mask(index).ravel() for index in range(len(data))]
    np.testing.assert_array_equal(pixels.labels, np.concatenate([one[one != 255] for one in masks]))
    np.testing.assert_allclose(np.exp(pixels.scores).sum(1), 1, atol=1e-4)
    assert model.score_offsets == OFFSETS[:3].tolist()

    monkeypatch.setattr("core.seg.score_adjustment._MOST_SCORES", 0)
    adjust_scores(model, data, reporter=Recorder())
    assert len(seen[1].labels) == 0  # images that are too large are left out


class OneSided:
    """Sees class 1 in the left half of an image, whatever is there; or in both halves."""

    def __init__(self, *, both: bool = False) -> None:
        self.both = both

    def __call__(self, images: Any) -> list[Any]:
        logits = np.zeros((len(images), 3, *images.shape[2:]), np.float32)
        half = images.shape[3] // 2
        logits[:, 1, :, :half] = 4.0
        logits[:, 0, :, half:] = 1.0
        if self.both:
            logits[:, 1] = 4.0
        return [paddle.to_tensor(logits)]

    training = False

    def eval(self) -> None: ...

    def sublayers(self) -> list[Any]:
        return []


@pytest.mark.parametrize(
    ("net", "label", "enough", "helps"),
    [
        (OneSided(), 1, 1, True),  # the mirror image says it of the right half, too
        (OneSided(), "left", 1, False),  # where it is wrong
        (OneSided(both=True), 1, 1, False),  # there is nothing to gain
        (OneSided(both=True), 1, 10, True),  # so few images cannot tell, and usually it helps
        (OneSided(), "left", 10, False),  # but not here
    ],
)
def test_mirror_images_are_predicted_where_that_helps(
    net: OneSided,
    label: Any,
    enough: int,
    helps: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = dataset(write_folder(tmp_path / "数据 1"), "val")
    model = seg.create("FastSCNN", seed=3, num_classes=3)
    model.net = net
    model.test_transforms = data.transforms

    def read_mask(_self: Any, index: int) -> Any:
        mask = np.zeros(np.asarray(Image.open(data.raw(index)[1])).shape, np.uint8)
        mask[:, : mask.shape[1] // 2 if label == "left" else None] = 1
        return mask

    monkeypatch.setattr(type(data), "read_mask", read_mask)
    monkeypatch.setattr("core.prediction.chance.ENOUGH_IMAGES", enough)
    assert choose_flip_test(model, data, reporter=Recorder()) is helps
    assert model.flip_test is helps
