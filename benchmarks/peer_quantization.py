"""ONNX Runtime's own static quantisation of a file, to be compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def quantized_by_peer(file: Path, data: Any) -> Path:
    """Quantise by ONNX Runtime's own tool: unsigned activations, weights by channel."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Images(CalibrationDataReader):
        """Sixteen images, one at a time."""

        def __init__(self) -> None:
            count = min(16, len(data))
            self._batches = iter([{name: data.get(index)[0][None]} for index in range(count)])

        def get_next(self) -> Any:
            """The next image, or None."""
            return next(self._batches, None)

    name = inputs_of(file)[0]
    result = file.with_name("peer.onnx")
    quantize_static(
        file,
        result,
        Images(),
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )
    return result


def inputs_of(file: Path) -> list[str]:
    """Names of a file's inputs."""
    import onnx

    return [value.name for value in onnx.load(file).graph.input]
