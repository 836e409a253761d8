"""What a variant of a model costs and can do; needs no paddle."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A measured model.

    Attributes:
        precision: ``"float32"`` or ``"int8"``.
        size_bytes: size of the exported file.
        flops: operations of the exported network for one image, multiply-adds counted once.
        parameters: weights and biases of the exported network.
        latency_ms: median time for one image on this machine, milliseconds.
        latency_p90_ms: nine of ten images took no longer, milliseconds.
        threads: that computed; 0 for all cores.
        image_size: (width, height) of the image.
        miou: mean IoU of the exported file, 0 … 1, None where undefined.
        category_iou: IoU of each class, None where it does not occur.
        agreement: share of pixels (0 … 1) where the exported file and the network agree.
        float_layers: paths of the layers that an int8 model computes in float.
    """

    precision: str = "float32"
    size_bytes: int
    flops: int
    parameters: int
    latency_ms: float
    latency_p90_ms: float | None = None
    threads: int = 0
    image_size: tuple[int, int] | None = None
    miou: float | None
    category_iou: tuple[float | None, ...]
    agreement: float
    float_layers: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Variant:
        """Read what ``to_dict`` made, from JSON too."""
        pairs = {name: tuple(content[name]) for name in ("category_iou", "float_layers")}
        size = content["image_size"]
        return cls(**{**content, **pairs, "image_size": None if size is None else tuple(size)})
