"""Where a model is wrong: error maps and scores of single images."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.class_names import BACKGROUND_NAMES
from core.images.io import IGNORE_INDEX
from core.prediction.object_errors import ErrorFilter, ImageErrors
from core.system.errors import InputError

LabelMap = npt.NDArray[np.uint8]


class PixelError(IntEnum):
    """What an error map says about one pixel."""

    CORRECT = 0
    MISSED = 1  # false negative: there is something, the model says background
    FALSE = 2  # false positive: there is background, the model says something
    CONFUSED = 3  # one foreground class taken for another
    IGNORED = 4  # no ground truth here


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageScore:
    """How well one image was predicted.

    ``miou`` is the mean IoU (0 … 1) over the classes in its mask or its prediction, ``accuracy``
    the share of right pixels; both None where every pixel is ignored. ``confusions`` counts the
    wrong pixels by (class in the mask, predicted class). ``prediction`` is the label map's file,
    None where it was not kept; ``odds`` that of the odds of every class (``core.prediction.
    kept_odds``). ``objects``, ``score`` and ``defective`` as in ``core.prediction.figures.
    ImageFigures``; ``errors`` the objects that are wrong, None where they were not looked for.
    """

    image: Path
    label: Path
    prediction: Path | None
    pixels: int
    wrong_pixels: int
    miou: float | None
    accuracy: float | None
    confusions: Mapping[tuple[int, int], int]
    odds: Path | None = None
    objects: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    errors: ImageErrors | None = None
    score: float | None = None
    defective: bool | None = None


def error_map(
    label_map: LabelMap,
    label: LabelMap,
    *,
    background: int | None = 0,
    focus: int | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> npt.NDArray[np.uint8]:
    """Compare a prediction with the ground truth, pixel by pixel.

    Args:
        label_map: predicted class ids, (H, W) uint8.
        label: true class ids, (H, W) uint8.
        background: class id that means "nothing here"; None where every class is something, then
            every wrong pixel is ``CONFUSED``.
        focus: look at this class only: ``MISSED`` where it is not found, ``FALSE`` where it is
            claimed, everything else ``CORRECT``.
        ignore_index: label value without ground truth.

    Returns:
        ``PixelError`` values, (H, W) uint8.

    Raises:
        InputError: the two are not the same size.
    """
    _check_size(label_map, label)
    errors = np.full(label.shape, PixelError.CORRECT, np.uint8)
    if focus is not None:
        claimed, there = label_map == focus, label == focus
        errors[there & ~claimed] = PixelError.MISSED
        errors[claimed & ~there] = PixelError.FALSE
    else:
        wrong = label_map != label
        errors[wrong] = PixelError.CONFUSED
        if background is not None:
            errors[wrong & (label_map == background)] = PixelError.MISSED
            errors[wrong & (label == background)] = PixelError.FALSE
    errors[label == ignore_index] = PixelError.IGNORED
    return errors


def background_class(labels: Iterable[str]) -> int | None:
    """Return the id of the class that means "nothing here", told by its name, or None."""
    names = {*BACKGROUND_NAMES, "bg"}
    return next((i for i, name in enumerate(labels) if name.strip().lower() in names), None)


def score_image(
    matrix: npt.NDArray[np.int64], *, image: Path, label: Path, prediction: Path | None
) -> ImageScore:
    """Turn one image's confusion matrix (rows truth) into its scores."""
    pixels, right = int(matrix.sum()), int(np.trace(matrix))
    union = matrix.sum(0) + matrix.sum(1) - np.diag(matrix)
    present = union > 0
    iou = np.diag(matrix)[present] / union[present]
    truth, predicted = np.nonzero(matrix)
    return ImageScore(
        image=image,
        label=label,
        prediction=prediction,
        pixels=pixels,
        wrong_pixels=pixels - right,
        miou=float(iou.mean()) if pixels else None,
        accuracy=right / pixels if pixels else None,
        confusions={
            (int(t), int(p)): int(matrix[t, p])
            for t, p in zip(truth, predicted, strict=True)
            if t != p
        },
    )


def worst_first(scores: Iterable[ImageScore]) -> list[ImageScore]:
    """Sort by mIoU, lowest first; equal ones by wrong pixels, images without truth last."""
    return sorted(
        scores,
        key=lambda score: (
            score.miou is None,
            score.miou if score.miou is not None else 0.0,
            -score.wrong_pixels,
            str(score.image),
        ),
    )


def with_confusion(scores: Iterable[ImageScore], label: int, predicted: int) -> list[ImageScore]:
    """Return the images where ``label`` was taken for ``predicted``, most such pixels first.

    On the matrix's diagonal (``label == predicted``): the images where that class has any error.
    """
    if label == predicted:
        chosen = [(errors_of_class(score, label), score) for score in scores]
    else:
        chosen = [(score.confusions.get((label, predicted), 0), score) for score in scores]
    return [score for count, score in sorted(chosen, key=lambda pair: -pair[0]) if count]


