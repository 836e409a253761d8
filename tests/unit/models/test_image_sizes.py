"""Sizes that networks round: which they are, and that prediction does not suffer from them."""

from __future__ import annotations

import cv2
import numpy as np
import paddle
import pytest
from tiny_dataset import Recorder, dataset, write_folder
from tiny_training import train

from core import seg
from core import transforms as T  # noqa: N812
from core.deploy.model_export import export_model
from core.models.image_sizes import good_size, known_multiple, size_warning
from core.prediction.onnx_predictor import OnnxModel
from core.seg.loading import load_model


@pytest.mark.parametrize(
    ("size", "good"),
    [((250, 257), (248, 256)), ((252, 4), (256, 8)), ((64, 8), (64, 8)), ((1, 3), (8, 8))],
)
def test_the_nearest_good_size(size, good):
    assert good_size(size) == good
    warning = size_warning(size)
    assert (warning is None) == (size == good)
    assert warning is None or f"{good[0]}×{good[1]}" in str(warning)


def test_an_unknown_size_is_left_alone():
    assert size_warning(None) is None
    assert (known_multiple(None), known_multiple((250, 256)), known_multiple((64, 32))) == (1, 1, 8)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """Folders of a FastSCNN trained at 64×64 and of one trained at 60×60, and what was said."""
    place = tmp_path_factory.mktemp("sizes")
    folder = write_folder(place / "data", train=4, val=1)
    said = {}
    for size in (64, 60):
        recorder = said[size] = Recorder()
        train(
            folder,
            place / str(size),
            epochs=2,
            data=dataset(folder, "train", size=size),
            eval_dataset=dataset(folder, "val", size=size),
            reporter=recorder,
        )
    return place, said


WHOLE = T.Compose([T.Normalize()])


def picture(height, width):
    return np.random.default_rng(0).integers(0, 255, (height, width, 3)).astype(np.uint8)


def scores_of(model, image):
    """Probabilities (H, W, classes) of the network alone."""
    prepared = WHOLE({"image": image})["image"].transpose(2, 0, 1)[None]
    model.net.eval()
    logits = model.net(paddle.to_tensor(prepared))[0].numpy()[0].transpose(1, 2, 0)
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def test_a_size_is_warned_of_once_in_training_and_kept_in_the_folder(learnt):
    place, said = learnt
    assert not [w for w in said[64].warnings if "multiple of 8" in w]
    (warning,) = [w for w in said[60].warnings if "multiple of 8" in w]
    assert "64×64 would be better" in warning
    assert load_model(place / "64/best_model").size_multiple == 8
    assert load_model(place / "60/best_model").size_multiple == 1
    older = (place / "60/best_model/model.yml").read_text(encoding="utf-8")
    assert "size_multiple: 1\n" in older
    (place / "60/best_model/model.yml").write_text(
        older.replace("size_multiple: 1\n", ""), encoding="utf-8"
    )
    assert load_model(place / "60/best_model").size_multiple == 1


def test_an_image_is_continued_to_a_good_size_and_cut_again(learnt):
    model = load_model(learnt[0] / "64/best_model")
    image = picture(61, 66)
    continued = cv2.copyMakeBorder(image, 0, 3, 0, 6, cv2.BORDER_REPLICATE)
    found = model.predict(image, transforms=WHOLE)["score_map"]
    np.testing.assert_allclose(found, scores_of(model, continued)[:61, :66], atol=1e-5)
    assert abs(found - scores_of(model, image)).max() > 1e-4, "the network rounds"


def test_what_learnt_a_rounded_size_gets_images_as_they_are(learnt):
    model = load_model(learnt[0] / "60/best_model")
    image = picture(61, 66)
    found = model.predict(image, transforms=WHOLE)["score_map"]
    np.testing.assert_allclose(found, scores_of(model, image), atol=1e-5)


@pytest.mark.parametrize("asked", [60, 63])
def test_windows_are_snapped(learnt, asked):
    model = load_model(learnt[0] / "64/best_model")
    scores = [
        model.predict(picture(150, 130), transforms=WHOLE, window=(side, side))["score_map"]
        for side in (asked, 56)
    ]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)


def test_a_file_for_any_size_continues_images_as_its_network_does(tmp_path):
    model = seg.create("BiSeNetV2", seed=1, num_classes=2)
    model.test_transforms = WHOLE
    export_model(model, tmp_path)
    file = OnnxModel(tmp_path / "model.onnx")
    image = picture(61, 67)
    np.testing.assert_allclose(
        file.predict_image(image)["score_map"], model.predict(image)["score_map"], atol=3e-5
    )


def test_an_export_for_a_size_that_is_rounded_is_warned_of(learnt, tmp_path):
    recorder = Recorder()
    model = load_model(learnt[0] / "64/best_model")
    export_model(model, tmp_path / "fixed", size=(60, 64), reporter=recorder)
    assert "64×64 would be better" in recorder.warnings[0]
    recorder = Recorder()
    own = load_model(learnt[0] / "60/best_model")
    export_model(own, tmp_path / "own", reporter=recorder)
    assert not recorder.warnings, "it learnt that size"
