"""What training and compression ask of a model; ``core.seg.segmenter.Segmenter`` is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from core.models.compression_records import PruningRecord, QuantizationRecord
from core.models.model_folder import ModelInfo, Status

if TYPE_CHECKING:
    from core.transforms import Compose

Color = tuple[int, int, int]


class TrainableModel(Protocol):
    """A network with what is known of it.

    Attributes:
        init_params: the arguments that the network is built from, complete.
        net: the ``paddle.nn.Layer``; (N, 3, H, W) float32 → list of (N, num_classes, H, W).
        labels: class names, index = class id.
        colors: one (r, g, b) per class, or None.
        eval_transforms: preprocessing of the evaluation set seen in training, or None.
        test_transforms: preprocessing that predictions use, or None.
        pruning: which channels are gone, or None.
        quantization: how the network computes in 8 bits, or None.
        completed_epochs: how many epochs the weights have been trained for.
        size_multiple: what sides of images may be continued to multiples of; 1 where the network
            was trained at others (``core.models.image_sizes``).
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

    @property
    def model_name(self) -> str:
        """Class name, as in ``model.yml``."""

    @property
    def num_classes(self) -> int:
        """Number of classes, background included."""

    @property
    def head_weights(self) -> tuple[float, ...]:
        """What the loss of each of the network's outputs counts for."""

    @property
    def encoder(self) -> str:
        """How the names of the pretrained encoder's parameters begin; empty: it has none."""

    @property
    def status(self) -> Status:
        """Whether the network is as it was designed, pruned or quantised."""

    def build_net(self) -> Any:
        """Build the network with fresh weights, as it was designed."""

    def take_structure(self, checkpoint: Path) -> None:
        """Make the network the one that a model folder describes, for its weights to be loaded."""

    def describe(self, *, score: float | None = None, dataset_hash: str | None = None) -> ModelInfo:
        """Return what ``model.yml`` says of the model as it is now."""
