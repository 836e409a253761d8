"""Predicting the mirror image, too: in Python, in every kind of file, and verified."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from exported_networks import trained_model
from tiny_dataset import LABELS, Recorder, write_folder
from verification_parts import change_manifest, lively_model, quantized

import core as pdx
from core import transforms as T  # noqa: N812
from core.deploy.model_export import export_model
from core.deploy.verification.export_verification import verify_export
from core.deploy.verification.samples import data_samples
from core.deploy.verification.trained_network import trained_network
from core.portable.manifest import read_manifest
from core.seg.loading import load_model

KINDS = {
    "complete": {},
    "plain": {"plain": True},
    "openvino": {"format": "openvino"},
    "paddle": {"format": "paddle"},
}


def picture(height: int = 131, width: int = 90) -> np.ndarray:
    coarse = np.random.default_rng(3).integers(0, 256, (17, 12, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)[:height, :width]


@pytest.fixture(scope="module")
def model():
    model = lively_model()
    model.flip_test = True
    return model


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("data") / "数据", val=2, size=151)
    return data_samples(folder, "val", LABELS, reporter=Recorder())


def verified(folder, model, samples):
    return verify_export(folder, trained_network(folder, model), samples)


def test_scores_are_the_means_of_both(model) -> None:
    """Of logits, so that probabilities are their geometric means, made to sum up to 1."""
    once = lively_model()
    image = picture()
    straight = once.predict(image)["score_map"]
    mirrored = once.predict(np.ascontiguousarray(image[:, ::-1]))["score_map"][:, ::-1]
    expected = np.sqrt(straight * mirrored)
    expected /= expected.sum(axis=-1, keepdims=True)
    # The image is enlarged to the network's size: its mirror image is, to the mirrored one.
    found = model.predict(image)["score_map"]
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert np.abs(found - straight).max() > 0.1


def test_a_mirrored_image_has_the_mirrored_label_map(model) -> None:
    image = picture(96, 128)  # the network's size, so that nothing is resized
    found = model.predict(image)["label_map"]
    mirrored = model.predict(np.ascontiguousarray(image[:, ::-1]))["label_map"]
    np.testing.assert_array_equal(mirrored, found[:, ::-1])


def test_it_is_kept_with_the_model(model, tmp_path: Path) -> None:
    again = load_model(model.save_model(tmp_path / "模型"))
    assert again.flip_test
    np.testing.assert_array_equal(
        again.predict(picture())["label_map"], model.predict(picture())["label_map"]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_does_it(model, samples, kind: str, tmp_path: Path) -> None:
    folder = export_model(model, tmp_path / "输出 1", **KINDS[kind]).folder
    assert read_manifest(folder).flip_test
    found = verified(folder, model, samples)
    assert found.verified, found.to_dict()["faults"]
    expected = model.predict(picture())["label_map"]
    assert (pdx.load_model(folder).predict(picture())["label_map"] == expected).mean() > 0.9999


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_int8_files_do_it(samples, format: str, tmp_path: Path) -> None:
    model = quantized(lively_model())
    model.flip_test = True
    folder = export_model(model, tmp_path / "int8", format=format).folder
    assert read_manifest(folder).precision == "int8"
    assert (
        pdx.load_model(folder).predict(picture())["label_map"]
        == model.predict(picture())["label_map"]
    ).mean() > 0.97


def test_files_of_any_size_do_it(tmp_path: Path) -> None:
    model = trained_model("EfficientNetFPN")
    model.test_transforms = T.Compose([T.Rescale(0.5), T.Normalize()])
    model.flip_test = True
    result = export_model(model, tmp_path / "free")
    assert result.size is None
    exported = pdx.load_model(result.folder, threads=1)
    expected, found = model.predict(picture()), exported.predict(picture())
    assert (found["label_map"] == expected["label_map"]).mean() > 0.9999
    np.testing.assert_allclose(found["score_map"], expected["score_map"], atol=1e-3)


def test_it_may_be_left_out(model, samples, tmp_path: Path) -> None:
    folder = export_model(model, tmp_path / "once", flip_test=False).folder
    assert not read_manifest(folder).flip_test
    assert verified(folder, model, samples).verified
    expected = lively_model().predict(picture())["label_map"]
    assert (pdx.load_model(folder).predict(picture())["label_map"] == expected).all()


@pytest.mark.parametrize("does", [False, True])
def test_a_manifest_that_says_otherwise_is_found_out(
    model, samples, does: bool, tmp_path: Path
) -> None:
    folder = export_model(model, tmp_path / "a", flip_test=does).folder
    change_manifest(folder, flip_test=not does)
    found = verified(folder, model, samples)
    assert not found.verified
    assert "mirror image" in str(found.to_dict()["faults"])
