"""Training a model to compute well in 8 bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import quantizers_of
from core.compression.quantization.post_training import begin_quantization, calibrate_on
from core.compression.sample_images import first_image_size
from core.models.trainable import Color, TrainableModel
from core.system.errors import InputError
from core.system.reporting import Reporter
from core.training.fit import fit
from core.training.train_options import TrainOptions, TrainResult

if TYPE_CHECKING:
    from core.datasets import SegDataset

#: Training images that the ranges begin with.
_FIRST_LOOK = 16


def quant_aware_train(
    model: TrainableModel,
    options: TrainOptions,
    *,
    train_dataset: SegDataset,
    eval_dataset: SegDataset | None,
    quant_config: Mapping[str, Any] | None = None,
    float_layers: Sequence[str] | None = None,
    optimizer: Any | None = None,
    reporter: Reporter | None = None,
    resume_checkpoint: str | Path | None = None,
    device: str | None = None,
    colors: Sequence[Color] | None = None,
) -> TrainResult:
    """Quantise ``model`` unless it is, and train it; explained in ``Segmenter.quant_aware_train``.

    Raises:
        InputError: as ``fit``, or the model was quantised with another ``quant_config``.
        StopRequested: the reporter asked to stop.
    """
    config = None if quant_config is None else QuantConfig.parse(quant_config)
    if model.quantization is not None:
        _check_same(model.net, config, float_layers)

    def prepare(reporter: Reporter) -> None:
        if model.quantization is None:
            size = first_image_size(train_dataset)
            begin_quantization(model, config or QuantConfig(), size=size, float_layers=float_layers)
            calibrate_on(
                model, train_dataset, images=_FIRST_LOOK, method="min_max", reporter=reporter
            )

    return fit(
        model,
        options,
        train_dataset=train_dataset,
        eval_dataset=eval_dataset,
        prepare=prepare,
        optimizer=optimizer,
        reporter=reporter,
        resume_checkpoint=resume_checkpoint,
        device=device,
        colors=colors,
    )


def _check_same(net: Any, config: QuantConfig | None, float_layers: Sequence[str] | None) -> None:
    """Refuse to go on with other settings than the network was quantised with."""
    now = quantizers_of(net)
    same = config is None or config == now.config
    same &= float_layers is None or set(float_layers) == set(now.float_layers)
    if not same:
        raise InputError(
            "The model is quantised with other settings: quantise the model that it was made "
            "from, or leave quant_config and float_layers out."
        )