def filter_images(scores: Iterable[ImageScore], wanted: ErrorFilter) -> list[ImageScore]:
    """Return the images that show errors of a kind, most of them first; all where none is named.

    Where objects are looked for, those whose objects were not compared are left out.
    """
    if wanted.is_open:
        return list(scores)
    if wanted.about_objects:
        counted = [(one.errors.count(wanted), one) for one in scores if one.errors is not None]
        return [one for count, one in sorted(counted, key=lambda pair: -pair[0]) if count]
    if wanted.label is None or wanted.predicted is None:
        raise ValueError("pixels are filtered by both classes")
    return with_confusion(scores, wanted.label, wanted.predicted)


def errors_of_class(score: ImageScore, index: int) -> int:
    """Return how many pixels of an image were wrongly given to or taken from a class."""
    return sum(count for pair, count in score.confusions.items() if index in pair)


def _check_size(label_map: LabelMap, label: LabelMap) -> None:
    if label_map.shape != label.shape:
        raise InputError(
            "the prediction is {prediction} {prediction:pixel|pixels} and its mask {mask}; "
            "evaluate again, the images have changed since",
            prediction=f"{label_map.shape[1]}×{label_map.shape[0]}",
            mask=f"{label.shape[1]}×{label.shape[0]}",
        )


def image_count(result: Mapping[str, Any]) -> int:
    """Return how many images an evaluation measured; a number stood there up to version 0.1."""
    images = result["images"]
    return int(images["count"] if isinstance(images, Mapping) else images)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What an evaluation found.

    ``metrics`` as in ``metrics_from_matrix``; ``matrix`` (classes, classes) int64 pixel counts,
    rows truth; ``images`` worst first. ``measured_by``: thresholds that the measurement obeyed,
    None for the highest score; ``thresholds``: others that were tried since, None where the label
    maps that were kept hold.
    """

    split: str
    labels: tuple[str, ...]
    metrics: Mapping[str, Any]
    matrix: npt.NDArray[np.int64]
    images: tuple[ImageScore, ...]
    measured_by: tuple[float | None, ...] | None = None
    thresholds: tuple[float | None, ...] | None = None


def read_evaluation(run_dir: Path) -> Evaluation:
    """Read what an evaluate job left in its run folder.

    Raises:
        InputError: the results are missing or damaged.
    """
    try:
        result = json.loads((run_dir / "metrics.json").read_text(encoding="utf-8"))
        rows = json.loads((run_dir / "per_image.json").read_text(encoding="utf-8"))
        labels = tuple(str(name) for name in result["labels"])
        matrix = np.array(result["confusion_matrix"], np.int64).reshape(len(labels), len(labels))
        images = [_read_score(row, run_dir.resolve()) for row in rows]
        split = str(result["split"])
        measured_by = _read_thresholds(result.get("measured_by"), len(labels))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "The results in {folder} cannot be read; measure the model again.", folder=run_dir
        ) from error
    return Evaluation(
        split=split,
        labels=labels,
        metrics=result,
        matrix=matrix,
        images=tuple(worst_first(images)),
        measured_by=measured_by,
    )


def _read_thresholds(content: Any, classes: int) -> tuple[float | None, ...] | None:
    if content is None:
        return None
    if len(content) != classes:
        raise ValueError("not one threshold for each class")
    return tuple(None if one is None else float(one) for one in content)


def _read_score(row: Mapping[str, Any], run_dir: Path) -> ImageScore:
    return ImageScore(
        image=Path(row["image"]),
        label=Path(row["mask"]),
        prediction=_inside(run_dir, row["prediction"]),
        pixels=int(row["pixels"]),
        wrong_pixels=int(row["wrong_pixels"]),
        miou=None if row["miou"] is None else float(row["miou"]),
        accuracy=None if row["accuracy"] is None else float(row["accuracy"]),
        confusions={(int(t), int(p)): int(count) for t, p, count in row["confusions"]},
        odds=_inside(run_dir, row.get("odds")),
        objects={int(index): (int(n), int(f), int(a)) for index, n, f, a in row.get("objects", ())},
        errors=None if row.get("errors") is None else ImageErrors.from_dict(row["errors"]),
        score=None if row.get("score") is None else float(row["score"]),
        defective=None if row.get("defective") is None else bool(row["defective"]),
    )


def _inside(run_dir: Path, name: str | None) -> Path | None:
    """Return a file of a run folder by what its results call it."""
    if name is None:
        return None
    file = (run_dir / name).resolve()
    if not file.is_relative_to(run_dir):
        raise ValueError("a file outside its run folder")
    return file
