"""A selftest holds only where the samples come out as they did."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from line_models import write_line_model, write_pictures

from core.deploy.bundle.bundle_writing import write_bundle
from core.portable.line_command import selftest_lines
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import read_manifest, write_manifest
from core.portable.mask_files import decode_label_map, encode_label_map
from core.portable.portable_error import PortableError
from core.portable.selftest import run_selftest

SIZE = (200, 250)
PIXELS = 2 * SIZE[0] * SIZE[1]


@pytest.fixture
def bundle(tmp_path):
    write_line_model(tmp_path / "export")
    samples = write_pictures(tmp_path / "images", size=SIZE)
    write_bundle(tmp_path / "export", tmp_path / "bundle", samples=samples)
    return tmp_path / "bundle"


def _change_pixels(bundle, count):
    file = bundle / "samples" / "sample_2_mask.png"
    label_map = decode_label_map(file.read_bytes()).copy()
    label_map.ravel()[:count] = 2 - label_map.ravel()[:count]
    file.write_bytes(encode_label_map(label_map, ()))


def _pretend_another_kind(bundle):
    file = bundle / "samples" / "samples.json"
    content = json.loads(file.read_text("utf-8"))
    content["machine"]["processor"] = "another"
    file.write_text(json.dumps(content), "utf-8")


def test_all_holds(bundle):
    result = run_selftest(bundle, LinePredictor(bundle))
    assert result.passed and result.same_kind and result.share == 0
    assert [one.pixels for one in result.samples] == [SIZE[0] * SIZE[1]] * 2
    lines = selftest_lines(result)
    assert lines[0].startswith("machine: ") and "onnxruntime" in lines[0]
    assert lines[-1] == "selftest passed"
    assert json.loads(json.dumps(result.to_dict()))["passed"] is True


def test_on_the_same_kind_of_machine_every_pixel_counts(bundle):
    _change_pixels(bundle, 1)
    result = run_selftest(bundle, LinePredictor(bundle))
    assert not result.passed and result.share == 1 / PIXELS
    assert "sample_2.png, 1 of 50000" in result.problems[0]
    assert selftest_lines(result)[-1] == "selftest FAILED"


@pytest.mark.parametrize(("precision", "bound"), [("float32", 0.0001), ("int8", 0.005)])
def test_elsewhere_a_few_pixels_may_differ(bundle, precision, bound):
    write_manifest(bundle, replace(read_manifest(bundle), precision=precision))
    _pretend_another_kind(bundle)
    _change_pixels(bundle, int(PIXELS * bound))
    result = run_selftest(bundle, LinePredictor(bundle))
    assert result.passed and result.same_kind is False
    assert result.share == result.bound == bound
    assert any(f"{bound:.4%} of the pixels differ" in line for line in selftest_lines(result))
    _change_pixels(bundle, int(PIXELS * bound) // 2)  # back
    _change_pixels(bundle, int(PIXELS * bound) * 2)
    assert not run_selftest(bundle, LinePredictor(bundle)).passed


def test_another_runtime_is_another_kind(bundle):
    result = run_selftest(bundle, LinePredictor(bundle, runtime="openvino"))
    assert result.same_kind is False and result.passed
    assert result.machine.runtime == "openvino"


def test_without_samples_an_even_image_is_computed(tmp_path):
    write_line_model(tmp_path / "export")
    write_bundle(tmp_path / "export", tmp_path / "bundle")
    result = run_selftest(tmp_path / "bundle", LinePredictor(tmp_path / "bundle"))
    assert result.passed and result.share is None and result.same_kind is None
    assert any("there are none in this bundle" in line for line in selftest_lines(result))


class _Broken:
    name, version, compute_precision, threads = "broken", "1", "float32", 1

    def label_maps(self, images):
        return np.full(images.shape[:3], 9, np.uint8)

    def scores(self, images):
        return np.full((len(images), 3, *images.shape[1:3]), np.nan, np.float32)


def test_scores_that_are_none_are_noticed(tmp_path):
    predictor = LinePredictor.from_runtime(write_line_model(tmp_path), _Broken())
    problems = run_selftest(tmp_path, predictor).problems
    assert any("no probabilities" in one for one in problems)
    assert any("classes that the model does not have" in one for one in problems)


def test_samples_that_cannot_be_read_are_named(bundle):
    predictor = LinePredictor(bundle)
    (bundle / "samples" / "sample_1.png").write_bytes(b"nothing")
    result = run_selftest(bundle, predictor)
    assert not result.passed and "sample_1.png is unreadable" in result.problems[0]
    (bundle / "samples" / "samples.json").write_text('{"machine": {}, "samples": []}')
    with pytest.raises(PortableError, match="copy the bundle again"):
        run_selftest(bundle, predictor)
