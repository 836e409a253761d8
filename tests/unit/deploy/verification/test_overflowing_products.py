"""An int8 file whose products overflow, as on x86 without VNNI, simulated in NumPy.

There ``vpmaddubsw`` adds two products of unsigned and signed bytes in 16 bits, and what is larger
than 32767 is lost.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.deploy.verification import export_verification, machine_facts
from core.deploy.verification.export_verification import verify_export
from core.deploy.verification.model_facts import ModelFacts
from core.deploy.verification.originals import Answer, label_map_of_logits, softmax
from core.deploy.verification.samples import Sample
from core.images.io import write_mask
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import Manifest, file_record, write_manifest

LABELS = ("background", "bright", "dark")
NEIGHBOURS = [(y, x) for y in range(4) for x in range(4)]


def features(image: np.ndarray) -> np.ndarray:
    """Sixteen neighbours of each pixel in three colours, (H, W, 48) uint8."""
    return np.concatenate([np.roll(image, shift, (0, 1)) for shift in NEIGHBOURS], axis=2)


#: Of background, bright and dark: bright is what exceeds 170 on average, dark what is below 85.
WEIGHTS = np.tile(np.array([0, 100, -100], np.int8), (48, 1))
BIAS = np.array([0, -100 * 48 * 170, 100 * 48 * 85])
SCALE = 1e-4


def exact(image: np.ndarray) -> np.ndarray:
    return features(image).astype(np.int32) @ WEIGHTS.astype(np.int32)


def saturating(image: np.ndarray) -> np.ndarray:
    values = features(image).astype(np.int32)[..., None] * WEIGHTS.astype(np.int32)
    pairs = values[..., 0::2, :] + values[..., 1::2, :]
    return np.clip(pairs, -32768, 32767).sum(axis=-2)


def logits(products: np.ndarray) -> np.ndarray:
    return ((products + BIAS) * SCALE).astype(np.float32)


class Integers:
    """A runtime that computes with one kind of products."""

    name, version, compute_precision, threads = "onnxruntime", "0", "int8", 1

    def __init__(self, products):
        self._products = products

    def label_maps(self, images):
        return np.stack([logits(self._products(one)).argmax(2) for one in images]).astype(np.uint8)

    def scores(self, images):
        found = [softmax(logits(self._products(one))) for one in images]
        return np.stack([one.transpose(2, 0, 1) for one in found])


class Network:
    """The network that the file was made from, in the same numbers."""

    kind = "model"
    facts = ModelFacts(labels=LABELS, transforms=({"Normalize": {}},), background=0)

    def answer(self, sample):
        found = logits(exact(sample.pixels()))
        return Answer(label_map_of_logits(found, (), None), None, found)

    def answer_with(self, sample, _facts):
        return self.answer(sample)

    def logits_of(self, _prepared):
        return None

    def label_map_of(self, found, answer):
        return label_map_of_logits(found, answer.trace, None)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"kept for its hash alone")
    manifest = Manifest(
        format="onnx",
        model="Sixteen",
        precision="int8",
        labels=LABELS,
        background=0,
        preprocessing=({"Normalize": {}},),
        files={"model.onnx": file_record(tmp_path / "model.onnx")},
    )
    write_manifest(tmp_path, manifest)
    return tmp_path


@pytest.fixture
def sample(tmp_path):
    """Dark at the left and bright at the right, and labelled as the network has learnt it."""
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    noise = np.random.default_rng(0).integers(-20, 20, (48, 64, 3))
    image = np.clip(ramp[None, :, None] + noise, 0, 255).astype(np.uint8)
    mask = logits(exact(image)).argmax(2).astype(np.uint8)
    assert len(np.unique(mask)) == 3
    write_mask(tmp_path / "mask.png", mask)
    return Sample("ramp", image, tmp_path / "mask.png")


@pytest.fixture
def verify(folder, monkeypatch):
    def run(products, samples, *, overflow):
        def opened(place: Path, **_options: object) -> LinePredictor:
            manifest = export_verification.export_manifest(place)
            return LinePredictor.from_runtime(manifest, Integers(products))

        monkeypatch.setattr(export_verification, "open_export", opened)
        monkeypatch.setattr(machine_facts, "products_overflow", lambda: overflow)
        return verify_export(folder, Network(), samples)

    return run


def test_whole_products_are_verified(verify, sample):
    found = verify(exact, [sample], overflow=False)
    assert found.verified, found.to_dict()["faults"]
    assert (found.judged_by, found.miou_export) == ("miou", 1.0)


def test_overflowing_products_are_caught_and_the_way_out_is_named(verify, sample):
    found = verify(saturating, [sample], overflow=True)
    assert [one.stage for one in found.faults] == ["network"]
    assert found.miou_model - found.miou_export > 0.05
    texts = [str(one) for one in found.warnings]
    assert any("session.x64quantprecision=1" in one for one in texts)
    assert any("points of mIoU" in one for one in texts)


def test_without_masks_the_bound_on_pixels_catches_them_too(verify, sample):
    unlabelled = dataclasses.replace(sample, mask=None)
    assert verify(exact, [unlabelled], overflow=False).verified
    found = verify(saturating, [unlabelled], overflow=True)
    assert (found.judged_by, found.bound) == ("agreement", 0.97)
    assert not found.verified
