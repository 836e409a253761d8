"""An export computes odd sizes and windows as the trained network does, whatever the runtime."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest

from core import seg
from core import transforms as T  # noqa: N812
from core.deploy.model_export import export_model
from core.deploy.verification.export_verification import verify_export
from core.deploy.verification.samples import Sample
from core.deploy.verification.trained_network import trained_network
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import Tiling
from core.portable.tiling import needs_windows
from core.prediction.image_windows import image_tiling
from core.prediction.paddle_predictor import ImagePredictor, inference_mode
from tests.support.exported_networks import trained_model

NAMES = ("onnxruntime", "openvino")


@pytest.fixture(scope="module")
def model():
    model = seg.create("BiSeNetV2", seed=3, num_classes=3)
    model.labels = ["background", "a", "b"]
    model.test_transforms = T.Compose([T.Normalize()])
    model.net.eval()
    return model


@pytest.fixture(scope="module")
def export(model, tmp_path_factory):
    return export_model(model, tmp_path_factory.mktemp("exports") / "a").folder


def _picture(height: int, width: int) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("runtime", NAMES)
@pytest.mark.parametrize("size", [(97, 131), (64, 200), (96, 128)])
def test_sizes_that_the_network_does_not_divide(model, export, runtime, size):
    picture = _picture(*size)
    own = model.predict(picture)
    predictor = LinePredictor(export, runtime=runtime, threads=1)
    np.testing.assert_allclose(predictor.scores(picture), own["score_map"], atol=1e-4)
    assert (predictor.label_map(picture) != own["label_map"]).mean() < 1e-3


@pytest.mark.parametrize("runtime", NAMES)
def test_windows_are_those_of_the_network(model, export, runtime):
    picture = _picture(150, 333)
    tiling = Tiling(width=128, height=96, overlap=32)
    with inference_mode(model.net):
        own = ImagePredictor(
            model.net,
            model.test_transforms,
            num_classes=3,
            window=(tiling.width, tiling.height),
            overlap=tiling.overlap,
            multiple=model.size_multiple,
        ).predict(picture)
    predictor = LinePredictor(export, runtime=runtime, threads=1, tile=tiling)
    np.testing.assert_allclose(predictor.scores(picture), own["score_map"], atol=1e-4)
    assert (predictor.label_map(picture) != own["label_map"]).mean() < 1e-3
    whole = LinePredictor(export, runtime=runtime, threads=1, tile=0)
    assert (whole.scores(picture) != predictor.scores(picture)).any()


@pytest.mark.parametrize("scale", [1.3, 0.6])
def test_windows_of_rescaled_images_are_cut_out_of_the_image(model, tmp_path, scale):
    """Between an image's pixels windows would show another picture: 4 % of the pixels here."""
    transforms = T.Compose([T.Rescale(scale), T.Normalize()])
    model.test_transforms, kept = transforms, model.test_transforms
    try:
        folder = export_model(model, tmp_path / "a").folder
    finally:
        model.test_transforms = kept
    picture = _picture(150, 333)
    window = (128, 96)
    own = model.predict(picture, transforms, window=window)
    tile = image_tiling(transforms.transforms, window, 48)
    assert tile is not None
    assert needs_windows(picture, tile)
    predictor = LinePredictor(folder, threads=1, tile=tile)
    np.testing.assert_allclose(predictor.scores(picture), own["score_map"], atol=2e-3)
    assert (predictor.label_map(picture) != own["label_map"]).mean() < 1e-3
    without_scores = model.predict(picture, transforms, window=window, with_scores=False)
    np.testing.assert_array_equal(without_scores["label_map"], own["label_map"])


@pytest.fixture(scope="module")
def gridded(tmp_path_factory):
    """A network whose file takes one size, and its export."""
    model = trained_model("FastSCNN")
    model.test_transforms = T.Compose([T.Rescale(1.5, window=(96, 64)), T.Normalize()])
    model.size_multiple = 8
    return model, export_model(model, tmp_path_factory.mktemp("exports") / "a").folder


@pytest.mark.parametrize("size", [(150, 190), (30, 40)], ids=["in windows", "continued"])
def test_a_network_for_one_size_predicts_as_its_file(gridded, size):
    """In larger windows the cells that it pools would be larger than those it was trained on."""
    model, folder = gridded
    picture = _picture(*size)
    own = model.predict(picture)
    predictor = LinePredictor(folder, threads=1)
    np.testing.assert_allclose(predictor.scores(picture), own["score_map"], atol=1e-4)
    assert (predictor.label_map(picture) != own["label_map"]).mean() < 2e-3
    whole = model.predict(picture, window=(1024, 1024))
    assert np.abs(whole["score_map"] - own["score_map"]).max() > 1e-2  # other cells


@pytest.mark.parametrize("size", [None, (90, 66)])
def test_a_network_that_pools_where_the_preprocessing_tells_no_size(tmp_path, size):
    """Its file takes any, or the size asked for, as large as the image fits into it."""
    model = trained_model("FastSCNN")
    model.test_transforms = T.Compose([T.ResizeByShort(80, max_size=160), T.Normalize()])
    with warnings.catch_warnings(action="ignore"):  # no multiple of 8
        folder = export_model(model, tmp_path / "a", size=size).folder
    samples = [Sample(str(side), _picture(side, 131)) for side in (97, 33)]
    found = verify_export(folder, trained_network(folder, model), samples)
    assert found.verified
    assert found.agreement > 0.9999


def test_a_quantised_network_takes_any_size(tmp_path):
    """Made for the size it was quantised at, its file shrank larger images: 8 % of the pixels."""
    model = trained_model("BiSeNetV2", int8=True)
    model.test_transforms = T.Compose([T.ResizeByShort(80, max_size=160), T.Normalize()])
    exported = export_model(model, tmp_path / "a")
    assert (exported.precision, exported.size) == ("int8", None)
    picture = _picture(150, 190)
    own = model.predict(picture)
    found = LinePredictor(exported.folder, threads=1).label_map(picture)
    assert (found != own["label_map"]).mean() < 0.02  # drawn weights: half a step decides
