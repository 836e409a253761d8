"""What a segmentation model is: constructor arguments, network, description, training."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from copy import deepcopy
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import paddle

from core.compression.rebuilding import quantization_record, rebuild
from core.models import model_folder, weights
from core.models.compression_records import PruningRecord, QuantizationRecord
from core.prediction import paddle_predictor as inference
from core.system.errors import InputError
from core.system.reporting import Reporter
from core.training import distributed
from core.training.console_reporter import ConsoleReporter
from core.training.loop import TrainingLoop
from core.training.options import TrainOptions, TrainResult

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.transforms import Compose

ClassWeights = Literal["balanced"] | Sequence[float] | None
Color = tuple[int, int, int]


class SegmenterBase:
    """A network with what is known of it; ``Segmenter`` adds what can be done with it.

    Attributes:
        init_params: the constructor's arguments, complete; ``load_model`` rebuilds from them.
        net: the ``paddle.nn.Layer``; (N, 3, H, W) float32 → list of (N, num_classes, H, W).
        labels: class names, known after training or loading.
        colors: one (r, g, b) per class, or None.
        eval_transforms: preprocessing of the evaluation set seen in training, or None.
        test_transforms: preprocessing that ``predict`` uses, or None.
        pruning: which channels are gone, or None.
        quantization: how the network computes in 8 bits, or None.
        completed_epochs: how many epochs the weights have been trained for.
    """

    network: ClassVar[Callable[..., Any]]
    head_weights: ClassVar[tuple[float, ...]] = (1.0,)
    init_params: dict[str, Any]
    net: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
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
        self.pruning: PruningRecord | None = None
        self.quantization: QuantizationRecord | None = None
        self.completed_epochs = 0

    @property
    def status(self) -> model_folder.Status:
        """``"Normal"``, ``"Pruned"`` or ``"Quantized"``."""
        if self.quantization is not None:
            return "Quantized"
        return "Normal" if self.pruning is None else "Pruned"

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
        if self.quantization is not None and self.net is not None:
            self.quantization = quantization_record(self.net)  # training moves the scales
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
            pruning=self.pruning,
            quantization=self.quantization,
        )

    def _fit(
        self,
        options: TrainOptions,
        *,
        train_dataset: SegDataset,
        eval_dataset: SegDataset | None,
        optimizer: Any | None,
        reporter: Reporter | None,
        resume_checkpoint: str | Path | None,
        device: str | None,
        colors: Sequence[Color] | None,
        start: Callable[[Reporter], None],
    ) -> TrainResult:
        """Train; ``start`` gives the network its first weights unless a checkpoint does."""
        self._check_classes(train_dataset)
        if eval_dataset is not None:
            self._check_classes(eval_dataset)
        ranks = distributed.join(device)
        self._use_device(device if ranks.size == 1 else paddle.get_device())
        if not ranks.leads:
            reporter = Reporter()
        reporter = reporter or ConsoleReporter()
        options = options.for_ranks(ranks.size, reporter)
        if resume_checkpoint is not None:
            self._take_structure(Path(resume_checkpoint))
        else:
            ranks.wait_for_leader()  # it may download
            start(reporter)
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

    def _take_structure(self, checkpoint: Path) -> None:
        """Make the network the one whose training is resumed, if that is compressed otherwise."""
        if self.status == "Normal" and not model_folder.is_compressed(checkpoint):
            return  # the usual case, in which nothing but weights is read from the folder
        info = model_folder.read_model_info(checkpoint)
        if (info.pruning, _fixed(info.quantization)) != (self.pruning, _fixed(self.quantization)):
            rebuild(self, info.pruning, info.quantization)

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


def _fixed(record: QuantizationRecord | None) -> QuantizationRecord | None:
    """Return what decides the structure of a quantised network: all but its scales."""
    return None if record is None else record.model_copy(update={"activations": {}})


def first_image_size(dataset: SegDataset) -> tuple[int, int]:
    """Return (height, width) of a dataset's first image as the network gets it."""
    height, width = dataset.get(0, np.random.default_rng(0))[0].shape[1:]
    return height, width
