"""What all segmentation networks share: train, evaluate, predict, save and load."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from copy import deepcopy
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import paddle

from core import inference, model_folder
from core.class_names import compare_class_names
from core.errors import InputError
from core.training import distributed, weights
from core.training.loop import TrainingLoop
from core.training.options import TrainOptions, TrainResult
from core.training.precision import Amp
from core.training.reporter import Reporter

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.transforms import Compose

Image = str | Path | npt.NDArray[np.uint8]
Prediction = dict[str, npt.NDArray[Any]]
ClassWeights = Literal["balanced"] | Sequence[float] | None


class Segmenter:
    """Base of the networks in ``core.seg``; a subclass names its ``network``.

    Attributes:
        init_params: the constructor's arguments, complete; ``load_model`` rebuilds from them.
        net: the ``paddle.nn.Layer``; (N, 3, H, W) float32 → list of (N, num_classes, H, W).
        labels: class names, known after training or loading.
        colors: one (r, g, b) per class, or None.
        eval_transforms: preprocessing of the evaluation set seen in training, or None.
        test_transforms: preprocessing that ``predict`` uses, or None.
        status: ``"Normal"``: the network as its class builds it.
        completed_epochs: how many epochs the weights have been trained for.
    """

    network: ClassVar[Callable[..., Any]]
    head_weights: ClassVar[tuple[float, ...]] = (1.0,)
    init_params: dict[str, Any]
    net: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Segmenter:
        """Record the constructor's arguments, so that no subclass can forget one."""
        self = super().__new__(cls)
        bound = inspect.signature(cls.__init__).bind(self, *args, **kwargs)
        given = frozenset(bound.arguments)
        bound.apply_defaults()
        self.init_params = cls.checked_params(dict(list(bound.arguments.items())[1:]), given)
        return self

    @classmethod
    def checked_params(cls, params: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
        """Return the constructor's arguments in the one form that is kept and built from.

        Args:
            params: all arguments, defaults included.
            given: names of those that were not left at their defaults.

        Raises:
            InputError: a value that the network cannot have.
        """
        return params

    def __init__(self) -> None:
        self._set_up()
        self.net = self.build_net()

    def _set_up(self) -> None:
        classes = self.init_params["num_classes"]
        whole = isinstance(classes, Integral) and not isinstance(classes, bool)
        if not (whole and 2 <= int(classes) <= 255):
            raise InputError(
                "num_classes is {value}: give a whole number from 2 to 255.", value=repr(classes)
            )
        classes = self.init_params["num_classes"] = int(classes)
        self.net = None
        self.labels: list[str] = [str(index) for index in range(classes)]
        self.colors: list[tuple[int, int, int]] | None = None
        self.eval_transforms: Compose | None = None
        self.test_transforms: Compose | None = None
        self.status = "Normal"
        self.completed_epochs = 0

    @property
    def model_name(self) -> str:
        """Class name, as in ``model.yml``."""
        return type(self).__name__

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return int(self.init_params["num_classes"])

    def build_net(self) -> Any:
        """Build the network with fresh weights.

        Parameter names start from zero whatever the process has built before.
        """
        params = {k: v for k, v in self.init_params.items() if k != "use_mixed_loss"}
        with paddle.utils.unique_name.guard():
            return type(self).network(**params)

    def train(
        self,
        num_epochs: int,
        train_dataset: SegDataset,
        train_batch_size: int = 2,
        eval_dataset: SegDataset | None = None,
        optimizer: Any | None = None,
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
        colors: Sequence[tuple[int, int, int]] | None = None,
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
            optimizer: a ``paddle.optimizer.Optimizer`` on ``net.parameters()``; None for momentum
                0.9, weight decay 4e-5, polynomial decay per step.
            save_interval_epochs: epochs between evaluations and saved models.
            log_interval_steps: steps between points of the training curves.
            save_dir: where everything goes.
            pretrain_weights: a ``.pdparams`` file, a model folder, the name of published weights
                (``core.pretrained.offered`` lists them; they are downloaded once) or None.
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
        )
        self._check_classes(train_dataset)
        if eval_dataset is not None:
            self._check_classes(eval_dataset)
        if resume_checkpoint is not None and pretrain_weights is not None:
            raise InputError("To resume a training, set pretrain_weights to None.")
        ranks = distributed.join(device)
        self._use_device(device if ranks.size == 1 else paddle.get_device())
        reporter = reporter if reporter is not None and ranks.leads else Reporter()
        options = options.for_ranks(ranks.size, reporter)
        if resume_checkpoint is None:
            ranks.wait_for_leader()  # it may download
            weights.load_pretrained(
                self.net,
                pretrain_weights,
                model_name=self.model_name,
                init_params=self.init_params,
                reporter=reporter,
            )
            ranks.let_others_go()
        self.labels = list(train_dataset.labels)
        if colors is not None:
            self.colors = [(int(r), int(g), int(b)) for r, g, b in colors]
        if eval_dataset is not None:
            self.eval_transforms = deepcopy(eval_dataset.transforms)
            self.test_transforms = deepcopy(eval_dataset.transforms)
        with options.engine_flags(), ranks.synchronized_batch_norm(self.net):
            loop = TrainingLoop(
                self,
                options,
                train_dataset=train_dataset,
                eval_dataset=eval_dataset,
                optimizer=optimizer,
                reporter=reporter,
                resume_from=None if resume_checkpoint is None else Path(resume_checkpoint),
                ranks=ranks,
            )
            return loop.run()

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
            The metrics (``core.metrics``), or ``(metrics, details)`` when ``return_details`` or
            ``per_image``: ``details["confusion_matrix"]`` (rows labels, columns predictions) and
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

    def save_model(self, save_dir: str | Path, *, dataset_hash: str | None = None) -> Path:
        """Write a model folder (weights and description) that ``load_model`` reads."""
        folder = Path(save_dir)
        with model_folder.write(folder, self.describe(dataset_hash=dataset_hash)) as temporary:
            weights.write_state_dict(temporary / model_folder.WEIGHTS, self.net)
        return folder

    def describe(
        self, *, score: float | None = None, dataset_hash: str | None = None
    ) -> model_folder.ModelInfo:
        """Return what ``model.yml`` says of the model as it is now."""
        transforms = self.test_transforms
        return model_folder.ModelInfo(
            name=self.model_name,
            init_params=dict(self.init_params),
            labels=tuple(self.labels),
            colors=None if self.colors is None else tuple(self.colors),
            transforms=None if transforms is None else tuple(transforms.to_list()),
            status=self.status,
            completed_epochs=self.completed_epochs,
            score=score,
            dataset_hash=dataset_hash,
        )

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

    def _use_device(self, device: str | None) -> None:
        """Compute on ``device``, and move the weights there; None leaves all as it is."""
        if device is not None:
            self.net.to(device=inference.select_device(device))

    def _check_classes(self, dataset: SegDataset) -> None:
        if dataset.num_classes != self.num_classes:
            raise InputError(
                "The data has {data} classes and the model {model}: they must be the same.",
                data=dataset.num_classes,
                model=self.num_classes,
            )
