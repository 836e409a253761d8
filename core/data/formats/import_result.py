"""Images with label maps, as every format's reader gives and every writer takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.data.formats.conversion_report import ConversionReport
from core.datasets import Subset
from core.images.palette import Color


@dataclass(frozen=True, slots=True)
class ImportedShape:
    """A form with a class: ``points`` (x, y) are its vertices, or two opposite corners of a box."""

    class_index: int
    kind: Literal["polygon", "rectangle", "ellipse"]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class ImportedImage:
    """One image of a data set.

    ``mask`` makes the label map (H, W) uint8 when called (class index, 255 = ignored; raises
    ``InputError`` when it cannot); None: the image has no annotation. ``subset`` as the source
    has it, None where it has none. ``shapes`` gives what the mask was filled from, later ones on
    top, as far as it can be edited; None where there is nothing of that kind.
    """

    image_path: Path
    mask: Callable[[], npt.NDArray[np.uint8]] | None = None
    subset: Subset | None = None
    shapes: Callable[[], Sequence[ImportedShape]] | None = None


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Images with masks, class names by index, their colours, and what the reader has to say."""

    items: list[ImportedImage]
    labels: list[str]
    colors: list[Color]
    report: ConversionReport = field(default_factory=ConversionReport)
    crowds: int = 0
    """How many annotations are COCO's crowds, which the reader took as it was told to."""

    def __post_init__(self) -> None:
        """Bring each name to one line of valid text: formats and projects list names by lines."""
        self.labels[:] = [_one_line(name) for name in self.labels]


def _one_line(name: str) -> str:
    return " ".join(name.encode("utf-8", "replace").decode("utf-8").splitlines())
