"""Exported models at work: ONNX Runtime on the processor, without paddle."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.models.image_sizes import SIZE_MULTIPLE
from core.portable.manifest import Manifest, ModelInput, manifest_from_dict
from core.portable.runtimes import OnnxRuntime
from core.prediction.complete_predictor import CompletePredictor
from core.prediction.inspection import background_class
from core.prediction.metrics import ConfusionMatrix
from core.prediction.predictor import WINDOW, NetworkPredictor, Predictor, Scores, evaluate
from core.system.devices import usable_cores
from core.system.errors import InputError, portable_errors
from core.system.files import require_room
from core.system.onnx_session import open_session
from core.transforms import transforms_from_list

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.transforms import Compose

#: Key of the file's metadata under which the description lies, as JSON.
METADATA_KEY: Final = "maskwright"
#: The same for ``manifest.json``, without the hashes of files.
MANIFEST_KEY: Final = "maskwright_manifest"
#: Tensors of a complete graph that its network takes and gives.
NETWORK_INPUT: Final = "network_input"
NETWORK_OUTPUT: Final = "network_output"


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
        applies_thresholds: whether the file obeys them by itself.
        flip_test: whether it averages the scores of an image with those of its mirror image.
        size: (width, height) of the network's input, None for any, or where an old file does not
            say it.
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
    flip_test: bool = False
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    #: Height and width, None where they are free.
    size: tuple[int, int] | None


class LogitsOfFile(Protocol):
    """A network in a file."""

    num_classes: int
    #: (width, height) that it takes, None for any.
    size: tuple[int, int] | None

    def logits(self, batch: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) float32, preprocessed → (N, num_classes, H, W) float32."""


