"""What all segmentation networks share: train, evaluate, predict, save and load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.compression.methods import CompressionMethods
from core.data.class_names import compare_class_names
from core.models import weights
from core.prediction import paddle_predictor as inference
from core.seg.segmenter_base import ClassWeights, Color
from core.system.errors import InputError
from core.system.reporting import Reporter
from core.training.options import TrainOptions, TrainResult
from core.training.precision import Amp
from core.training.schedule import OptimizerName, optimizer_name

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.transforms import Compose

Image = str | Path | npt.NDArray[np.uint8]
Prediction = dict[str, npt.NDArray[Any]]


class Segmenter(CompressionMethods):
    """Base of the networks in ``core.seg``; a subclass names its ``network``.

    Its attributes are those of ``SegmenterBase``.
    """

    def train(
        self,
        num_epochs: int,
        train_dataset: SegDataset,
        train_batch_size: int = 2,
        eval_dataset: SegDataset | None = None,
        optimizer: OptimizerName | Any | None = None,
        save_interval_epochs: int = 1,
        log_interval_steps: int = 2,
        save_dir: str | Path = "output",
        pretrain_weights: str | Path | None = "CITYSCAPES",
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
                with a tenth of momentum's rate), with polynomial decay per step.
            save_interval_epochs: epochs between evaluations and saved models.
            log_interval_steps: steps between points of the training curves.
            save_dir: where everything goes.
            pretrain_weights: a ``.pdparams`` file, a model folder, the name of published weights
                (``core.models.pretrained.offered`` lists them; they are downloaded once) or None.
            learning_rate: initial learning rate of the default optimizer.
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

        Returns:
            TrainResult: best model, its metrics, speed.

        Raises:
            InputError: the arguments, the data or the checkpoint cannot be used, or the loss
                became infinite.
            StopRequested: the reporter asked to stop; ``save_dir/interrupted`` continues exactly.
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
            accumulate_steps=accumulate_steps,
            amp=amp,
            ema_decay=ema_decay,
            deterministic=deterministic,
            optimizer=optimizer_name(optimizer),
        )
        if resume_checkpoint is not None and pretrain_weights is not None:
            raise InputError("To resume a training, set pretrain_weights to None.")
        if self.status != "Normal" and pretrain_weights is not None:
            raise InputError(
                "A compressed model goes on with its own weights: set pretrain_weights to None."
            )

        def start(reporter: Reporter) -> None:
            weights.load_pretrained(
                self.net,
                pretrain_weights,
                model_name=self.model_name,
                init_params=self.init_params,
                reporter=reporter,
            )

        return self._fit(
            options,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            optimizer=None if isinstance(optimizer, str) else optimizer,
            reporter=reporter,
            resume_checkpoint=resume_checkpoint,
            device=device,
            colors=colors,
            start=start,
        )

    def evaluate(
        self,
        eval_dataset: SegDataset,
        batch_size: int = 1,
        return_details: bool = False,
        *,
        reporter: Reporter | None = None,
        per_image: bool = False,
        on_image: inference.ImageCallback | None = None,
        device: str | None = None,
        window: tuple[int, int] = inference.WINDOW,
    ) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        """Measure the network on ``eval_dataset``, at each image's original size.

        Scores are resized bilinearly to the original size before the class is chosen, so the
        metrics are those of ``predict``'s label maps. PaddleX chooses first and resizes the label
        map by nearest neighbour, which measures slightly other masks than the user gets.
        Memory does not grow with the number of images.

        Args:
            eval_dataset: images with masks; 255 is ignored.
            batch_size: images of the same size predicted at once; changes speed only.
            return_details: also return the confusion matrix.
            reporter: is told of progress and may stop the work.
            per_image: put one row per image into the details.
            on_image: called as ``on_image(score, label_map)`` after each image.
            device: as in ``train``.
            window: width and height above which a network input is predicted in windows.

        Returns:
            The metrics (``metrics_from_matrix``), or ``(metrics, details)`` if ``return_details``
            or ``per_image``: ``details["confusion_matrix"]`` (rows labels, columns predictions) and
            ``details["per_image"]`` (dicts ``image``, ``miou``, ``confusion``).
        """
        self._check_classes(eval_dataset)
        if (difference := compare_class_names(eval_dataset.labels, self.labels)) is not None:
            (reporter or Reporter()).warn(difference)
        self._use_device(device)
        transforms = eval_dataset.transforms or self.test_transforms
        rows: list[dict[str, Any]] = []

        def collect(score: inference.ImageEvaluation, label_map: npt.NDArray[np.uint8]) -> None:
            if per_image:
                rows.append(
                    {"image": score.image, "miou": score.miou, "confusion": score.confusion}
                )
            if on_image is not None:
                on_image(score, label_map)

        def on_step(done: int, count: int) -> None:
            if reporter is not None:
                reporter.check()
                reporter.progress(done, count, stage="evaluate")

        matrix = inference.evaluate(
            self._predictor(transforms, window=window),
            eval_dataset,
            batch_size=batch_size,
            on_step=on_step,
            on_image=collect if per_image or on_image else None,
        )
        metrics = matrix.metrics()
        if not (return_details or per_image):
            return metrics
        details: dict[str, Any] = {"confusion_matrix": matrix.matrix.tolist()}
        if per_image:
            details["per_image"] = rows
        return metrics, details

    def predict(
        self,
        img_file: Image | Sequence[Image],
        transforms: Compose | None = None,
        *,
        with_scores: bool = True,
        device: str | None = None,
        window: tuple[int, int] = inference.WINDOW,
    ) -> Prediction | list[Prediction]:
        """Predict one image or a list of images, which may differ in size.

        Args:
            img_file: path, or (H, W, 3) uint8 BGR array, or a list of these.
            transforms: preprocessing; None for that of the evaluation set seen in training.
            with_scores: leave ``score_map`` out when False (it is large).
            device: as in ``train``.
            window: width and height above which a network input is predicted in windows.

        Returns:
            For each image ``{"label_map": (H, W) int32, "score_map": (H, W, num_classes)
            float32 probabilities}`` at its original size; a list if a list was given.

        Raises:
            InputError: unreadable image, or no transforms known.
        """
        self._use_device(device)
        predictor = self._predictor(transforms or self.test_transforms, window=window)
        if isinstance(img_file, (str, Path, np.ndarray)):
            return predictor.predict(img_file, with_scores=with_scores)
        return [predictor.predict(image, with_scores=with_scores) for image in img_file]

    def _predictor(
        self, transforms: Compose | None, *, window: tuple[int, int]
    ) -> inference.ImagePredictor:
        if transforms is None:
            raise InputError(
                "The model has no preprocessing of its own because it was trained without an "
                "evaluation set: pass transforms."
            )
        return inference.ImagePredictor(
            self.net, transforms, num_classes=self.num_classes, window=window
        )
