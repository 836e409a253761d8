"""Files of Paddle's inference library: the network's numbers, simulated quantisation included."""

from __future__ import annotations

import errno
import os
import signal
import sys
from copy import deepcopy

import numpy as np
import paddle
import pytest
from exported_networks import NETWORKS, SIZE, logits_of, noise, plain_manifest, trained_model
from paddle import inference

from core.compression.quantization.fake_quantization import is_quantized
from core.compression.quantization.freezing import freeze
from core.deploy.paddle_export import export_paddle
from core.jobs.failures import classify
from core.prediction.paddle_inference import PaddleNetwork
from core.system.errors import InputError

pytestmark = pytest.mark.thorough

ODD = (51, 77)


def exported(net, folder, **options):
    folder.mkdir()
    export_paddle(deepcopy(net), folder, **options)
    return folder


def opened(folder, *, status="Normal"):
    return PaddleNetwork(folder, plain_manifest("paddle", status=status), threads=1)


@pytest.mark.parametrize("name", NETWORKS)
def test_float_files_compute_what_the_network_does(name, tmp_path):
    net = trained_model(name).net
    odd = (64, 80) if name == "UNet" else ODD  # deconvolutions need whole multiples
    network = opened(exported(net, tmp_path / "输出 1"))
    for batch in (noise(2, 3, *SIZE), noise(1, 3, *odd)):
        expected = logits_of(net, batch)
        found = network.logits(batch)
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
        assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.9999


@pytest.mark.parametrize("name", ["BiSeNetV2", "FastSCNN", "EfficientNetFPN"])
def test_a_quantised_network_rounds_as_it_did(name, tmp_path):
    net = trained_model(name, int8=True).net
    network = opened(exported(net, tmp_path / "int8"), status="Quantized")
    assert is_quantized(net)  # the copy was changed, not the model
    batch = noise(2, 3, *SIZE)
    expected = logits_of(net, batch)
    same = (network.logits(batch).argmax(1) == expected.argmax(1)).mean()
    # Fused additions, and resizing where corners are kept, tip some values to the next step.
    assert same > (0.998 if name == "EfficientNetFPN" else 0.95)
    rounded = trained_model(name).net
    assert (logits_of(rounded, batch).argmax(1) == expected.argmax(1)).mean() < same


def test_a_frozen_network_is_the_quantised_one():
    net = trained_model("FastSCNN", int8=True).net
    batch = noise(2, 3, *SIZE)
    expected = logits_of(net, batch)
    freeze(net)
    assert not is_quantized(net)
    np.testing.assert_allclose(logits_of(net, batch), expected, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="not quantised"):
        freeze(net)


def test_the_library_resizes_as_the_network_whatever_its_kernels(tmp_path):
    """With oneDNN it takes aligned corners for others: the file must not depend on that."""
    net = trained_model("BiSeNetV2").net
    folder = exported(net, tmp_path / "export")
    batch = noise(1, 3, *ODD)
    found = []
    for onednn in (True, False):
        config = inference.Config(str(folder / "model.json"), str(folder / "model.pdiparams"))
        config.disable_gpu()
        config.disable_glog_info()
        if not onednn:
            config.disable_mkldnn()
        predictor = inference.create_predictor(config)
        predictor.get_input_handle("image").copy_from_cpu(batch)
        predictor.run()
        found.append(predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu())
    np.testing.assert_allclose(*found, atol=1e-4)
    np.testing.assert_allclose(found[0], logits_of(net, batch), atol=1e-4)


def test_a_size_and_offsets_become_part_of_the_file(tmp_path):
    net = trained_model("FastSCNN").net
    offsets = np.array([0.0, 3.0, -2.0], np.float32)
    folder = exported(net, tmp_path / "export", size=SIZE[::-1], offsets=offsets)
    batch = noise(1, 3, *SIZE)
    expected = logits_of(net, batch) + offsets.reshape(1, 3, 1, 1)
    np.testing.assert_allclose(opened(folder).logits(batch), expected, atol=1e-4)
    saved = paddle.jit.load(str(folder / "model"))
    assert list(saved._input_spec()[0].shape) == [-1, 3, *SIZE]


def test_what_is_missing_or_damaged_is_named(tmp_path):
    folder = exported(trained_model("FastSCNN").net, tmp_path / "export")
    network, weights = folder / "model.json", folder / "model.pdiparams"
    content = weights.read_bytes()
    weights.write_bytes(content[:100_000])
    with pytest.raises(InputError, match="is no model that Paddle can run here"):
        opened(folder)
    weights.write_bytes(content)
    network.write_text(network.read_text(encoding="utf-8")[:5000], encoding="utf-8")
    with pytest.raises(InputError, match="is no model that Paddle can run here"):
        opened(folder)
    weights.unlink()
    with pytest.raises(InputError, match=r"model\.pdiparams does not exist"):
        opened(folder)


@pytest.mark.parametrize("limit", [2000, 2**20])
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
def test_a_file_that_would_be_cut_short_is_an_error(tmp_path, limit):
    """Paddle writes in C++ without looking whether it was written."""
    import resource

    net = trained_model("FastSCNN").net
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
        with pytest.raises(OSError, match="File too large") as caught:
            export_paddle(net, tmp_path, size=SIZE[::-1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []
    failed = classify(caught.value, spec=None, run_dir=tmp_path)
    assert failed.kind == "bad_input"


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="written there instead")
def test_a_full_disk_is_said_to_be_one(tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left") as caught:
        export_paddle(trained_model("FastSCNN").net, tmp_path, size=SIZE[::-1])
    assert classify(caught.value, spec=None, run_dir=tmp_path).kind == "disk_full"