class OnnxModel:
    """An ONNX file that ``export_model`` wrote, ready to run.

    Of a complete graph, which takes images as they are, the network inside can be run alone, too.

    Args:
        file: what ``export_model`` wrote.
        threads: how many threads compute one batch; None for as many as there are cores.

    Attributes:
        path: the file.
        description: what the file says of itself; None if another program wrote it.
        manifest: the same as ``manifest.json`` has it, but for the hashes of files.
        num_classes: number of classes.
        size: (width, height) of the network's input, None for any.

    Raises:
        InputError: the file is missing or no such model.
    """

    def __init__(self, file: str | Path, *, threads: int | None = None) -> None:
        self.path = Path(file)
        self._threads = threads or 0
        session = open_session(self.path, threads=self._threads)
        self.manifest = self._read_manifest(session)
        self.size: tuple[int, int] | None = None
        self._whole = self._network = None
        self._input = _Input(NETWORK_INPUT, None)
        if self.manifest is not None and self.manifest.graph == "complete":
            self.num_classes = self.manifest.num_classes
            self.description = self._describe(session)
            self.size = None if self.description is None else self.description.size
            self._whole = session
            return
        self._network = session
        self._input, self.num_classes = self._check(session)
        self.description = self._describe(session)
        if self._input.size is not None:
            self.size = (self._input.size[1], self._input.size[0])
        if self.manifest is None and self.description is not None:
            self.manifest = _old_manifest(self.description, self.size)

    def logits(self, batch: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) float32, preprocessed → (N, num_classes, H, W) float32."""
        if self._network is None:
            self._network = _network_session(self.path, threads=self._threads)
        logits: Scores = self._network.run(None, {self._input.name: batch})[0]
        return logits

    def label_map(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """(N, 3, H, W) float32, preprocessed → class ids (N, H, W)."""
        return np.asarray(self.logits(batch).argmax(axis=1), np.uint8)

    def predictor(self) -> Predictor:
        """Return what predicts images of any size as the file does.

        Raises:
            InputError: the file knows no preprocessing.
        """
        if self.manifest is None or self._whole is None:
            return self.network_predictor()
        threads = self._threads or usable_cores()
        with portable_errors():
            runtime = OnnxRuntime(self.path, self.manifest, threads=threads, session=self._whole)
        return CompletePredictor(self.manifest, runtime)

    def network_predictor(
        self, transforms: Compose | None = None, *, window: tuple[int, int] = WINDOW
    ) -> FilePredictor:
        """Return what prepares images here, and computes the network alone of the file.

        Args:
            transforms: preprocessing; None for the file's own.
            window: (width, height) above which an input is predicted in windows; a file for one
                size has that window.

        Raises:
            InputError: the file knows no preprocessing, and none is given.
        """
        own = self.description
        if transforms is None and (own is None or own.transforms is None):
            raise InputError(
                "{file} does not say how images are prepared for it: export the model again from "
                "its model folder.",
                file=self.path,
            )
        if transforms is None:
            assert own is not None  # or it were refused
            transforms = transforms_from_list(list(own.transforms or ()))
        multiple = 1 if own is None else own.size_multiple
        return FilePredictor(self, transforms, window=window, multiple=multiple)

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
        check_classes(dataset, self.num_classes)
        return evaluate(self.predictor(), dataset, on_step=on_step)

    def _check(self, session: Any) -> tuple[_Input, int]:
        inputs, outputs = session.get_inputs(), session.get_outputs()
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

    def _read_manifest(self, session: Any) -> Manifest | None:
        text = session.get_modelmeta().custom_metadata_map.get(MANIFEST_KEY)
        try:
            return None if text is None else manifest_from_dict(json.loads(text))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._damaged() from error

    def _damaged(self) -> InputError:
        return InputError(
            "{file} is damaged: what it says of its classes cannot be read. Export the model "
            "again.",
            file=self.path,
        )

    def _describe(self, session: Any) -> Description | None:
        text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            return None
        try:
            description = Description.model_validate(json.loads(text))
        except (ValidationError, ValueError, RecursionError) as error:
            raise self._damaged() from error
        if len(description.labels) != self.num_classes:
            raise InputError(
                "{file} contradicts itself: it names {labels} {labels:class|classes} and scores "
                "{classes}.",
                file=self.path,
                labels=len(description.labels),
                classes=self.num_classes,
            )
        return description


def _old_manifest(description: Description, size: tuple[int, int] | None) -> Manifest:
    """Return the manifest of a file from before there were any."""
    width, height = size or (None, None)
    return Manifest(
        format="onnx",
        graph="plain",
        model=description.model,
        precision=description.precision,
        labels=description.labels,
        colors=description.colors,
        background=background_class(description.labels),
        input=ModelInput(
            layout="NCHW", dtype="float32", color_order="RGB", width=width, height=height
        ),
        outputs={"logits": "logits"},
        preprocessing=description.transforms,
        size_multiple=description.size_multiple if size is None else 1,
        tiling=None,
        thresholds=description.thresholds,
        applies_thresholds=description.applies_thresholds,
        flip_test=description.flip_test,
        status="Quantized" if description.precision == "int8" else "Normal",
        float_layers=description.float_layers,
        versions=description.libraries,
    )


def check_classes(dataset: SegDataset, num_classes: int) -> None:
    """Raise ``InputError`` for data with another number of classes than a model scores."""
    if dataset.num_classes != num_classes:
        raise InputError(
            "The data has {data} {data:class|classes} and the model {model}: they must be the "
            "same.",
            data=dataset.num_classes,
            model=num_classes,
        )


class FilePredictor(NetworkPredictor):
    """A network in a file, with its preprocessing.

    Args:
        network: what computes.
        transforms: preprocessing.
        window: (width, height) above which an input is predicted in windows; a network for one
            size has that window.
        multiple: as in ``NetworkPredictor``, where the network takes any size.
    """

    def __init__(
        self,
        network: LogitsOfFile,
        transforms: Compose,
        *,
        window: tuple[int, int] = WINDOW,
        multiple: int,
    ) -> None:
        super().__init__(
            transforms,
            num_classes=network.num_classes,
            window=window,
            multiple=multiple,
            size=network.size,
        )
        self._network = network

    def logits(self, images: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) float32 → (N, num_classes, H, W)."""
        return self._network.logits(images)


def _network_session(file: Path, *, threads: int) -> Any:
    """Open the network inside of a complete graph, as a graph of its own."""
    import onnx
    from onnx.utils import Extractor

    inner = Extractor(onnx.load(file)).extract_model([NETWORK_INPUT], [NETWORK_OUTPUT])
    with tempfile.TemporaryDirectory(prefix="onnx-") as folder:
        content = inner.SerializeToString()
        require_room(folder, len(content))
        alone = Path(folder) / file.name
        alone.write_bytes(content)
        return open_session(alone, threads=threads)
