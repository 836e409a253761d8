"""From scores or a label map to a judgement: cleaned, measured, decided."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from .cleaning import clean_label_map
from .deciding import Outcome, Reason, decide
from .objects import FoundObject, LabelMap, Scores, find_objects
from .settings import Settings

#: Columns of the rows that ``image_row`` and ``object_rows`` give.
IMAGE_COLUMNS: Final = (
    "image",
    "outcome",
    "reasons",
    "objects",
    "lowest_score",
    "seconds",
    "error",
)
OBJECT_COLUMNS: Final = (
    *("image", "number", "class", "name", "area_px", "length_px", "width_px"),
    *("area_mm2", "length_mm", "width_mm", "center_x", "center_y"),
    *("x0", "y0", "x1", "y1", "angle", "score", "score_max"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is said about one image.

    Attributes:
        label_map: (H, W) uint8 class ids, cleaned.
        objects: of every class but the background.
        outcome: ``accept``, ``warn``, ``inconclusive`` or ``reject``.
        reasons: why it is not accepted.
        scores_summary: ``mean_confidence`` (mean over the image of the highest probability),
            ``lowest_object_score``, and ``object_score`` by class name (lowest one of its
            objects); empty where no scores were computed.
        seconds: that it took, as far as who judges measures them: ``read``, ``network``,
            ``decide`` …
    """

    label_map: LabelMap
    objects: tuple[FoundObject, ...]
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    scores_summary: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON's types, without the label map."""
        height, width = self.label_map.shape
        return {
            "outcome": self.outcome,
            "reasons": [
                {"text": str(one), "outcome": one.outcome, "rule": one.rule} for one in self.reasons
            ],
            "objects": [one.to_dict() for one in self.objects],
            "width": width,
            "height": height,
            "scores": self.scores_summary,
            "seconds": {name: round(value, 6) for name, value in self.seconds.items()},
        }


def judge_scores(
    scores: Scores,
    settings: Settings,
    *,
    labels: Sequence[str],
    background: int | None,
    label_map: LabelMap | None = None,
) -> Judgement:
    """Judge an image by the probabilities of its pixels.

    Args:
        scores: (H, W, num_classes) float32, summing up to 1.
        settings: what decides.
        labels: class names.
        background: class id that means "nothing here", or None.
        label_map: (H, W) uint8, chosen by thresholds; None: the likeliest class.

    Raises:
        PortableError: a setting does not fit the image.
    """
    if label_map is None:
        label_map = np.argmax(scores, axis=2).astype(np.uint8)
    return judge_label_map(label_map, settings, labels=labels, background=background, scores=scores)


def judge_label_map(
    label_map: LabelMap,
    settings: Settings,
    *,
    labels: Sequence[str],
    background: int | None,
    scores: Scores | None = None,
) -> Judgement:
    """Judge an image by its label map.

    Args:
        label_map: (H, W) uint8 class ids.
        settings: what decides.
        labels: class names.
        background: class id that means "nothing here", or None.
        scores: probabilities as ``find_objects`` takes them; None: objects have no scores.

    Raises:
        PortableError: a setting does not fit the image.
    """
    start = time.perf_counter()
    settings.check()
    included = settings.area.included(label_map.shape)
    clean = clean_label_map(
        label_map,
        background=background,
        included=included,
        fill_holes=settings.areas_px(settings.fill_holes, labels),
        minimum_area=settings.areas_px(settings.minimum_area, labels),
    )
    objects = find_objects(
        clean,
        scores,
        labels=labels,
        background=background,
        pixel_size_mm=settings.pixel_size_mm,
        predicted=label_map,
    )
    decision = decide(
        objects,
        settings.rules,
        inspected_px=clean.size if included is None else int(included.sum()),
        has_background=background is not None,
        pixel_size_mm=settings.pixel_size_mm,
        inconclusive_below=settings.inconclusive_below,
    )
    return Judgement(
        label_map=clean,
        objects=tuple(objects),
        outcome=decision.outcome,
        reasons=decision.reasons,
        scores_summary={} if scores is None else _summary(scores, objects),
        seconds={"decide": time.perf_counter() - start},
    )


def _summary(scores: Scores, objects: Sequence[FoundObject]) -> dict[str, Any]:
    highest = scores if scores.ndim == 2 else scores.max(axis=2)
    lowest: dict[str, float] = {}
    for one in objects:
        if one.score is not None:
            lowest[one.name] = min(one.score, lowest.get(one.name, 1.0))
    return {
        "mean_confidence": round(float(highest.mean()), 6),
        "lowest_object_score": min(lowest.values(), default=None),
        "object_score": lowest,
    }


def image_row(name: str, judgement: Judgement) -> dict[str, Any]:
    """Return the row of an image for CSV, ``IMAGE_COLUMNS``."""
    return {
        "image": name,
        "outcome": judgement.outcome,
        "reasons": "; ".join(str(one) for one in judgement.reasons),
        "objects": len(judgement.objects),
        "lowest_score": judgement.scores_summary.get("lowest_object_score"),
        "seconds": round(sum(judgement.seconds.values()), 6),
        "error": None,
    }


def object_rows(name: str, judgement: Judgement) -> list[dict[str, Any]]:
    """Return the rows of an image's objects for CSV, ``OBJECT_COLUMNS``; numbered from 1."""
    rows = []
    for number, one in enumerate(judgement.objects, 1):
        values = one.to_dict()
        values["center_x"], values["center_y"] = values.pop("center")
        values.pop("center_mm")
        values.update(zip(("x0", "y0", "x1", "y1"), values.pop("box"), strict=True))
        row = {"image": name, "number": number, **values}
        rows.append({column: row[column] for column in OBJECT_COLUMNS})
    return rows
