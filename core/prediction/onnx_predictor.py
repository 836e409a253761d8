"""Exported models at work: ONNX Runtime on the processor, without paddle."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.models.image_sizes import SIZE_MULTIPLE
from core.portable.manifest import Manifest
from core.prediction.metrics import ConfusionMatrix
from core.prediction.predictor import WINDOW, Predictor, Scores, evaluate
from core.system.errors import InputError
from core.system.onnx_session import open_session
from core.transforms import transforms_from_list

if TYPE_CHECKING:
    from core.datasets import SegDataset

#: Key of the file's metadata under which the description lies, as JSON.
METADATA_KEY: Final = "maskwright"


class Description(BaseModel):
    """What an exported file says of itself.

    Attributes:
        model: name of the network's class.
        labels: class names, index = class id.
        colors: (r, g, b) of each class, or None.
        transforms: preprocessing as ``[{name: parameters}, …]``, or None if there is none known.
        precision: ``"float32"`` or ``"int8"``.
        float_layers: paths of the layers that an int8 file computes in float.
        libraries: versions that wrote the file.
        size_multiple: what sides of images are continued to multiples of, where the file takes any
            size (``core.models.image_sizes``).
        thresholds: how sure the model must be of each class where that is asked for, or None.
        applies_thresholds: whether the file adds them to its scores itself.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str = Field(max_length=100)
    labels: tuple[str, ...] = Field(min_length=2, max_length=255)
    colors: tuple[tuple[int, int, int], ...] | None = None
    transforms: tuple[dict[str, dict[str, Any]], ...] | None = None
    precision: str = Field(max_length=20)
    float_layers: tuple[str, ...] = ()
    libraries: dict[str, str] = Field(default_factory=dict)
    size_multiple: int = Field(1, ge=1, le=SIZE_MULTIPLE)
    thresholds: tuple[Annotated[float, Field(gt=0, lt=1)] | None, ...] | None = None
    applies_thresholds: bool = False

    @classmethod
    def of_manifest(cls, manifest: Manifest) -> Description:
        """Return what the manifest of an export says."""
        return cls(
            model=manifest.model,
            labels=manifest.labels,
            colors=manifest.colors,
            transforms=None
            if manifest.preprocessing is None
            else tuple(_dicts(item) for item in manifest.preprocessing),
            precision=manifest.precision,
            float_layers=manifest.float_layers,
            libraries=dict(manifest.versions),
            size_multiple=manifest.size_multiple,
            thresholds=manifest.thresholds,
            applies_thresholds=manifest.applies_thresholds,
        )


def _dicts(item: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: dict(parameters) for name, parameters in item.items()}


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    #: Height and width, None where they are free.
    size: tuple[int, int] | None


