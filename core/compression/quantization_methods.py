"""Quantisation, under PaddleX's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from core.compression.quantization.calibration import Method, calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.points import quantization_points
from core.compression.quantization.prepare import keep_in_float, quantize, quantizers_of
from core.compression.quantization.ranking import choose_float_layers
from core.compression.rebuilding import quantization_record
from core.compression.trace import trace
from core.seg.segmenter_base import ClassWeights, Color, SegmenterBase, first_image_size
from core.system.errors import InputError
from core.system.reporting import Reporter
from core.training.console_reporter import ConsoleReporter
from core.training.options import TrainOptions, TrainResult

if TYPE_CHECKING:
    from core.datasets import SegDataset

#: Training images that the ranges of quantisation-aware training begin with.
_FIRST_LOOK = 16
_CALIBRATION_BATCH = 4
#: Images that tell which layers suffer from quantisation.
_COMPARED = 2


class QuantizationMethods(SegmenterBase):
    """Part of ``Segmenter``: quantisation after training and in training."""

    def quantize_post_training(
        self,
        dataset: SegDataset,
        *,
        images: int = 64,
        method: Method = "percentile",
        quant_config: Mapping[str, Any] | None = None,
        float_layers: Literal["auto"] | Sequence[str] | None = "auto",
        image_size: tuple[int, int] | None = None,
        save_dir: str | Path | None = None,
        reporter: Reporter | None = None,
        device: str | None = None,
    ) -> None:
        """Quantise the network without training it, from what it computes on some images.

        Args:
            dataset: images, preprocessed as for prediction; masks are not looked at.
            images: how many of them, evenly spread.
            method: how ranges follow from them (``calibrate``).
            quant_config: as in ``quant_aware_train``.
            float_layers: paths of layers that stay in float; None for the head's last; ``"auto"``
                for this one and, where the result differs much from the float network, those
                that suffer most.
            image_size: (width, height) of the images it will be exported for; None for that of
                the first image.
            save_dir: where to save the model; None does not save it.
            reporter: is told of progress and may stop the work.
            device: as in ``train``.

        Raises:
            InputError: the model is quantised already, or the arguments or the data cannot be
                used.
        """
        self._check_classes(dataset)
        if self.quantization is not None:
            raise InputError(
                "The model is quantised already: quantise the model that it was made from."
            )
        config = QuantConfig.parse(quant_config)
        self._use_device(device)
        size = first_image_size(dataset) if image_size is None else (image_size[1], image_size[0])
        reporter = reporter or ConsoleReporter()
        seek = float_layers == "auto"
        self._quantize(config, size, None if isinstance(float_layers, str) else float_layers)
        self._calibrate(dataset, images, method, reporter)
        if seek:
            self._keep_in_float(dataset, images, reporter)
        if save_dir is not None:
            self.save_model(save_dir)

    def quant_aware_train(
        self,
        num_epochs: int,
        train_dataset: SegDataset,
        train_batch_size: int = 2,
        eval_dataset: SegDataset | None = None,
        optimizer: Any | None = None,
        save_interval_epochs: int = 1,
        log_interval_steps: int = 2,
        save_dir: str | Path = "output",
        learning_rate: float = 0.0001,
        lr_decay_power: float = 0.9,
        early_stop: bool = False,
        early_stop_patience: int = 5,
        use_vdl: bool = True,
        quant_config: Mapping[str, Any] | None = None,
        resume_checkpoint: str | Path | None = None,
        *,
        float_layers: Sequence[str] | None = None,
        reporter: Reporter | None = None,
        seed: int | None = None,
        class_weights: ClassWeights = None,
        preview_images: int = 4,
        keep_epochs: int | None = None,
        device: str | None = None,
        colors: Sequence[Color] | None = None,
        dataset_hash: str | None = None,
    ) -> TrainResult:
        """Quantise the network and train it to compute well in 8 bits.

        Batch norms are folded and ranges are measured first, on some training images, unless the
        model is quantised already: then its training goes on. ``save_dir`` gets what ``train``
        writes there.

        Args:
            num_epochs: as in ``train``, like all that is not named here.
            train_dataset: see there.
            train_batch_size: see there.
            eval_dataset: see there.
            optimizer: on what ``net.parameters()`` are once the network is quantised; None for
                ``train``'s own.
            save_interval_epochs: see ``train``.
            log_interval_steps: see there.
            save_dir: see there.
            learning_rate: see there.
            lr_decay_power: see there.
            early_stop: see there.
            early_stop_patience: see there.
            use_vdl: see there.
            quant_config: PaddleX's settings (``QuantConfig``); None for the defaults, or for what
                the model was quantised with.
            resume_checkpoint: model folder of an earlier or interrupted quantisation-aware
                training to continue.
            float_layers: paths of layers that stay in float; None for the head's last.
            reporter: see ``train``.
            seed: see there.
            class_weights: see there.
            preview_images: see there.
            keep_epochs: see there.
            device: see there.
            colors: see there.
            dataset_hash: see there.

        Returns:
            As ``train``.

        Raises:
            InputError: as ``train``, or the model was quantised with another ``quant_config``.
            StopRequested: as ``train``.
        """
        options = TrainOptions(
            num_epochs=num_epochs,
            batch_size=train_batch_size,
            save_interval_epochs=save_interval_epochs,
            log_interval_steps=log_interval_steps,
            save_dir=Path(save_dir),
            learning_rate=learning_rate,
            lr_decay_power=lr_decay_power,
            patience=early_stop_patience if early_stop else None,
            use_vdl=use_vdl,
            seed=seed,
            class_weights=class_weights,
            preview_images=preview_images,
            keep_epochs=keep_epochs,
            dataset_hash=dataset_hash,
        )
        config = None if quant_config is None else QuantConfig.parse(quant_config)
        if self.quantization is not None:
            self._check_same(config, float_layers)

        def start(reporter: Reporter) -> None:
            if self.quantization is None:
                size = first_image_size(train_dataset)
                self._quantize(config or QuantConfig(), size, float_layers)
                self._calibrate(train_dataset, _FIRST_LOOK, "min_max", reporter)

        return self._fit(
            options,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            optimizer=optimizer,
            reporter=reporter,
            resume_checkpoint=resume_checkpoint,
            device=device,
            colors=colors,
            start=start,
        )

    def _quantize(
        self, config: QuantConfig, size: tuple[int, int], float_layers: Sequence[str] | None
    ) -> None:
        # Refuses before the network is changed.
        quantization_points(trace(self.net, size), config, float_layers)
        quantize(self.net, config, size=size, float_layers=float_layers)

    def _calibrate(
        self, dataset: SegDataset, images: int, method: Method, reporter: Reporter
    ) -> None:
        chosen = _spread(dataset, images)

        def batches() -> Iterator[npt.NDArray[np.float32]]:
            for done, batch in enumerate(_same_size(dataset, chosen)):
                reporter.check()
                reporter.progress(
                    min(done * _CALIBRATION_BATCH, len(chosen)), len(chosen), stage="calibrate"
                )
                yield batch

        calibrate(self.net, batches(), method=method)
        self.quantization = quantization_record(self.net)

    def _keep_in_float(self, dataset: SegDataset, images: int, reporter: Reporter) -> None:
        """Take the layers that suffer most back to float, where the whole suffers much."""

        def progress(done: int, count: int) -> None:
            reporter.check()
            reporter.progress(done, count, stage="quantize")

        looked_at = _spread(dataset, min(images, _COMPARED))
        choice = choose_float_layers(self.net, _same_size(dataset, looked_at), progress=progress)
        if choice.layers:
            keep_in_float(self.net, choice.layers)
            self.quantization = quantization_record(self.net)

    def _check_same(self, config: QuantConfig | None, float_layers: Sequence[str] | None) -> None:
        """Refuse to go on with other settings than the network was quantised with."""
        now = quantizers_of(self.net)
        same = config is None or config == now.config
        same &= float_layers is None or set(float_layers) == set(now.float_layers)
        if not same:
            raise InputError(
                "The model is quantised with other settings: quantise the model that it was made "
                "from, or leave quant_config and float_layers out."
            )


def _spread(dataset: SegDataset, count: int) -> npt.NDArray[np.int64]:
    """Return the indices of about so many images, evenly spread over the dataset."""
    return np.unique(np.linspace(0, len(dataset) - 1, count).round().astype(np.int64))


def _same_size(
    dataset: SegDataset, indices: npt.NDArray[np.int64]
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield images (N, 3, H, W) in batches of one size."""
    batch: list[npt.NDArray[np.float32]] = []
    for index in indices.tolist():
        image = dataset.get(index, np.random.default_rng(index))[0]
        if batch and (len(batch) == _CALIBRATION_BATCH or batch[0].shape != image.shape):
            yield np.stack(batch)
            batch = []
        batch.append(image)
    if batch:
        yield np.stack(batch)
