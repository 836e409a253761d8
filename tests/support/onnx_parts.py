"""Single operators as networks, written to ONNX and run, for the tests of the writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import openvino
import paddle
from paddle import Tensor, nn

from core.deploy.onnx_writer.network_writing import write_network
from core.networks.tracing import trace_as_written


class Network(nn.Layer):
    """A network of one step, with layers of its own if it has some."""

    def __init__(self, step: Callable[[Tensor], Tensor], *layers: nn.Layer) -> None:
        super().__init__()
        self._steps = (step,)  # a layer itself would be listed twice
        self.layers = nn.LayerList(layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images → what the step makes of them."""
        return [self._steps[0](x)]


def network_of(layer: nn.Layer) -> Network:
    """A network that is one layer."""
    return Network(layer, layer)


def noise(*shape: int, seed: int = 0) -> Any:
    """Normal noise, float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def written(net: nn.Layer, size: tuple[int, int] | None) -> onnx.ModelProto:
    """The network's graph, which holds against ONNX's strictest checks; ``size`` is (w, h)."""
    net.eval()
    model, _ = write_network(net, size=size, image="image", logits="logits")
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model


def operators(model: onnx.ModelProto) -> list[str]:
    """What the nodes do, in order."""
    return [node.op_type for node in model.graph.node]


def initializers(model: onnx.ModelProto) -> dict[str, Any]:
    """The constants by name."""
    return {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}


def assert_computes_the_same(net: nn.Layer, model: onnx.ModelProto, *batches: Any) -> None:
    """ONNX Runtime and OpenVINO compute what the network does, of every batch."""
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    precision = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(openvino.Core().read_model(content), "CPU", precision)
    for batch in batches:
        with paddle.no_grad():
            expected = net(paddle.to_tensor(batch))[0].numpy()
        bound = 1e-5 * max(1.0, float(np.abs(expected).max()))
        found = session.run(["logits"], {"image": batch})[0]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=bound)
        np.testing.assert_allclose(compiled(batch)[0], expected, rtol=0, atol=bound)


trace_as_written(__name__)