class NetworkFile(ABC):
    """An exported network (N, 3, H, W) float32 → logits (N, num_classes, H, W), ready to run.

    Attributes:
        path: the file.
        description: what the file says of itself; None if another program wrote it.
        num_classes: number of classes.
        size: (width, height) of the images it takes, None for any.
    """

    path: Path
    description: Description | None
    num_classes: int
    size: tuple[int, int] | None

    @abstractmethod
    def logits(self, batch: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) float32, preprocessed → (N, num_classes, H, W) float32."""

    def label_map(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """(N, 3, H, W) float32, preprocessed → class ids (N, H, W)."""
        return np.asarray(self.logits(batch).argmax(axis=1), np.uint8)

    def predictor(self, *, window: tuple[int, int] = WINDOW) -> FilePredictor:
        """Return what predicts images of any size with the file's own preprocessing.

        Args:
            window: (width, height) above which an input is predicted in windows; a file for one
                size has that window.

        Raises:
            InputError: the file knows no preprocessing.
        """
        if self.description is None or self.description.transforms is None:
            raise InputError(
                "{file} does not say how images are prepared for it: export the model again from "
                "its model folder.",
                file=self.path,
            )
        return FilePredictor(
            self,
            self.description.transforms,
            window=self.size or window,
            multiple=self.description.size_multiple if self.size is None else 1,
        )

    def predict_image(
        self, image: str | Path | npt.NDArray[np.uint8], *, with_scores: bool = True
    ) -> dict[str, npt.NDArray[Any]]:
        """Predict one image at its own size, as ``Segmenter.predict`` does.

        Args:
            image: path, or (H, W, 3) uint8 BGR.
            with_scores: leave ``score_map`` out when False.

        Returns:
            ``{"label_map": (H, W) int32, "score_map": (H, W, num_classes) float32}``.
        """
        return self.predictor().predict(image, with_scores=with_scores)

    def evaluate(
        self, dataset: SegDataset, *, on_step: Callable[[int, int], None] | None = None
    ) -> ConfusionMatrix:
        """Count the file's predictions against masks, at the images' own sizes.

        Args:
            dataset: images and masks; its transforms are not used, the file's are.
            on_step: called as ``on_step(images done, images)``; may raise to stop.
        """
        self.check_classes(dataset)
        return evaluate(self.predictor(), dataset, on_step=on_step)

    def check_classes(self, dataset: SegDataset) -> None:
        """Raise ``InputError`` for data with another number of classes than the file scores."""
        if dataset.num_classes != self.num_classes:
            raise InputError(
                "The data has {data} classes and the model {model}: they must be the same.",
                data=dataset.num_classes,
                model=self.num_classes,
            )


class OnnxModel(NetworkFile):
    """An ONNX file (N, 3, H, W) float32 → logits (N, num_classes, H, W), ready to run.

    Args:
        file: what ``export_model`` wrote.
        threads: how many threads compute one batch; None for as many as there are cores.

    Raises:
        InputError: the file is missing or no such model.
    """

    def __init__(self, file: str | Path, *, threads: int | None = None) -> None:
        self.path = Path(file)
        self._session = open_session(self.path, threads=threads or 0)
        self._input, self.num_classes = self._check()
        size = self._input.size
        self.size = None if size is None else (size[1], size[0])
        self.description = self._describe()

    def logits(self, batch: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) float32, preprocessed → (N, num_classes, H, W) float32."""
        logits: Scores = self._session.run(None, {self._input.name: batch})[0]
        return logits

    def _check(self) -> tuple[_Input, int]:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if (
            len(inputs) == len(outputs) == 1
            and len(inputs[0].shape) == len(outputs[0].shape) == 4
            and inputs[0].shape[1] == 3
            and inputs[0].type == "tensor(float)"
            and isinstance(outputs[0].shape[1], int)
        ):
            height, width = inputs[0].shape[2:]
            fixed = isinstance(height, int) and isinstance(width, int)
            return _Input(inputs[0].name, (height, width) if fixed else None), outputs[0].shape[1]
        raise InputError(
            "{file} is no segmentation model that takes one batch of RGB images and returns one "
            "score for each class and pixel.",
            file=self.path,
        )

    def _describe(self) -> Description | None:
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            return None
        try:
            description = Description.model_validate(json.loads(text))
        except (ValidationError, ValueError, RecursionError) as error:
            raise InputError(
                "{file} is damaged: what it says of its classes cannot be read. Export the model "
                "again.",
                file=self.path,
            ) from error
        if len(description.labels) != self.num_classes:
            raise InputError(
                "{file} contradicts itself: it names {labels} classes and scores {classes}.",
                file=self.path,
                labels=len(description.labels),
                classes=self.num_classes,
            )
        return description


class FilePredictor(Predictor):
    """A ``NetworkFile`` with its preprocessing."""

    def __init__(
        self,
        model: NetworkFile,
        transforms: Sequence[dict[str, dict[str, Any]]],
        *,
        window: tuple[int, int],
        multiple: int,
    ) -> None:
        super().__init__(
            transforms_from_list(list(transforms)),
            num_classes=model.num_classes,
            window=window,
            multiple=multiple,
        )
        self._model = model

    def logits(self, images: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) float32 → (N, num_classes, H, W).

        A file for one size gets smaller images with zeros, the average colour, to their right and
        below; what it says of these is cut off again.
        """
        if self._model.size is None:
            return self._model.logits(images)
        height, width = images.shape[2:]
        right, below = self._model.size[0] - width, self._model.size[1] - height
        if right or below:
            images = np.pad(images, ((0, 0), (0, 0), (0, below), (0, right)))
        return self._model.logits(images)[:, :, :height, :width]
