"""A network as an ONNX file in float, with the names that its tensors have there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import paddle
from paddle import Tensor, nn
from paddle.static import InputSpec

from core.deploy.onnx_graph import (
    drop_identities,
    fold_constants,
    free_batch,
    rename_tensors,
    set_dimensions,
)
from core.networks.tracing import trace_as_written
from core.prediction.paddle_predictor import inference_mode, takes_any_size
from core.system.errors import InputError
from core.system.files import require_room, write_bytes_atomic
from core.system.native_folder import native_folder

if TYPE_CHECKING:
    from core.compression.trace import Trace

#: Names of the file's one input (N, 3, H, W) and one output (N, num_classes, H, W), float32.
INPUT: Final = "image"
OUTPUT: Final = "logits"
OPSET: Final = 17
#: More than what is written of the largest network beside its weights.
_STRUCTURE_BYTES: Final = 2**22


def export_float(
    net: nn.Layer, file: str | Path, *, size: tuple[int, int] | None, traced: Trace | None = None
) -> dict[str, str]:
    """Write the network's first output as an ONNX file that takes batches of any size.

    Args:
        net: network in float, its batch norms folded (``fold_batch_norms``).
        file: where to write.
        size: (width, height) of the images it will take; None for any, where the network can.
        traced: trace of ``net`` where the tensors' names in the file are wanted.

    Returns:
        The tensor name of each leaf layer's output, by the layer's path, and of the network's
        input, by ``"input"``; empty without ``traced``.

    Raises:
        InputError: the network pools to a grid, which cannot be exported for free sizes.
    """
    if size is None and not takes_any_size(net):
        raise InputError(
            "{name} pools its features to a grid, which ONNX can only express for one size of "
            "image: give the image size to export.",
            name=type(net).__name__.removesuffix("Net"),
        )
    calls = () if traced is None else traced.deployed().calls
    paths = [call.path for call in calls if traced and call.output != traced.outputs[0]]
    if len({call.path for call in calls}) < len(calls):
        raise ValueError("a layer is used twice: its path does not name one tensor")
    model = fold_constants(_convert(net, size=size, paths=paths))
    same = drop_identities(model)
    if size is not None:
        free_batch(model)
    first = model.graph.output[0].name
    names = {path: same.get(n, n) for path, n in zip(paths, _output_names(paths), strict=True)}
    channels = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    del model.graph.output[1:]
    rename_tensors(model, {first: OUTPUT})
    width, height = size or ("width", "height")
    set_dimensions(model.graph.input[0], "batch", 3, height, width)
    set_dimensions(model.graph.output[0], "batch", channels, height, width)
    onnx.checker.check_model(model, full_check=True)
    write_bytes_atomic(file, model.SerializeToString())
    if traced is None:
        return {}
    last = traced.producer(traced.outputs[0])
    return {"input": INPUT, **names} | ({} if last is None else {last.path: OUTPUT})


def _output_names(paths: Sequence[str]) -> list[str]:
    """What paddle2onnx calls the outputs after the first."""
    return [f"fetch_name_{index + 1}" for index in range(len(paths))]


def _convert(
    net: nn.Layer, *, size: tuple[int, int] | None, paths: Sequence[str]
) -> onnx.ModelProto:
    """Export with the tensors that the layers at ``paths`` make as outputs after the first."""
    import paddle2onnx

    batch, width, height = (None, None, None) if size is None else (1, *size)
    wrapped = _WithTensors(net, paths)
    # A folder of its own in the system's place for such: the converter opens files by name in
    # C++, which must not depend on what the user calls the folders.
    with native_folder("export-") as folder, inference_mode(net):
        path = str(Path(folder) / "model")
        wrapped.eval()
        shape = [batch, 3, height, width]
        require_room(folder, bytes_of(net))  # paddle does not notice a file cut short
        with wrapped.recording():
            paddle.jit.save(
                paddle.jit.to_static(wrapped, full_graph=True),
                path,
                input_spec=[InputSpec(shape, "float32", INPUT)],
            )
        # Its default optimizer installs packages from the network.
        data = paddle2onnx.export(
            f"{path}.json", f"{path}.pdiparams", opset_version=OPSET, optimize_tool="None"
        )
    return onnx.load_model_from_string(data)


def bytes_of(net: nn.Layer) -> int:
    """At least as many bytes as the network takes as a file of paddle's or as an ONNX file."""
    arrays: int = sum(value.size * value.element_size() for value in net.state_dict().values())
    return arrays + _STRUCTURE_BYTES


class _WithTensors(nn.Layer):
    """The network with some of its inner tensors as further outputs."""

    def __init__(self, net: nn.Layer, paths: Sequence[str]) -> None:
        super().__init__()
        self.net = net
        self._paths = paths
        self._made: dict[str, Tensor] = {}

    # Paddle rewrites this method's code, and is slow about all that it does not know.
    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits and the tensors."""
        logits = self.net(x)[0]
        return [logits, *[self._made[path] for path in self._paths]]

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Note what each leaf layer makes; pooling to a grid is put into an exact form."""

        def record(path: str) -> Callable[[nn.Layer, Any, Tensor], Tensor]:
            def hook(layer: nn.Layer, inputs: Any, output: Tensor) -> Tensor:
                if isinstance(layer, nn.AdaptiveAvgPool2D):
                    output = _pool(inputs[0], output)
                self._made[path] = output
                return output

            return hook

        handles = [
            layer.register_forward_post_hook(record(path))
            for path, layer in self.net.named_sublayers()
            if next(layer.children(), None) is None
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _pool(x: Tensor, pooled: Tensor) -> Tensor:
    """Average over a grid whose cells are not all alike, which ONNX has no operator for.

    paddle2onnx writes a pooling of equal cells instead, which is another function.
    """
    target, source = pooled.shape[2:], x.shape[2:]
    if all(cells == 1 or length % cells == 0 for cells, length in zip(target, source, strict=True)):
        return pooled
    rows = paddle.to_tensor(pooling_matrix(source[0], target[0]))
    columns = paddle.to_tensor(pooling_matrix(source[1], target[1]).T.copy())
    return paddle.matmul(paddle.matmul(rows, x), columns)


def pooling_matrix(source: int, target: int) -> npt.NDArray[np.float32]:
    """Matrix (target, source) of adaptive average pooling along one axis; rows sum to 1."""
    matrix = np.zeros((target, source), np.float32)
    for cell in range(target):
        start, end = cell * source // target, -(-(cell + 1) * source // target)
        matrix[cell, start:end] = 1 / (end - start)
    return matrix


trace_as_written(__name__)
