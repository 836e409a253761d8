"""What a service needs of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.portable.judging import Judgement
from core.portable.manifest import Manifest

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is served, and by what.

    Attributes:
        model: class name of the network.
        format: ``"onnx"``, ``"openvino"`` or ``"paddle"``.
        precision: ``"float32"`` or ``"int8"``.
        revision: hash of the data that it was trained on, or None.
        runtime: what computes it.
        runtime_version: of that.
    """

    model: str
    format: str
    precision: str
    revision: str | None
    runtime: str
    runtime_version: str


class ImageJudge(Protocol):
    """A model with the rules by which it judges images."""

    @property
    def manifest(self) -> Manifest:
        """What the export says of itself."""

    @property
    def facts(self) -> ModelFacts:
        """What is served."""

    def judge(self, images: Sequence[Image]) -> Sequence[Judgement]:
        """Judge images of one size, each (H, W, 3) uint8 BGR; called by one thread.

        Raises:
            PortableError: an image does not fit the rules.
        """
