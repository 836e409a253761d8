"""Quantising a model without training it, from what it computes on some images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from core.compression.quantization.calibration import Method, calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import keep_in_float, quantize
from core.compression.quantization.float_layers import choose_float_layers
from core.compression.quantization.quantized_tensors import quantization_points
from core.compression.quantization.record import quantization_record
from core.compression.sample_images import batches_of_one_size, first_image_size, spread_evenly
from core.compression.trace import trace
from core.models.trainable import TrainableModel
from core.prediction.paddle_predictor import use_device
from core.system.errors import InputError
from core.system.reporting import Reporter
from core.training.console_reporter import ConsoleReporter
from core.training.data_checks import check_classes

if TYPE_CHECKING:
    from core.datasets import SegDataset

_CALIBRATION_BATCH = 4
#: Images that tell which layers suffer from quantisation.
_COMPARED = 2


def quantize_post_training(
    model: TrainableModel,
    dataset: SegDataset,
    *,
    images: int = 64,
    method: Method = "percentile",
    quant_config: Mapping[str, Any] | None = None,
    float_layers: Literal["auto"] | Sequence[str] | None = "auto",
    image_size: tuple[int, int] | None = None,
    reporter: Reporter | None = None,
    device: str | None = None,
) -> None:
    """Quantise ``model.net`` and record it; explained in ``Segmenter.quantize_post_training``.

    Raises:
        InputError: the model is quantised already, or the arguments or the data cannot be used.
    """
    check_classes(model, dataset)
    if model.quantization is not None:
        raise InputError(
            "The model is quantised already: quantise the model that it was made from."
        )
    config = QuantConfig.parse(quant_config)
    use_device(model.net, device)
    size = first_image_size(dataset) if image_size is None else (image_size[1], image_size[0])
    reporter = reporter or ConsoleReporter()
    begin_quantization(
        model,
        config,
        size=size,
        float_layers=None if isinstance(float_layers, str) else float_layers,
    )
    calibrate_on(model, dataset, images=images, method=method, reporter=reporter)
    if float_layers == "auto":
        _keep_in_float(model, dataset, images, reporter)


def begin_quantization(
    model: TrainableModel,
    config: QuantConfig,
    *,
    size: tuple[int, int],
    float_layers: Sequence[str] | None,
) -> None:
    """Put quantisers into ``model.net``, whose ranges are still to be found.

    Args:
        model: its network is changed.
        config: settings of quantisation.
        size: height and width of the images it will be exported for.
        float_layers: paths of layers that stay in float; None for the head's last.

    Raises:
        InputError: a float layer does not exist, or nothing is left to quantise; the network is
            as it was.
    """
    quantization_points(trace(model.net, size), config, float_layers)
    quantize(model.net, config, size=size, float_layers=float_layers)


def calibrate_on(
    model: TrainableModel, dataset: SegDataset, *, images: int, method: Method, reporter: Reporter
) -> None:
    """Find the ranges of a quantised network on some evenly spread images, and record it."""
    chosen = spread_evenly(dataset, images)

    def batches() -> Iterator[npt.NDArray[np.float32]]:
        of_one_size = batches_of_one_size(dataset, chosen, batch_size=_CALIBRATION_BATCH)
        for done, batch in enumerate(of_one_size):
            reporter.check()
            reporter.progress(
                min(done * _CALIBRATION_BATCH, len(chosen)), len(chosen), stage="calibrate"
            )
            yield batch

    calibrate(model.net, batches(), method=method)
    model.quantization = quantization_record(model.net)


def _keep_in_float(
    model: TrainableModel, dataset: SegDataset, images: int, reporter: Reporter
) -> None:
    """Take the layers that suffer most back to float, where the whole suffers much."""

    def progress(done: int, count: int) -> None:
        reporter.check()
        reporter.progress(done, count, stage="quantize")

    looked_at = spread_evenly(dataset, min(images, _COMPARED))
    batches = batches_of_one_size(dataset, looked_at, batch_size=_CALIBRATION_BATCH)
    choice = choose_float_layers(model.net, batches, progress=progress)
    if choice.layers:
        keep_in_float(model.net, choice.layers)
        model.quantization = quantization_record(model.net)
