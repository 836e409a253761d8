"""An exported model with the calls of a trained one, and what there is to know of it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.class_names import compare_class_names
from core.models.model_folder import (
    DESCRIPTION,
    ModelInfo,
    exported_file,
    read_model_info,
)
from core.portable.manifest import manifest_to_dict
from core.prediction.evaluation import Metrics, check_batch_size, measure
from core.prediction.exported_files import open_exported
from core.prediction.figures import FigureRules
from core.prediction.image_arguments import (
    Image,
    Prediction,
    Transforms,
    as_compose,
    predict_images,
)
from core.prediction.onnx_predictor import check_classes
from core.prediction.predictor import ImageCallback, Predictor
from core.prediction.thresholds import Thresholds, resolve_thresholds
from core.system.errors import InputError
from core.system.files import read_yaml
from core.system.reporting import Reporter
from core.transforms import transforms_from_list

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.transforms import Compose

_SOME_SIDE = 64  # of the image that a file of any size is tried with
#: What ``model.yml`` calls what the manifest says.
_BOTH_SAY = {
    "model": "model",
    "labels": "labels",
    "transforms": "preprocessing",
    "precision": "precision",
}


class ExportedModel:
    """An exported file that predicts and is evaluated as the model it was made from.

    It computes on the processor, without paddle.

    Args:
        file: as ``core.models.model_folder.exported_file`` names it.
        threads: that compute; None for as many as there are cores.

    Attributes:
        info: what it says of itself, as a model folder does.

    Raises:
        InputError: there is no such file, it is damaged, or does not say how images are prepared.
    """

    def __init__(self, file: str | Path, *, threads: int | None = None) -> None:
        self._exported = open_exported(file, threads=threads)
        manifest = self._exported.manifest
        self._predictor = self._exported.predictor
        self.info = ModelInfo(
            name=manifest.model,
            init_params={"num_classes": manifest.num_classes},
            labels=manifest.labels,
            colors=manifest.colors,
            transforms=manifest.preprocessing,
            status="Quantized" if manifest.status == "Quantized" else "Normal",
            dataset_hash=manifest.revision,
            libraries=manifest.versions,
            size_multiple=manifest.size_multiple,
            thresholds=manifest.thresholds,
        )

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"an exported model predicts and is evaluated; for {name!r} load the model folder that "
            "it was exported from"
        )

    @property
    def model_name(self) -> str:
        """Class name of the network."""
        return self.info.name

    @property
    def labels(self) -> list[str]:
        """Class names."""
        return list(self.info.labels)

    @property
    def colors(self) -> list[tuple[int, int, int]] | None:
        """One (r, g, b) a class, or None."""
        return None if self.info.colors is None else list(self.info.colors)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.info.num_classes

    @property
    def thresholds(self) -> list[float | None] | None:
        """How sure the model must be of each class where that is asked for, or None."""
        return None if self.info.thresholds is None else list(self.info.thresholds)

    @property
    def precision(self) -> str:
        """``"float32"`` or ``"int8"``: what the file computes in."""
        return self._exported.manifest.precision

    @property
    def input_size(self) -> tuple[int, int] | None:
        """(width, height) of the network's input, None for any."""
        return self._exported.size

    @property
    def test_transforms(self) -> Compose:
        """Preprocessing that ``predict`` uses."""
        return transforms_from_list([dict(item) for item in self.info.transforms or ()])

    def predict(
        self,
        img_file: Image | Iterable[Image],
        transforms: Transforms | None = None,
        *,
        with_scores: bool = True,
        thresholds: Thresholds = False,
    ) -> Prediction | list[Prediction]:
        """Predict one image or a list of images, as ``Segmenter.predict`` does.

        Args:
            img_file: as there.
            transforms: preprocessing; None for the file's own.
            with_scores: as there.
            thresholds: as there; a file that was exported with them always chooses by them.

        Raises:
            InputError: as there.
        """
        own = self._predictor
        if transforms is not None:
            own = self._exported.prepared_by(as_compose(transforms))
        predictor = self._with_thresholds(own, thresholds)
        return predict_images(partial(predictor.predict, with_scores=with_scores), img_file)

    def evaluate(
        self,
        eval_dataset: SegDataset,
        batch_size: int = 1,
        return_details: bool = False,
        *,
        reporter: Reporter | None = None,
        per_image: bool = False,
        on_image: ImageCallback | None = None,
        rules: FigureRules | None = None,
        thresholds: Thresholds = False,
        every_class: bool = False,
    ) -> Metrics | tuple[Metrics, dict[str, Any]]:
        """Measure the file, as ``Segmenter.evaluate`` does, with the file's own preprocessing.

        Raises:
            InputError: the data has other classes, or cannot be read.
        """
        check_batch_size(batch_size)
        check_classes(eval_dataset, self.num_classes)
        if (difference := compare_class_names(eval_dataset.labels, self.labels)) is not None:
            (reporter or Reporter()).warn(difference)
        return measure(
            self._with_thresholds(self._predictor, thresholds),
            eval_dataset,
            batch_size=batch_size,
            return_details=return_details,
            reporter=reporter,
            per_image=per_image,
            on_image=on_image,
            rules=rules,
            every_class=every_class,
        )

    def _with_thresholds(self, own: Predictor, thresholds: Thresholds) -> Predictor:
        predictor = copy.copy(own)
        if not (thresholds is True and self._exported.manifest.applies_thresholds):
            predictor.set_thresholds(resolve_thresholds(thresholds, self.info.thresholds))
        return predictor

    def check(self) -> None:
        """Compute one image, and compare the file with the ``model.yml`` beside it.

        Raises:
            InputError: it cannot compute, computes no numbers, or is not the one described.
        """
        file, size = self._exported.file, self._exported.size or (_SOME_SIDE, _SOME_SIDE)
        image = np.zeros((size[1], size[0], 3), np.uint8)
        try:
            scores = self._predictor.predict(image)["score_map"]
        except InputError:
            raise
        except Exception as error:  # the runtime's own kinds, which have no common base
            raise InputError(
                "{file} cannot compute an image of {width}×{height} pixels: {reason}.",
                file=file,
                width=size[0],
                height=size[1],
                reason=str(error).splitlines()[0] if str(error) else type(error).__name__,
            ) from error
        if scores.shape != (size[1], size[0], self.num_classes) or not np.isfinite(scores).all():
            raise InputError(
                "{file} is damaged: what it computes of an even image are no scores.", file=file
            )
        beside = file.parent / DESCRIPTION
        if not beside.is_file():
            return
        written = read_yaml(beside)
        manifest = manifest_to_dict(self._exported.manifest)
        differing = [
            name
            for name, own in _BOTH_SAY.items()
            if not isinstance(written, dict) or written.get(name) != manifest[own]
        ]
        if differing:
            raise InputError(
                "{file} and {description} differ in {names}: they are not of one export. Export "
                "the model again.",
                file=file,
                description=beside,
                names=", ".join(differing),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSummary:
    """What an exported model is.

    Attributes:
        file: what a runtime opens.
        model: name of the network's class.
        labels: class names.
        precision: ``"float32"`` or ``"int8"``.
        size: (width, height) of the network's input, None for any.
        size_bytes: of the file.
    """

    file: Path
    model: str
    labels: tuple[str, ...]
    precision: str
    size: tuple[int, int] | None
    size_bytes: int


def inspect_export(file: Path) -> ExportSummary:
    """Look whether an exported file is intact, and say what it is.

    Raises:
        InputError: it is not; see ``ExportedModel`` and ``ExportedModel.check``.
    """
    model = ExportedModel(file)
    model.check()
    return ExportSummary(
        file=file,
        model=model.info.name,
        labels=model.info.labels,
        precision=model.precision,
        size=model.input_size,
        size_bytes=file.stat().st_size,
    )


def read_any_info(model_dir: Path) -> ModelInfo:
    """Describe a model folder, or an exported file as if it were one.

    Raises:
        InputError: as ``read_model_info``, or as ``ExportedModel``.
    """
    file = exported_file(model_dir)
    return read_model_info(model_dir) if file is None else ExportedModel(file).info
