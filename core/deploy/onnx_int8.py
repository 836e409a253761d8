"""A float ONNX file turned into one that computes in int8 where the network was quantised so.

Quantise and dequantise nodes stand exactly at the tensors of the quantisation table; ONNX
Runtime fuses them with the operators between into its int8 kernels. ``onnxruntime.quantization``
is not used because it chooses the tensors itself, from the operators' types, drops ReLUs and
changes scales of weights: the file would not compute what the trained network does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from core.deploy.onnx_graph import drop_unused_initializers, rename_inputs
from core.system.files import write_bytes_atomic

if TYPE_CHECKING:
    from core.compression.quantization.table import QuantizationTable, WeightScales

_CONVOLUTIONS = {"Conv": 0, "ConvTranspose": 1}  # operator: axis of the output channels
_LARGEST_BIAS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ActivationGrid:
    """Grid of a tensor: the values ``(q - zero_point) * scale``.

    Attributes:
        scale: its step.
        zero_point: 0 … 255.
        bits: with less than 8 the tensor is limited to 0 … 2^bits - 1 (zero point 0) or to
            ± (2^(bits - 1) - 1) steps first.
    """

    scale: float
    zero_point: int
    bits: int = 8

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest value."""
        if self.zero_point == 0:
            return 0.0, (2**self.bits - 1) * self.scale
        largest = (2 ** (self.bits - 1) - 1) * self.scale
        return -largest, largest


@dataclass(frozen=True, slots=True)
class WeightGrid:
    """Grid of a weight: ``q * scales`` for q = -limit … limit.

    ``scales`` is float32: (channels,) along the output channels, or () for all.
    """

    scales: npt.NDArray[np.float32]
    limit: int = 127


def export_int8(
    float_onnx: str | Path, table: QuantizationTable, names: Mapping[str, str], file: str | Path
) -> None:
    """Write the quantised form of a float ONNX file.

    Args:
        float_onnx: file that ``export_float`` wrote.
        table: what is quantised, and how finely.
        names: ONNX tensor name of each leaf layer's output, by the layer's path, and of the
            input: what ``export_float`` returned.
        file: where to write.
    """
    model = onnx.load(float_onnx)
    quantize_graph(
        model,
        activations={
            names[key]: ActivationGrid(one.scale, one.zero_point, one.bits)
            for key, one in table.activations.items()
        },
        weights={names[path]: _weight_grid(one) for path, one in table.weights.items()},
    )
    onnx.checker.check_model(model, full_check=True)
    write_bytes_atomic(file, model.SerializeToString())


def _weight_grid(weight: WeightScales) -> WeightGrid:
    scales = np.asarray(weight.scales, np.float32)
    return WeightGrid(
        scales if weight.axis is not None else scales.reshape(()), 2 ** (weight.bits - 1) - 1
    )


def quantize_graph(
    model: onnx.ModelProto,
    *,
    activations: Mapping[str, ActivationGrid],
    weights: Mapping[str, WeightGrid],
) -> None:
    """Put quantise and dequantise nodes into a float graph, in place.

    Args:
        model: the graph; its weights become int8, so that the float ones are not kept.
        activations: grids of the tensors to quantise, by name.
        weights: grids of the convolutions' weights, by the name of the convolution's output.
    """
    graph = model.graph
    initializers = {value.name: value for value in graph.initializer}
    grids: dict[str, ActivationGrid] = {}  # by name of the dequantised tensor
    nodes: list[onnx.NodeProto] = []
    dequantized: dict[str, str] = {}

    def add(tensor: str) -> None:
        if (grid := activations.get(tensor)) is None:
            return
        nodes.extend(_quantize_dequantize(graph, tensor, grid))
        dequantized[tensor] = f"{tensor}.dequantized"
        grids[dequantized[tensor]] = grid

    for value in graph.input:
        add(value.name)
    for node in _held_in_float(graph.node, activations, weights):
        rename_inputs(node, dequantized)
        grid = weights.get(node.output[0])
        if grid is not None:
            if node.op_type not in _CONVOLUTIONS:
                raise ValueError(f"{node.output[0]} is made by {node.op_type}, not a convolution")
            nodes.extend(_quantize_weight(graph, node, grid, initializers, grids))
        nodes.append(node)
        for tensor in node.output:
            add(tensor)
    if missing := set(activations) - set(dequantized):
        raise ValueError(f"no such tensors in the graph: {sorted(missing)}")
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused_initializers(model)


