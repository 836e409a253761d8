"""What a variant of a model costs and can do; reading it needs no paddle."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A measured model.

    Attributes:
        size_bytes: size of the exported file.
        flops: operations for one image, multiply-adds counted once.
        parameters: numbers that training changes.
        latency_ms: median time for one image on this machine, milliseconds.
        miou: mean IoU of the exported file, 0 … 1, None where undefined.
        category_iou: IoU of each class, None where it does not occur.
        agreement: share of pixels (0 … 1) where the exported file and the network agree.
    """

    size_bytes: int
    flops: int
    parameters: int
    latency_ms: float
    miou: float | None
    category_iou: tuple[float | None, ...]
    agreement: float
