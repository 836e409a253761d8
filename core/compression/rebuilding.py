"""From what a model folder says of a compressed network back to that network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paddle

from core.compression.pruned_widths import apply_shapes
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.prepare import quantize, quantizers_of
from core.compression.quantization.snapshot import table
from core.models.compression_records import PruningRecord, QuantizationRecord

if TYPE_CHECKING:
    from core.seg.segmenter_base import SegmenterBase


def rebuild(
    model: SegmenterBase, pruning: PruningRecord | None, quantization: QuantizationRecord | None
) -> None:
    """Give ``model`` a new network of the recorded structure; its weights are still to be loaded.

    Raises:
        InputError: the records belong to another network.
    """
    model.net = model.build_net()
    if pruning is not None:
        apply_shapes(model.net, pruning.shapes)
    if quantization is not None:
        width, height = quantization.image_size
        quantize(
            model.net,
            QuantConfig.parse(quantization.config),
            size=(height, width),
            float_layers=quantization.float_layers,
        )
    model.pruning, model.quantization = pruning, quantization


def quantization_record(net: Any) -> QuantizationRecord:
    """Describe a quantised network as it is now."""
    with paddle.no_grad():
        content = table(net)
    height, width = quantizers_of(net).size
    return QuantizationRecord(
        config=content.config.to_dict(),
        float_layers=content.float_layers,
        image_size=(width, height),
        activations={key: scale.model_dump() for key, scale in content.activations.items()},
    )
