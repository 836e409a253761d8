"""What can be done with a segmentation model: predict, prune, quantise, and here train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.models.optimizer_choice import Optimizer
from core.models.trainable import Color
from core.seg.compressible import CompressibleModel
from core.seg.starting_weights import start_from
from core.system.errors import InputError
from core.system.files import as_path
from core.system.reporting import Reporter
from core.training.fit import fit
from core.training.optimizers import optimizer_name
from core.training.precision import Amp
from core.training.sampling import Sampling
from core.training.train_options import (
    DEFAULT_RATE,
    ClassWeights,
    TrainOptions,
    TrainResult,
    stopping_patience,
)

if TYPE_CHECKING:
    from core.datasets import SegDataset


class _Default(str):
    """A default, told apart from the same text where it is given."""

    __slots__ = ()


_PADDLEX_WEIGHTS: Final = _Default("CITYSCAPES")


class Segmenter(CompressibleModel):
    """Base of the networks in ``core.seg``; the catalog says what each class builds."""

    def train(
        self,
        num_epochs: int,
        train_dataset: SegDataset,
        train_batch_size: int = 2,
        eval_dataset: SegDataset | None = None,
        optimizer: Optimizer | Any | None = None,
        save_interval_epochs: int = 1,
        log_interval_steps: int = 2,
        save_dir: str | Path = "output",
        pretrain_weights: str | Path | None = _PADDLEX_WEIGHTS,
        learning_rate: float = 0.01,
        lr_decay_power: float = 0.9,
        early_stop: bool = False,
        early_stop_patience: int = 5,
        use_vdl: bool = True,
        resume_checkpoint: str | Path | None = None,
        *,
        reporter: Reporter | None = None,
        seed: int | None = None,
        class_weights: ClassWeights = None,
        preview_images: int = 4,
        keep_epochs: int | None = None,
        device: str | None = None,
        colors: Sequence[Color] | None = None,
        dataset_hash: str | None = None,
        accumulate_steps: int = 1,
        amp: Amp = "off",
        ema_decay: float | None = None,
        deterministic: bool = False,
        warmup_steps: int = 0,
        warmup_start_lr: float = 0.0,
        sampling: Sampling = "each",
        epoch_images: int | None = None,
        time_limit: float | None = None,
        backbone_lr_multiplier: float | None = None,
    ) -> TrainResult:
        """Train; ``save_dir`` gets ``epoch_N``, ``best_model`` and ``vdl_log``.

        A fresh training never overwrites an older one's model folders in ``save_dir``: they are
        moved to ``save_dir/previous_N``.

        Args:
            num_epochs: epochs in all, those of ``resume_checkpoint`` included.
            train_dataset: training set; its last incomplete batch is dropped in each epoch.
            train_batch_size: images computed at once, all devices together.
            eval_dataset: evaluated every ``save_interval_epochs``; without it there is no best
                model and no early stop.
            optimizer: a ``paddle.optimizer.Optimizer`` on ``net.parameters()``; or ``"momentum"``
                (the default: 0.9, weight decay 4e-5) or ``"adamw"`` (weight decay 1e-3; begin
                with a tenth of momentum's rate), with polynomial decay per step. A checkpoint
                goes on with its own unless another is given. ``ReduceOnPlateau`` follows the
                mIoU of the evaluations.
            save_interval_epochs: epochs between evaluations and saved models.
            log_interval_steps: steps between points of the training curves.
            save_dir: where everything goes.
            pretrain_weights: a ``.pdparams`` file, a model folder, the name of published weights
                (``core.models.pretrained.offered`` lists them; they are downloaded once) or None.
                Left out, it is PaddleX's default, or the catalog's for a network that PaddleX does
                not have. A folder of a compressed model makes the network that one; where a folder
                has other classes, the heads that tell them apart start anew.
            learning_rate: initial learning rate of the default optimizer; a checkpoint goes on
                with its own where this is left at its default and no optimizer is given.
            lr_decay_power: exponent of its decay.
            early_stop: stop when ``early_stop_patience`` evaluations in a row do not beat the
                best mIoU.
            early_stop_patience: see ``early_stop``.
            use_vdl: write VisualDL logs.
            resume_checkpoint: model folder of an earlier or interrupted training to continue;
                needs ``pretrain_weights=None``.
            reporter: is told of progress and may pause or stop the training.
            seed: of data order and augmentation; None draws one, or takes the checkpoint's.
            class_weights: one weight per class for cross entropy, or ``"balanced"``.
            preview_images: how many evaluation images to show predictions of.
            keep_epochs: how many of the newest ``epoch_N`` stay; None keeps all.
            device: ``"auto"``, ``"cpu"``, ``"gpu"`` or ``"gpu:0"``; None keeps the current one.
                In a process that ``paddle.distributed.launch`` started, all such processes train
                together, each on its own device.
            colors: one (r, g, b) per class, kept in the model folder.
            dataset_hash: identifies the data, kept in the model folder.
            accumulate_steps: how many batches' gradients make one step of the optimizer.
            amp: ``"bf16"``, ``"fp16"`` or ``"auto"``: half precision, on GPUs that have it.
            ema_decay: evaluate and save a moving average of the weights, such as 0.999; None
                for the weights themselves.
            deterministic: on a GPU, use reproducible kernels where there are such; on a
                processor training always is.
            warmup_steps: steps in the beginning in which the learning rate rises evenly from
                ``warmup_start_lr`` to ``learning_rate``; it falls over the others.
            warmup_start_lr: see ``warmup_steps``.
            sampling: ``"each"`` shows every image once an epoch; ``"balanced"`` draws half of
                them by class, rare ones as often as frequent ones.
            epoch_images: images an epoch; None for as many as there are.
            time_limit: seconds in all, those of ``resume_checkpoint`` included, after which the
                training ends; ``num_epochs`` are the most it does. The learning rate falls to 0
                by then: the steps that fit are planned anew as their speed shows.
            backbone_lr_multiplier: factor on the learning rate of the encoder, where that starts
                from trained weights and the optimizer is ours; None: 1. A checkpoint goes on with
                its own.

        Returns:
            TrainResult: best model, its metrics, speed.

        Raises:
            InputError: the arguments, the data or the checkpoint cannot be used, or the loss
                became infinite.
            StopRequested: the reporter asked to stop; ``save_dir/interrupted`` continues exactly.
        """
        if isinstance(pretrain_weights, _Default):
            pretrain_weights = self.catalog_entry().default_weights or str(pretrain_weights)
        options = TrainOptions(
            num_epochs=num_epochs,
            batch_size=train_batch_size,
            save_interval_epochs=save_interval_epochs,
            log_interval_steps=log_interval_steps,
            save_dir=as_path(save_dir, name="save_dir"),
            learning_rate=learning_rate,
            keep_rate=optimizer is None and learning_rate == DEFAULT_RATE,
            lr_decay_power=lr_decay_power,
            patience=stopping_patience(early_stop, early_stop_patience),
            use_vdl=use_vdl,
            seed=seed,
            class_weights=class_weights,
            preview_images=preview_images,
            keep_epochs=keep_epochs,
            dataset_hash=dataset_hash,
            warmup_steps=warmup_steps,
            warmup_start_lr=warmup_start_lr,
            sampling=sampling,
            epoch_images=epoch_images,
            time_limit=time_limit,
            accumulate_steps=accumulate_steps,
            amp=amp,
            ema_decay=ema_decay,
            deterministic=deterministic,
            optimizer=optimizer_name(optimizer),
            backbone_lr_multiplier=backbone_lr_multiplier,
        )
        if resume_checkpoint is not None:
            resume_checkpoint = as_path(resume_checkpoint, name="resume_checkpoint")
        if pretrain_weights is not None and not isinstance(pretrain_weights, str):
            pretrain_weights = as_path(pretrain_weights, name="pretrain_weights")
        if backbone_lr_multiplier is not None and not self.encoder:
            raise InputError(
                "{name} has no encoder that is trained before: leave backbone_lr_multiplier out.",
                name=self.model_name,
            )
        if pretrain_weights is None and not self.completed_epochs:  # its weights are random, too
            options = replace(options, backbone_lr_multiplier=None)
        if resume_checkpoint is not None and pretrain_weights is not None:
            raise InputError("To resume a training, set pretrain_weights to None.")
        if self.status != "Normal" and pretrain_weights is not None:
            raise InputError(
                "A compressed model goes on with its own weights: set pretrain_weights to None."
            )

        self.forget_adjustments()

        def load_weights(reporter: Reporter) -> None:
            start_from(self, pretrain_weights, labels=train_dataset.labels, reporter=reporter)

        return fit(
            self,
            options,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            prepare=load_weights,
            optimizer=None if isinstance(optimizer, str) else optimizer,
            reporter=reporter,
            resume_checkpoint=resume_checkpoint,
            device=device,
            colors=colors,
        )
