"""From a transformed sample to what the network's loader takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.transforms.base import Sample
from core.transforms.inversion import SpatialStep


@dataclass(frozen=True, slots=True)
class ArrangeSegmenter:
    """Arrange a sample of ``Compose``.

    Args:
        mode: "train" gives (image, mask), "eval" (image, mask, trace), "test" (image, trace);
            the image is float32 (3, H, W), the mask int64 (H, W).
    """

    mode: Literal["train", "eval", "test"]

    def __post_init__(self) -> None:
        if self.mode not in ("train", "eval", "test"):
            raise ValueError(f"mode is train, eval or test, not {self.mode!r}")

    def __call__(self, sample: Sample) -> tuple[Any, ...]:
        """Return the tuple of the mode."""
        image = to_chw(sample["image"])
        trace: list[SpatialStep] = sample["trace"]
        if self.mode == "test":
            return image, trace
        mask = sample["mask"].astype(np.int64)
        return (image, mask) if self.mode == "train" else (image, mask, trace)


def to_chw(image: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return (H, W, C) as contiguous float32 (C, H, W)."""
    return np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)
