"""Sizes that networks round: which they are, and that prediction does not suffer from them."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_dataset import Recorder, dataset, write_folder
from tiny_training import train

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
    """Folders of a FastSCNN that found the shapes at 64×64, and of one trained at 60×60."""
    place = tmp_path_factory.mktemp("sizes")
    folder = write_folder(place / "data")
    said = {}
    for size, epochs in ((64, 14), (60, 1)):
        recorder = said[size] = Recorder()
        data = dataset(folder, "train", size=size, shuffle=True)
        val = dataset(folder, "val", size=size)
        rest = {"optimizer": "adamw", "learning_rate": 0.003, "save_interval_epochs": epochs}
        train(
            folder,
            place / str(size),
            epochs=epochs,
            data=data,
            eval_dataset=val,
            reporter=recorder,
            **rest,
        )
    return place, said


def test_a_size_is_warned_of_once_in_training_and_kept_in_the_folder(learnt):
    place, said = learnt
    assert not [w for w in said[64].warnings if "multiple of 8" in w]
    (warning,) = [w for w in said[60].warnings if "multiple of 8" in w]
    assert "64×64 would be better" in warning
    assert load_model(place / "64/best_model").size_multiple == 8
    assert load_model(place / "60/best_model").size_multiple == 1


def test_images_of_any_size_are_predicted_as_well_as_those_of_good_sizes(learnt):
    place, _ = learnt
    model = load_model(place / "64/best_model")
    data = dataset(place / "data", "val")

    def miou(size):
        data.transforms = T.Compose([T.Resize(size), T.Normalize()])
        return model.evaluate(data)["miou"]

    good, odd = miou(64), miou(65)
    assert good > 0.5
    assert odd > good - 0.05
    model.size_multiple = 1
    assert miou(65) < good - 0.05, "what it was"


def test_what_learnt_a_rounded_size_gets_it_as_it_is(learnt):
    place, _ = learnt
    model = load_model(place / "60/best_model")
    image = str(dataset(place / "data", "val").raw(0)[0])
    prepared = model._predictor(model.test_transforms, window=(1024, 1024)).prepare(image)
    import paddle

    logits = model.net(paddle.to_tensor(prepared.image[None]))[0].numpy()[0]
    expected = np.exp(logits) / np.exp(logits).sum(0)
    scores = model.predict(image, transforms=T.Compose([T.Resize(60), T.Normalize()]))["score_map"]
    assert scores.shape[:2] == (64, 64)
    assert abs(scores.mean((0, 1)) - expected.mean((1, 2))).max() < 0.01


@pytest.mark.parametrize("asked", [60, 63])
def test_windows_are_snapped(learnt, asked):
    model = load_model(learnt[0] / "64/best_model")
    image = np.random.default_rng(0).integers(0, 255, (150, 130, 3)).astype(np.uint8)
    whole = T.Compose([T.Normalize()])
    scores = [
        model.predict(image, transforms=whole, window=(side, side))["score_map"]
        for side in (asked, 56)
    ]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)


def test_an_exported_file_predicts_sizes_as_its_network_does(learnt, tmp_path):
    model = load_model(learnt[0] / "64/best_model")
    model.test_transforms = T.Compose([T.Normalize()])
    export_model(model, tmp_path / "free")
    image = np.random.default_rng(0).integers(0, 255, (61, 67, 3)).astype(np.uint8)
    file = OnnxModel(tmp_path / "free/model.onnx")
    np.testing.assert_allclose(
        file.predict_image(image)["score_map"], model.predict(image)["score_map"], atol=1e-4
    )
    recorder = Recorder()
    export_model(model, tmp_path / "fixed", size=(60, 64), reporter=recorder)
    assert "64×64 would be better" in recorder.warnings[0]
