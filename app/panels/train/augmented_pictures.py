"""What training makes of one image: the same random changes, with the outlines of its mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from app.widgets.blending import ImageArray, fit, shrink
from core.images.io import IGNORE_INDEX, read_image
from core.images.palette import Color
from core.prediction.inspection import background_class
from core.project import ImageQuery, Project, State
from core.transforms import Compose
from core.transforms.recipes import Augmentation, train_transforms

#: Pictures of an image; each keeps its random numbers, so that only what was set changes.
COUNT = 6
_TRAINABLE: tuple[State, ...] = ("labelled", "reviewed")
_MOST_LOOKED_AT = 30
_LINE = 2


@dataclass(frozen=True, slots=True)
class Change:
    """Settings of a training that decide what the network sees; see ``train_transforms``."""

    image_size: tuple[int, int]
    image_scale: float | None
    augmentation: Augmentation

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Change:
        """Take them from the fields of a ``TrainSpec``."""
        return cls(fields["image_size"], fields["image_scale"], fields["augmentation"])


@dataclass(frozen=True, slots=True)
class Example:
    """A training image (H, W, 3) uint8 BGR, its class ids (H, W) uint8, colours by class id.

    ``place``: the image's among the training images.
    """

    image: ImageArray
    mask: npt.NDArray[np.uint8]
    colors: Mapping[int, Color]
    place: int


def find_example(project: Project, start: int, check: Callable[[], None]) -> Example | None:
    """Return the first training image from a place on that shows a defect; for the thread pool.

    Args:
        project: its labelled training images are meant.
        start: place to begin at, counted on beyond the last image.
        check: called between images; ends the search by raising.
    """
    ids = [
        image_id
        for state in _TRAINABLE
        for image_id in project.image_ids(ImageQuery(subset="train", state=state))
    ]
    labels = project.labels()
    background = background_class(label.name for label in labels)
    colors = {label.id: label.color for place, label in enumerate(labels) if place != background}
    for step in range(min(len(ids), _MOST_LOOKED_AT)):
        check()
        place = (start + step) % len(ids)
        mask = project.label_map(ids[place])
        if mask is not None and np.isin(mask, list(colors)).any():
            return Example(read_image(project.image(ids[place]).path), mask, colors, place)
    return None


def draw_variants(
    example: Example, change: Change, *, side: int, check: Callable[[], None]
) -> list[ImageArray]:
    """Return ``COUNT`` pictures (H, W, 3) BGR of a training image; for the thread pool.

    Args:
        example: the image.
        change: what is done to it.
        side: pixels of a picture's longer side, at most.
        check: called between pictures; ends the drawing by raising.
    """
    whole = train_transforms(change.image_size, change.augmentation, image_scale=change.image_scale)
    seen = Compose(whole.transforms[:-1])  # all but the normalisation
    drawn = []
    for seed in range(COUNT):
        check()
        sample = seen({"image": example.image, "mask": example.mask}, np.random.default_rng(seed))
        bgr = np.asarray(cv2.cvtColor(sample["image"], cv2.COLOR_RGB2BGR), np.uint8)
        drawn.append(_outlined(shrink(bgr, side), sample["mask"], example.colors))
    return drawn


def _outlined(
    picture: ImageArray, mask: npt.NDArray[np.uint8], colors: Mapping[int, Color]
) -> ImageArray:
    small = fit(mask, picture)
    outlined = picture.copy()
    present: Sequence[int] = [int(one) for one in np.unique(small) if one != IGNORE_INDEX]
    for class_id in present:
        if class_id not in colors:
            continue
        red, green, blue = colors[class_id]
        area = (small == class_id).astype(np.uint8)
        rings, _ = cv2.findContours(area, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(outlined, rings, -1, (blue, green, red), _LINE)
    return outlined
