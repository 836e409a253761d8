"""What a segmentation model is: constructor arguments, network, description, model folder."""

from __future__ import annotations

import inspect
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import paddle

from core.compression import rebuilding
from core.compression.quantization.record import quantization_record
from core.models import model_folder, weights
from core.models.catalog import NETWORKS, Network, find_network
from core.models.compression_records import PruningRecord, QuantizationRecord
from core.models.image_sizes import SIZE_MULTIPLE
from core.models.trainable import Color
from core.system.errors import InputError
from core.training.losses import checked_mixed_loss

if TYPE_CHECKING:
    from core.transforms import Compose


class SegmentationModel:
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
        size_multiple: what sides of images are continued to multiples of before the network sees
            them; 1 where it was trained at others (``core.models.image_sizes``).
        thresholds: how sure it must be of each class where that is asked for
            (``core.prediction.thresholds``), None for the background's; None before they are
            chosen.
        score_offsets: what was added to each class's score when its training ended
            (``core.seg.score_adjustment``), None for nothing.
        flip_test: whether ``predict`` and exported files average the scores of an image with those
            of its mirror image, in twice the time.
    """

    init_params: dict[str, Any]
    net: Any
    labels: list[str]
    colors: list[Color] | None
    eval_transforms: Compose | None
    test_transforms: Compose | None
    pruning: PruningRecord | None
    quantization: QuantizationRecord | None
    completed_epochs: int
    size_multiple: int
    thresholds: list[float | None] | None
    score_offsets: list[float] | None
    flip_test: bool

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Record the constructor's arguments, so that no subclass can forget one."""
        self = super().__new__(cls)
        bound = inspect.signature(cls.__init__).bind(self, *args, **kwargs)
        given = frozenset(bound.arguments)
        bound.apply_defaults()
        self.init_params = cls.checked_params(dict(list(bound.arguments.items())[1:]), given)
        return self

    @classmethod
    def catalog_entry(cls) -> Network:
        """Return what the catalog says of the network; a subclass has its base's."""
        for one in cls.__mro__:
            if one.__name__ in NETWORKS:
                return NETWORKS[one.__name__]
        return find_network(cls.__name__)  # which refuses

    @classmethod
    def checked_params(cls, params: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
        """Return the constructor's arguments in the one form that is kept and built from.

        Args:
            params: all arguments, defaults included.
            given: names of those that were not left at their defaults.

        Raises:
            InputError: a value that the network cannot have.
        """
        if "use_mixed_loss" in params:
            params["use_mixed_loss"] = checked_mixed_loss(params["use_mixed_loss"])
        for option in cls.catalog_entry().options:
            if not isinstance(option.default, bool):  # any value is true or false
                params[option.name] = _choice(option.name, params[option.name], option.values)
        return params

    def __init__(self) -> None:
        self._start_empty()
        self.net = self.build_net()

    @classmethod
    def without_net(cls, **init_params: Any) -> Self:
        """Make the model with its description only: ``net`` is None.

        Raises:
            InputError: a value that the network cannot have.
            TypeError: the constructor has no such argument.
        """
        self = cls.__new__(cls, **init_params)
        self._start_empty()
        return self

    def _start_empty(self) -> None:
        classes = self.init_params["num_classes"]
        whole = isinstance(classes, Integral) and not isinstance(classes, bool)
        if not (whole and 2 <= int(classes) <= 255):
            raise InputError(
                "num_classes is {value}: give a whole number from 2 to 255.", value=repr(classes)
            )
        classes = self.init_params["num_classes"] = int(classes)
        self.net = None
        self.labels = [str(index) for index in range(classes)]
        self.colors = None
        self.eval_transforms = None
        self.test_transforms = None
        self.pruning = None
        self.quantization = None
        self.completed_epochs = 0
        self.size_multiple = SIZE_MULTIPLE
        self.thresholds = None
        self.score_offsets = None
        self.flip_test = False

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
    def head_weights(self) -> tuple[float, ...]:
        """What the loss of each of the network's outputs counts for."""
        return self.catalog_entry().head_weights

    @property
    def encoder(self) -> str:
        """How the names of the pretrained encoder's parameters begin; empty: it has none."""
        return self.catalog_entry().encoder

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
            return self.catalog_entry().layer_class()(**params)

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
            size_multiple=self.size_multiple,
            thresholds=None if self.thresholds is None else tuple(self.thresholds),
            score_offsets=None if self.score_offsets is None else tuple(self.score_offsets),
            flip_test=self.flip_test,
        )

    def forget_adjustments(self) -> None:
        """Take back what was chosen for weights that will now change."""
        self.thresholds = self.score_offsets = None
        self.flip_test = False

    def take_structure(self, checkpoint: Path) -> None:
        """Make the network the one that a model folder describes, if that is compressed otherwise.

        Its weights are still to be loaded.
        """
        rebuilding.take_structure(self, checkpoint)


def _choice(name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    """Return the choice that equals ``value``: 18 for NumPy's 18, too."""
    if isinstance(value, bool) or value not in choices:
        raise InputError(
            "{name} is {value}: choose one of {choices}.",
            name=name,
            value=str(value),
            choices=", ".join(str(choice) for choice in choices),
        )
    return choices[choices.index(value)]
