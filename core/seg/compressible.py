"""What makes a segmentation model smaller and faster: prune it, quantise it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from core.compression.pruning import pruner
from core.compression.pruning.pruner import PruneResult
from core.compression.quantization import aware_training, post_training
from core.compression.quantization.calibration import Method
from core.compression.sample_images import first_image_size
from core.compression.sensitivity.analysis import analyze
from core.compression.sensitivity.sensitivity_file import Sensitivities
from core.models.compression_records import check_prunable
from core.models.optimizer_choice import Optimizer
from core.models.trainable import Color
from core.prediction import paddle_predictor as inference
from core.prediction.evaluation import check_batch_size
from core.seg.predicting import PredictingModel
from core.system.files import as_path
from core.system.reporting import Reporter
from core.training.console_reporter import ConsoleReporter
from core.training.data_checks import (
    check_classes,
    fixed_evaluation,
    warn_of_remarks,
)
from core.training.optimizers import optimizer_name
from core.training.sampling import Sampling
from core.training.train_options import (
    ClassWeights,
    TrainOptions,
    TrainResult,
    stopping_patience,
)

if TYPE_CHECKING:
    from core.datasets import SegDataset

#: Learning rate of quantisation-aware training.
_GENTLE_RATE: Final = 0.0001


class CompressibleModel(PredictingModel):
    """A model that is pruned and quantised; ``Segmenter`` adds how it is trained.

    Attributes:
        sensitivities: what ``analyze_sensitivity`` found, for ``prune``; None before.
    """

    sensitivities: Sensitivities | None = None
    #: (width, height) of the images of that analysis.
    _analyzed_size: tuple[int, int] | None = None

    def analyze_sensitivity(
        self,
        dataset: SegDataset,
        batch_size: int = 8,
        criterion: str = "l1_norm",
        save_dir: str | Path = "output",
        *,
        fast: bool = False,
        reporter: Reporter | None = None,
        device: str | None = None,
    ) -> Sensitivities:
        """Measure how much mIoU each group of channels costs at each ratio; ``prune`` uses it.

        ``save_dir/model.sensi.data`` is written after each measurement; an interrupted analysis
        goes on where it was.

        Args:
            dataset: images with masks.
            batch_size: images computed at once.
            criterion: how channels are ranked: ``"l1_norm"`` or ``"fpgm"``.
            save_dir: where the file goes.
            fast: use a part of the images; see ``core.compression.sensitivity.analysis.analyze``.
            reporter: is told of progress and may stop the work.
            device: as in ``train``.

        Raises:
            InputError: the model is compressed already, or the data cannot be used.
            StopRequested: the reporter asked to stop; call again to go on.
        """
        check_prunable(self.pruning, self.quantization)
        check_batch_size(batch_size)
        reporter = reporter or ConsoleReporter()
        if (difference := check_classes(self, dataset)) is not None:
            reporter.warn(difference)
        warn_of_remarks(dataset, reporter)
        dataset = fixed_evaluation(dataset, reporter)
        inference.use_device(self.net, device)
        self.sensitivities = analyze(
            self,
            dataset,
            batch_size=batch_size,
            criterion=criterion,
            save_dir=as_path(save_dir, name="save_dir"),
            fast=fast,
            reporter=reporter,
        )
        if dataset.transforms is not None:
            height, width = first_image_size(dataset)
            self._analyzed_size = (width, height)
        return self.sensitivities

    def prune(
        self,
        pruned_flops: float,
        save_dir: str | Path | None = None,
        *,
        strategy: Literal["auto", "global", "sensitivity"] = "auto",
        criterion: str | None = None,
        sensitivities: str | Path | None = None,
        image_size: tuple[int, int] | None = None,
        reporter: Reporter | None = None,
    ) -> PruneResult:
        """Take channels out of the network until a share of its operations is gone.

        Afterwards train on: ``train(..., pretrain_weights=None)``.

        Args:
            pruned_flops: share of the operations to take away, between 0 and 1.
            save_dir: where to save the pruned model; None does not save it.
            strategy: ``"sensitivity"``: each group loses what a common bound on its measured loss
                allows, as in PaddleX; ``"global"``: the channels with the lowest scores of the
                whole network go; ``"auto"``: the first where there is an analysis, else the
                second.
            criterion: how channels are ranked, ``"l1_norm"`` or ``"fpgm"``; None for that of the
                analysis, or ``"l1_norm"``.
            sensitivities: ``model.sensi.data`` of an analysis of this model, or its folder; None
                for the one made with ``analyze_sensitivity`` before.
            image_size: (width, height) that operations are counted for; None for the size that
                the preprocessing leads to.
            reporter: is warned where the share is missed.

        Raises:
            InputError: the model is compressed already, there is no analysis where one is
                needed, or the arguments cannot be used.
        """
        result = pruner.prune(
            self,
            pruned_flops,
            strategy=strategy,
            criterion=criterion,
            sensitivities=self.sensitivities if sensitivities is None else sensitivities,
            image_size=image_size,
            usual_size=self._analyzed_size,
            reporter=reporter,
        )
        self.sensitivities = self.thresholds = None  # of a network that is no more
        if save_dir is not None:
            self.save_model(save_dir)
        return result

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
        post_training.quantize_post_training(
            self,
            dataset,
            images=images,
            method=method,
            quant_config=quant_config,
            float_layers=float_layers,
            image_size=image_size,
            reporter=reporter,
            device=device,
        )
        self.thresholds = None  # of a network that is no more
        if save_dir is not None:
            self.save_model(save_dir)

    def quant_aware_train(
        self,
        num_epochs: int,
        train_dataset: SegDataset,
        train_batch_size: int = 2,
        eval_dataset: SegDataset | None = None,
        optimizer: Optimizer | Any | None = None,
        save_interval_epochs: int = 1,
        log_interval_steps: int = 2,
        save_dir: str | Path = "output",
        learning_rate: float = _GENTLE_RATE,
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
        warmup_steps: int = 0,
        warmup_start_lr: float = 0.0,
        sampling: Sampling = "each",
        epoch_images: int | None = None,
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
            optimizer: as in ``train``; one on ``net.parameters()`` follows the network as it is
                quantised: what folding and quantisers add joins it.
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
            warmup_steps: see there.
            warmup_start_lr: see there.
            sampling: see there.
            epoch_images: see there.

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
            save_dir=as_path(save_dir, name="save_dir"),
            learning_rate=learning_rate,
            keep_rate=optimizer is None and learning_rate == _GENTLE_RATE,
            lr_decay_power=lr_decay_power,
            patience=stopping_patience(early_stop, early_stop_patience),
            use_vdl=use_vdl,
            seed=seed,
            class_weights=class_weights,
            preview_images=preview_images,
            keep_epochs=keep_epochs,
            dataset_hash=dataset_hash,
            optimizer=optimizer_name(optimizer),
            warmup_steps=warmup_steps,
            warmup_start_lr=warmup_start_lr,
            sampling=sampling,
            epoch_images=epoch_images,
        )
        self.forget_adjustments()
        return aware_training.quant_aware_train(
            self,
            options,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            quant_config=quant_config,
            float_layers=float_layers,
            optimizer=None if isinstance(optimizer, str) else optimizer,
            reporter=reporter,
            resume_checkpoint=resume_checkpoint,
            device=device,
            colors=colors,
        )
