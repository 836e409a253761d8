"""Labelling images beforehand with a model. Imported in worker processes only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.annotation.draft import (
    DRAFTS_DIR,
    DraftRecord,
    Prediction,
    append_record,
    confidence_file,
    drop_torn_line,
    mask_file,
    read_records,
    write_labels,
)
from core.annotation.uncertainty import measure
from core.images.io import image_size, write_image, write_mask
from core.images.palette import Color, default_palette
from core.prediction.onnx_predictor import OnnxModel
from core.project.draft_models import exported_file
from core.runs.run_folder import RunFolder
from core.runs.spec import PrelabelSpec
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

    def predict(self, image: Path) -> Prediction:
        """Predict an image at its own size.

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
    return DraftModel(tuple(model.labels), colors, predict)


def prelabel(spec: PrelabelSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Predict every image; goes on behind the last one that an interrupted run finished.

    The run folder gets what ``core.annotation.draft`` describes. An image that cannot be predicted
    is noted there with the reason and the others go on.
    """
    started = time.monotonic()
    if spec.image_ids and len(spec.image_ids) != len(spec.images):
        raise InputError(
            "The job has {images} images and {ids} ids for them: give one for each, or none.",
            images=len(spec.images),
            ids=len(spec.image_ids),
        )
    model = open_model(spec.model_dir, reporter=reporter)
    drop_torn_line(folder.path)
    known = {record.index: record for record in read_records(folder.path)}
    (folder.path / DRAFTS_DIR).mkdir(exist_ok=True)
    write_labels(folder.path, model.labels)
    total, done, before = len(spec.images), len(known), len(known)
    for index, image in enumerate(spec.images):
        if index in known:
            continue
        reporter.check()
        seconds = time.monotonic() - started
        eta = None if done == before else seconds / (done - before) * (total - done)
        reporter.progress(done, total, stage="predict", eta_s=eta)
        image_id = spec.image_ids[index] if spec.image_ids else None
        record = _label(model, folder.path, DraftRecord(index, str(image), image_id), reporter)
        append_record(folder.path, record)
        known[index] = record
        done += 1
    reporter.progress(total, total, stage="predict", eta_s=0.0)
    failed = [one for one in known.values() if one.problem]
    seconds = time.monotonic() - started
    return {
        "model_dir": str(spec.model_dir),
        "labels": list(model.labels),
        "images": total - len(failed),
        "failed": [{"image": one.image, "problem": one.problem} for one in failed],
        "seconds": seconds,
        "images_per_second": (done - before) / seconds,
    }


def _label(
    model: DraftModel, run_dir: Path, record: DraftRecord, reporter: Reporter
) -> DraftRecord:
    image = Path(record.image)
    try:
        prediction = model.predict(image)
    except InputError as error:
        reporter.warn(error.message)
        return DraftRecord(record.index, record.image, record.image_id, problem=str(error))
    mask = mask_file(run_dir, record.index)
    write_mask(mask, prediction.label_map, palette=model.colors)
    write_image(confidence_file(run_dir, record.index), prediction.confidence)
    return DraftRecord(
        record.index,
        record.image,
        record.image_id,
        round(prediction.uncertainty.entropy, 6),
        round(prediction.uncertainty.margin, 6),
    )
