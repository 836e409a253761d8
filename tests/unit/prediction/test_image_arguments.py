"""What ``predict`` takes: one image or many of any kind, and preprocessing as a list."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core import seg
from core import transforms as T  # noqa: N812
from core.images.io import write_image
from core.prediction.paddle_predictor import ImagePredictor
from core.system.errors import InputError

BGR = np.random.default_rng(5).integers(0, 256, (40, 48, 3), dtype=np.uint8)
BGR[0, 0] = 255


@pytest.fixture(scope="module")
def model():
    model = seg.create("FastSCNN", seed=1, num_classes=3)
    model.test_transforms = T.Compose([T.Resize(64), T.Normalize()])
    return model


@pytest.fixture(scope="module")
def expected(model):
    return model.predict(BGR)["score_map"]


def scores(prediction):
    return prediction["score_map"]


def test_every_kind_predicts_the_same(model, expected, tmp_path):
    file = tmp_path / "图.png"
    write_image(file, BGR)
    given = [
        file,
        str(file),
        BGR.astype(np.float32) / 255,
        BGR.astype(np.int64),
        np.dstack([BGR, BGR[..., 0]]),
        Image.fromarray(BGR[..., ::-1]),
    ]
    for one in given:
        np.testing.assert_array_equal(scores(model.predict(one)), expected)
    for listed in (given, tuple(given), iter(given)):
        found = model.predict(listed)
        assert len(found) == len(given)
        for one in found:
            np.testing.assert_array_equal(scores(one), expected)


def test_no_images_are_no_predictions(model):
    assert model.predict([]) == []


@pytest.mark.parametrize("given", [None, 3, {}, {"a.png": 1}, b"a.png", object()])
def test_what_is_no_image_is_refused(model, given):
    with pytest.raises(InputError, match=r"is no image: an image is a path"):
        model.predict(given)


def test_a_list_says_which_image_is_none_before_it_begins(model, monkeypatch):
    monkeypatch.setattr(ImagePredictor, "prepare", None)  # nothing may be predicted yet
    with pytest.raises(InputError, match="Image 2 of the list: None is no image"):
        model.predict([BGR, None])


def test_a_list_says_which_array_cannot_be_used(model):
    with pytest.raises(InputError, match=r"Image 2 of the list: An array of uint8"):
        model.predict([BGR, np.zeros((9, 9, 7), np.uint8)])


@pytest.mark.parametrize(
    "transforms",
    [
        [T.Resize(64), T.Normalize()],
        (T.Resize(64), T.Normalize()),
        T.Compose([T.Resize(64), T.Normalize()]),
    ],
)
def test_transforms_may_be_a_list(model, expected, transforms):
    np.testing.assert_array_equal(scores(model.predict(BGR, transforms=transforms)), expected)


def test_one_transform_is_enough(model):
    found = scores(model.predict(BGR, transforms=T.Normalize()))
    listed = scores(model.predict(BGR, transforms=[T.Normalize()]))
    np.testing.assert_array_equal(found, listed)


@pytest.mark.parametrize(
    ("transforms", "sentence"),
    [
        ([], "at least one transform"),
        ([T.Normalize(), "Resize"], "Resize is no transform"),
        ("Resize", "takes a Compose or a list of transforms, not str"),
        ({"Resize": 64}, "not dict"),
        (64, "not int"),
    ],
)
def test_other_transforms_are_refused(model, transforms, sentence):
    with pytest.raises(InputError, match=sentence):
        model.predict(BGR, transforms=transforms)
