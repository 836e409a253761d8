"""A model that drafts labels, whichever program runs it.

The engine is imported only for what needs it: an exported file does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.annotation.draft import Prediction
from core.annotation.uncertainty import measure
from core.images.io import image_size
from core.images.palette import Color, default_palette
from core.models.model_folder import exported_file
from core.models.model_verdict import read_specks
from core.portable.cleaning import clean_label_map
from core.prediction.inspection import background_class
from core.prediction.onnx_predictor import OnnxModel
from core.system.errors import InputError
from core.system.reporting import Reporter

_MAX_NUMBERS = 2**28  # of a score map: 1 GiB


@dataclass(frozen=True, slots=True)
class DraftModel:
    """A model folder or an exported file, ready to predict.

    Attributes:
        labels: its class names.
        colors: one for each.
    """

    labels: tuple[str, ...]
    colors: tuple[Color, ...]
    _predict: Callable[[Path], dict[str, Any]]
    _specks: Mapping[str, int] = field(default_factory=dict)

    def predict(self, image: Path) -> Prediction:
        """Predict an image at its own size, without what would be wiped away first.

        That are specks as the model's measurement knows them (``read_specks``).

        Raises:
            InputError: unreadable, or too large to score every class of every pixel.
        """
        width, height = image_size(image)
        if width * height * len(self.labels) > _MAX_NUMBERS:
            raise InputError(
                "{file} has too many pixels ({count} million) to be labelled beforehand; cut it "
                "into tiles.",
                file=image,
                count=width * height // 1_000_000,
            )
        found = self._predict(image)
        label_map = found["label_map"].astype(np.uint8)
        if (background := background_class(self.labels)) is not None:
            least = [self._specks.get(name, 0) for name in self.labels]
            label_map = clean_label_map(label_map, background=background, minimum_area=least)
        confidence, uncertainty = measure(found["score_map"], label_map)
        return Prediction(label_map, confidence, uncertainty, self.labels)


def open_model(model_dir: Path, *, reporter: Reporter | None = None) -> DraftModel:
    """Load a model folder, or an exported ONNX file, which needs no engine.

    Raises:
        InputError: there is no such model, or it does not say how images are prepared.
    """
    file = exported_file(model_dir)
    if file is None:
        return _load_folder(model_dir, reporter)
    exported = OnnxModel(file)
    exported.predictor()  # says what the file lacks
    description = exported.description
    assert description is not None  # or there were no predictor
    colors = description.colors or tuple(default_palette(exported.num_classes))
    return DraftModel(description.labels, colors, exported.predict_image)


def _load_folder(model_dir: Path, reporter: Reporter | None) -> DraftModel:
    from core.seg.loading import load_model

    model = load_model(model_dir, reporter=reporter)
    model.predict([])  # what the model itself lacks is said once, not for each image

    def predict(image: Path) -> dict[str, Any]:
        found = model.predict(image)
        assert isinstance(found, dict)  # one image, one prediction
        return found

    colors = tuple(model.colors or default_palette(model.num_classes))
    return DraftModel(tuple(model.labels), colors, predict, read_specks(model_dir))
