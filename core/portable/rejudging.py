"""Judging the same image again and again while rules and limits change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from .cleaning import clean_label_map
from .deciding import Decision, decide
from .objects import FoundObject, LabelMap, Scores, find_objects
from .settings import Settings

_STEPS: Final = 2**16 - 1


class MeasuredImage:
    """An image whose objects are kept, so that other rules are tried in microseconds.

    It says what ``judge_scores`` would. Label map and scores are kept small; they are needed
    again only where regions or the filling of holes change.

    Args:
        label_map: (H, W) uint8 class ids, as the model gives it.
        scores: (H, W, num_classes) float32 probabilities; None: objects have no scores.
        labels: class names.
        background: class id that means "nothing here", or None.
    """

    def __init__(
        self,
        label_map: LabelMap,
        scores: Scores | None,
        *,
        labels: Sequence[str],
        background: int | None,
    ) -> None:
        self._labels = tuple(labels)
        self._background = background
        self._label_map = _packed(label_map)
        self._shape = label_map.shape
        self._confidence = None if scores is None else _packed(_own_scores(label_map, scores))
        self._key: object = None
        self._objects: list[FoundObject] = []
        self._inspected = label_map.size

    def judge(self, settings: Settings) -> tuple[Decision, list[FoundObject]]:
        """Return what becomes of the image, and what was found in it.

        Args:
            settings: what decides; thresholds were obeyed when the label map was made.

        Raises:
            PortableError: a setting does not fit the image.
        """
        objects = self._found(settings)
        decision = decide(
            objects,
            settings.rules,
            inspected_px=self._inspected,
            has_background=self._background is not None,
            pixel_size_mm=settings.pixel_size_mm,
            inconclusive_below=settings.inconclusive_below,
        )
        return decision, objects

    def has_objects(self, settings: Settings) -> bool:
        """Whether there is any class but the background in what is inspected."""
        self._measure(settings)
        return bool(self._objects)

    def _found(self, settings: Settings) -> list[FoundObject]:
        settings.check()
        self._measure(settings)
        size = settings.pixel_size_mm
        if self._objects and self._objects[0].pixel_size_mm != size:
            self._objects = [replace(one, pixel_size_mm=size) for one in self._objects]
        least = settings.areas_px(settings.minimum_area, self._labels)
        return [one for one in self._objects if one.area_px >= least[one.class_id]]

    def _measure(self, settings: Settings) -> None:
        """Find the objects, small ones too, unless they are known."""
        holes = settings.areas_px(settings.fill_holes, self._labels)
        key = (holes, settings.area)
        if key == self._key:
            return
        height, width = self._shape
        included = settings.area.included((height, width))
        label_map = _unpacked(self._label_map)
        clean = clean_label_map(
            label_map,
            background=self._background,
            included=included,
            fill_holes=holes,
        )
        scores = None
        if self._confidence is not None:
            scores = _unpacked(self._confidence).astype(np.float32) / np.float32(_STEPS)
        self._objects = find_objects(
            clean,
            scores,
            labels=self._labels,
            background=self._background,
            predicted=label_map,
        )
        self._inspected = clean.size if included is None else int(included.sum())
        self._key = key


def _own_scores(label_map: LabelMap, scores: Scores) -> np.ndarray:
    """Return the probability of each pixel's own class, (H, W) uint16, 65535 is 1."""
    known = np.minimum(label_map, scores.shape[2] - 1)[..., None]
    own = np.take_along_axis(scores, known, axis=2)[..., 0]
    return np.asarray(np.rint(own * _STEPS), np.uint16)


def _packed(array: np.ndarray) -> np.ndarray:
    _, data = cv2.imencode(".png", array, (cv2.IMWRITE_PNG_COMPRESSION, 1))
    return np.asarray(data)


def _unpacked(data: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))