def _held_in_float(
    nodes: Iterable[onnx.NodeProto],
    activations: Mapping[str, ActivationGrid],
    weights: Mapping[str, WeightGrid],
) -> Iterator[onnx.NodeProto]:
    """Yield the nodes so that ONNX Runtime leaves convolutions alone that are to stay float.

    Between quantised tensors it makes a convolution's weight int8 by itself
    (WeightBiasQuantization), looking through a ReLU or a ReLU6. It does not know leaky ReLUs for
    this, and computes them along with the convolution: with a slope of 0 they are ReLUs, with 1
    nothing.
    """
    floats: set[str] = set()
    for node in nodes:
        output = node.output[0]
        if node.op_type in _CONVOLUTIONS and output not in weights:
            if output in activations:
                node.output[0] = f"{output}.float"
                yield node
                yield onnx.helper.make_node("LeakyRelu", [node.output[0]], [output], alpha=1.0)
                continue
            floats.add(output)
        elif node.op_type == "Relu" and node.input[0] in floats:
            node.op_type = "LeakyRelu"
            node.attribute.append(onnx.helper.make_attribute("alpha", 0.0))
        elif node.op_type == "Clip" and node.input[0] in floats:
            held = f"{node.input[0]}.float"
            yield onnx.helper.make_node("LeakyRelu", [node.input[0]], [held], alpha=1.0)
            node.input[0] = held
        yield node


def _quantize_dequantize(
    graph: onnx.GraphProto, tensor: str, grid: ActivationGrid
) -> list[onnx.NodeProto]:
    parameters = [f"{tensor}.scale", f"{tensor}.zero_point"]
    _add(graph, parameters[0], np.float32(grid.scale))
    _add(graph, parameters[1], np.uint8(grid.zero_point))
    quantized = f"{tensor}.quantized"
    limited = []
    if grid.bits < 8:
        limits = [f"{tensor}.smallest", f"{tensor}.largest"]
        for name, value in zip(limits, grid.limits, strict=True):
            _add(graph, name, np.float32(value))
        limited = [onnx.helper.make_node("Clip", [tensor, *limits], [f"{tensor}.limited"])]
        tensor_in = f"{tensor}.limited"
    else:
        tensor_in = tensor
    return [
        *limited,
        onnx.helper.make_node(
            "QuantizeLinear", [tensor_in, *parameters], [quantized], name=f"{tensor}.quantize"
        ),
        onnx.helper.make_node(
            "DequantizeLinear",
            [quantized, *parameters],
            [f"{tensor}.dequantized"],
            name=f"{tensor}.dequantize",
        ),
    ]


def _quantize_weight(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    grid: WeightGrid,
    initializers: Mapping[str, onnx.TensorProto],
    grids: Mapping[str, ActivationGrid],
) -> list[onnx.NodeProto]:
    """Make the weight of ``node`` int8 and, where its input is quantised, the bias int32."""
    axis, name, scales = _CONVOLUTIONS[node.op_type], node.output[0], grid.scales
    weight = numpy_helper.to_array(initializers[node.input[1]])
    added = []
    input_grid = grids.get(node.input[0])
    # There is no int8 kernel of transposed convolutions, so that their bias stays as it is.
    if node.op_type == "Conv" and len(node.input) > 2 and input_grid is not None:
        bias = numpy_helper.to_array(initializers[node.input[2]]).astype(np.float64)
        scales = _scales_that_hold(bias, input_grid.scale, scales)
        steps = np.float32(input_grid.scale) * scales
        levels = _round(bias / steps).astype(np.int32)
        added.append(_dequantized(graph, f"{name}.bias", levels, steps, 0))
        node.input[2] = added[0].output[0]
    others = tuple(other for other in range(weight.ndim) if other != axis)
    steps = np.expand_dims(scales, others) if scales.ndim else scales
    levels = np.clip(_round(weight / steps), -grid.limit, grid.limit).astype(np.int8)
    added.append(_dequantized(graph, f"{name}.weight", levels, scales, axis))
    node.input[1] = added[-1].output[0]
    return added


def _scales_that_hold(
    bias: npt.NDArray[np.float64], input_scale: float, scales: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Enlarge scales of weights that are next to nothing beside their bias.

    The bias is kept in steps of ``input_scale * scale``, as int32. Where that is too small for
    the bias, the weights change the output by less than the bias's own rounding.
    """
    size = np.abs(bias) if scales.ndim else np.abs(bias).max()
    needed = size / (input_scale * _LARGEST_BIAS)
    # A little more, since the product is rounded to float32 again.
    return np.maximum(scales, np.float32(needed * (1 + 1e-6)))


def _round(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Round halves away from zero, as Paddle's fake quantisation does."""
    rounded: npt.NDArray[Any] = np.copysign(np.floor(np.abs(values) + 0.5), values)
    return rounded


def _dequantized(
    graph: onnx.GraphProto,
    name: str,
    quantized: npt.NDArray[np.int8] | npt.NDArray[np.int32],
    scales: npt.NDArray[np.float32],
    axis: int,
) -> onnx.NodeProto:
    _add(graph, f"{name}.quantized", quantized)
    _add(graph, f"{name}.scale", scales.astype(np.float32))
    # Without a zero point, which is 0 then: it would be as long as the bias itself.
    return onnx.helper.make_node(
        "DequantizeLinear",
        [f"{name}.quantized", f"{name}.scale"],
        [f"{name}.dequantized"],
        name=f"{name}.dequantize",
        axis=axis,
    )


def _add(graph: onnx.GraphProto, name: str, value: Any) -> None:
    graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
