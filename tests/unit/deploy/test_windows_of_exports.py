"""An export computes odd sizes and windows as the trained network does, whatever the runtime."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core import seg
from core import transforms as T  # noqa: N812
from core.deploy.model_export import export_model
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import Tiling
from core.prediction.paddle_predictor import ImagePredictor, inference_mode

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
