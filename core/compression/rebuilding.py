"""From what a model folder says of a compressed network back to that network."""

from __future__ import annotations

from pathlib import Path

from core.compression.pruning.widths import apply_shapes
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import quantize
from core.models.compression_records import PruningRecord, QuantizationRecord
from core.models.model_folder import is_compressed, read_model_info
from core.models.trainable import TrainableModel


def rebuild(
    model: TrainableModel, pruning: PruningRecord | None, quantization: QuantizationRecord | None
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


def take_structure(model: TrainableModel, checkpoint: Path) -> None:
    """Make the network the one that a model folder describes, if that is compressed otherwise.

    Raises:
        InputError: the folder's records are missing or damaged, or belong to another network.
    """
    if model.status == "Normal" and not is_compressed(checkpoint):
        return  # the usual case, in which nothing but weights is read from the folder
    info = read_model_info(checkpoint)
    if (info.pruning, _fixed(info.quantization)) != (model.pruning, _fixed(model.quantization)):
        rebuild(model, info.pruning, info.quantization)


def _fixed(record: QuantizationRecord | None) -> QuantizationRecord | None:
    """Return what decides the structure of a quantised network: all but its scales."""
    return None if record is None else record.model_copy(update={"activations": {}})
