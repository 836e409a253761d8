"""What the labels themselves say: how many objects there are, how large, and which way is up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX

Mask = TypeVar("Mask")
#: Masks that are looked at, evenly spread over the training set.
MOST_MASKS: Final = 200
_FEWEST_IMAGES: Final = 8  # below, places say nothing about which way is up
#: Mean distance of a pixel's class from the middle, in heights, above which images have an up and a
#: down: street scenes have 0.15, surfaces 0.02.
_SIDED: Final = 0.08


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """Objects of one class: connected parts of the masks.

    Attributes:
        objects: their number, scaled up where not every mask was looked at.
        side: square root of their area, pixels of the image: half of the class' pixels belong to
            objects that are no larger; 0 without any.
    """

    objects: int
    side: float


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """Facts by class, and whether classes keep to the upper or lower part of the images."""

    classes: tuple[ClassFacts, ...]
    upright: bool

    @property
    def smallest_side(self) -> float:
        """Side of the class with the smallest objects, background aside; 0 without any."""
        sides = [one.side for one in self.classes[1:] if one.objects]
        return min(sides, default=0.0)


def read_label_facts(
    masks: Sequence[Mask],
    num_classes: int,
    *,
    read: Callable[[Mask], npt.NDArray[np.uint8]],
    check: Callable[[], None] = lambda: None,
) -> LabelFacts:
    """Look at up to ``MOST_MASKS`` masks.

    Args:
        masks: of the training images, whatever ``read`` knows them by.
        num_classes: classes there are.
        read: returns a mask (H, W) uint8; 255 is ignored.
        check: called before each; may raise to stop.
    """
    chosen = np.unique(np.linspace(0, len(masks) - 1, min(MOST_MASKS, len(masks))).round())
    areas: list[list[int]] = [[] for _ in range(num_classes)]
    places: list[list[float]] = [[] for _ in range(num_classes)]
    for index in chosen.astype(int).tolist():
        check()
        mask = read(masks[index])
        for class_id in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[:num_classes]):
            shown = mask == class_id
            areas[class_id] += object_areas(shown)
            places[class_id].append(_height_of_centre(shown, mask != IGNORE_INDEX))
    scale = len(masks) / max(1, len(chosen))
    pixels = np.array([sum(one) for one in areas], float)
    bias = np.array([abs(float(np.mean(one))) if one else 0.0 for one in places])
    spread = float((pixels * bias).sum() / max(1.0, pixels.sum()))
    return LabelFacts(
        tuple(ClassFacts(round(len(one) * scale), usual_side(one)) for one in areas),
        upright=len(chosen) >= _FEWEST_IMAGES and spread > _SIDED,
    )


def object_areas(shown: npt.NDArray[np.bool_]) -> list[int]:
    """Return the pixels of each connected part of ``shown`` (H, W); corners connect."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(shown.astype(np.uint8), connectivity=8)
    areas: list[int] = stats[1:, cv2.CC_STAT_AREA].tolist()
    return areas


def usual_side(areas: Iterable[int]) -> float:
    """Return the side of a square as large as the object that half of the pixels reach up to."""
    ordered = np.sort(np.array(list(areas), float))
    if not len(ordered):
        return 0.0
    covered = np.cumsum(ordered)
    return float(np.sqrt(ordered[np.searchsorted(covered, covered[-1] / 2)]))


def _height_of_centre(shown: npt.NDArray[np.bool_], labelled: npt.NDArray[np.bool_]) -> float:
    """Return how far the class' mean row lies below that of all labelled pixels, in heights."""
    rows = np.arange(len(shown))
    middle = float((labelled.sum(axis=1) * rows).sum() / labelled.sum())
    centre = float((shown.sum(axis=1) * rows).sum() / shown.sum())
    return (centre - middle) / len(shown)
