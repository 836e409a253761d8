"""A network as a file of Paddle's own inference library."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import paddle
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor, nn
from paddle.static import InputSpec

from core.compression.folding import fold_batch_norms, replace_layers
from core.compression.quantization.fake_quantization import is_quantized
from core.compression.quantization.freezing import freeze
from core.compression.trace import trace
from core.deploy.onnx_export import INPUT
from core.networks.operators import Resize
from core.networks.tracing import trace_as_written
from core.prediction.paddle_inference import NETWORK, WEIGHTS
from core.prediction.paddle_predictor import inference_mode
from core.system.files import require_room
from core.system.native_folder import native_folder

#: Height and width to fold batch norms at, where any size will be taken.
_SOME_SIZE: Final = (512, 512)
#: More than what is written of the largest network beside its weights.
_STRUCTURE_BYTES: Final = 2**22


def export_paddle(
    net: nn.Layer,
    folder: str | Path,
    *,
    size: tuple[int, int] | None = None,
    offsets: npt.NDArray[np.float32] | None = None,
    flip_test: bool = False,
) -> tuple[Path, Path]:
    """Write the network's first output as ``model.json`` and ``model.pdiparams``.

    The graph takes ``image``, (N, 3, H, W) float32, and gives logits (N, num_classes, H, W). Of a
    quantised network it rounds where the network does; the library computes that in float.

    Args:
        net: a copy that may be changed; with its quantisers if it has some.
        folder: where to write; it exists.
        size: (width, height) of the images it will take; None for any.
        offsets: (num_classes,) added to the logits, or None.
        flip_test: average the logits with those of the mirror image.

    Returns:
        The files, the network first.
    """
    net.eval()
    if is_quantized(net):
        freeze(net)
    else:
        fold_batch_norms(net, trace(net, _SOME_SIZE if size is None else size[::-1]))
    replace_layers(net, {layer: _AlignedResize() for layer in _aligned(net)})
    width, height = size or (None, None)
    files = Path(folder) / NETWORK, Path(folder) / WEIGHTS
    # A folder of its own: the library opens files by name in C++, which must not depend on what
    # the user calls the folders.
    with native_folder("export-") as temporary, inference_mode(net):
        require_room(temporary, _bytes_of(net))  # paddle does not notice a file cut short
        require_room(folder, _bytes_of(net))
        wrapped = _Logits(net, offsets, flip_test=flip_test)
        wrapped.eval()
        paddle.jit.save(
            paddle.jit.to_static(wrapped, full_graph=True),
            str(Path(temporary) / "model"),
            input_spec=[InputSpec([None, 3, height, width], "float32", INPUT)],
        )
        for file in files:
            shutil.move(Path(temporary) / file.name, file)
    return files


def _bytes_of(net: nn.Layer) -> int:
    """At least as many bytes as the network takes as a file."""
    arrays: int = sum(value.size * value.element_size() for value in net.state_dict().values())
    return arrays + _STRUCTURE_BYTES


class _Logits(nn.Layer):
    """The network's first output, with what is done to it."""

    def __init__(
        self, net: nn.Layer, offsets: npt.NDArray[np.float32] | None, *, flip_test: bool
    ) -> None:
        super().__init__()
        self.net = net
        self._flip_test = flip_test
        self._offsets = None if offsets is None else offsets.astype(np.float32)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, num_classes, H, W)."""
        logits = self.net(x)[0]
        if self._flip_test:
            mirrored = self.net(x.flip([3]))[0]
            logits = (logits + mirrored.flip([3])) * 0.5
        if self._offsets is None:
            return logits
        return logits + paddle.to_tensor(self._offsets).reshape([1, -1, 1, 1])


class _AlignedResize(nn.Layer):
    """Resizing that keeps the corners, written so that the library does it right.

    Its oneDNN kernel of bilinear interpolation, which is on by default, takes corners for not
    aligned (3.2.2); there is none for three dimensions, of which one is of length 1 here.
    """

    def forward(self, x: Tensor, size: Any) -> Tensor:
        """(N, C, h, w) → (N, C, H, W)."""
        if isinstance(size, list) and size == list(x.shape[2:]):
            return x
        if isinstance(size, list):
            size = [1, *size]
        else:
            size = paddle.concat([paddle.ones([1], size.dtype), size])
        resized = F.interpolate(
            x.unsqueeze(2), size, mode="trilinear", align_corners=True, data_format="NCDHW"
        )
        return resized.squeeze(2)


def _aligned(net: nn.Layer) -> list[Resize]:
    return [layer for layer in net.sublayers() if isinstance(layer, Resize) and layer.align_corners]


trace_as_written(__name__)
