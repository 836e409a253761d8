"""Float ONNX files: the same numbers as the network, at every size, under known names."""

from __future__ import annotations

import signal
import sys

import numpy as np
import onnx
import onnxruntime
import paddle
import pytest

from core import seg
from core.compression.folding import fold_batch_norms
from core.compression.trace import trace
from core.deploy.onnx_export import INPUT, OUTPUT, export_float
from core.jobs.failures import classify

#: Smallest variants of each network, with options that change the graph.
NETWORKS = {
    "FastSCNN": {},
    "BiSeNetV2": {"align_corners": True},
    "UNet": {"use_deconv": True},
    "HRNet": {"width": 18},
    "DeepLabV3P": {"output_stride": 16},
    "EfficientNetFPN": {},
}


def network(name, **params):
    net = seg.create(name, seed=0, num_classes=3, **params).net
    net.eval()
    return net


def scores_of(net, batch):
    with paddle.no_grad():
        return net(paddle.to_tensor(batch))[0].numpy()


def run(file, batch):
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return session.run([OUTPUT], {INPUT: batch})[0]


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(("name", "params"), NETWORKS.items())
def test_file_computes_what_the_network_does(name, params, tmp_path):
    net = network(name, **params)
    height, width = 66, 90  # features of 3 × 3 at 1/32, which grids of 2 and 6 do not divide
    fold_batch_norms(net, trace(net, (height, width)))
    file = tmp_path / "模型 1.onnx"
    export_float(net, file, size=(width, height))
    batch = noise(2, 3, height, width)
    expected = scores_of(net, batch)
    np.testing.assert_allclose(run(file, batch), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["BiSeNetV2", "FastSCNN"])
def test_free_sizes(tmp_path, name):
    net = network(name)
    export_float(net, tmp_path / "any.onnx", size=None)
    for shape in ((1, 3, 64, 96), (2, 3, 75, 64)):
        batch = noise(*shape)
        expected = scores_of(net, batch)
        got = run(tmp_path / "any.onnx", batch)
        np.testing.assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max())


def test_names_are_those_of_the_layers_outputs(tmp_path):
    net = network("FastSCNN")
    fold_batch_norms(net, trace(net, (64, 64)))
    traced = trace(net, (64, 64))
    names = export_float(net, tmp_path / "model.onnx", size=(64, 64), traced=traced)
    paths = [call.path for call in traced.deployed().calls]
    assert names.keys() == {"input", *paths}
    model = onnx.load(tmp_path / "model.onnx")
    assert [value.name for value in model.graph.output] == [OUTPUT]
    made = {}
    layers = dict(net.named_sublayers())
    hooks = [
        layers[path].register_forward_post_hook(
            lambda _layer, _inputs, output, path=path: made.__setitem__(path, output.numpy())
        )
        for path in paths
    ]
    batch = noise(1, 3, 64, 64)
    scores_of(net, batch)
    for hook in hooks:
        hook.remove()
    for path in paths:
        if names[path] != OUTPUT:
            model.graph.output.append(onnx.ValueInfoProto(name=names[path]))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for path in paths:
        got = session.run([names[path]], {INPUT: batch})[0]
        np.testing.assert_allclose(got, made[path], atol=1e-4 * np.abs(made[path]).max() + 1e-6)


def test_auxiliary_heads_and_the_network_itself(tmp_path):
    net = network("FastSCNN")
    net.train()
    before = {name: value.numpy() for name, value in net.state_dict().items()}
    export_float(net, tmp_path / "model.onnx", size=(64, 64))
    assert net.training
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    written = {one.name for one in onnx.load(tmp_path / "model.onnx").graph.initializer}
    heads = {name for name in before if name.startswith("auxlayer")}
    assert heads
    assert before.keys() - heads <= written
    assert not heads & written


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
def test_a_file_that_is_too_large_is_an_error(tmp_path):
    import resource

    net = network("FastSCNN")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
        with pytest.raises(OSError, match="File too large") as caught:
            export_float(net, tmp_path / "a.onnx", size=(64, 64))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    failed = classify(caught.value, spec=None, run_dir=tmp_path)
    assert (failed.kind, list(tmp_path.iterdir())) == ("bad_input", [])
    assert "larger than the disk or the system allows" in failed.message
