"""Random shapes to test with."""

from __future__ import annotations

import numpy as np

from core.annotation.polygon import Polygon
from core.annotation.shapes import Outline


def outline_of(rng: np.random.Generator, size: tuple[int, int]) -> Outline:
    """A polygon, rectangle or ellipse somewhere in an image, or reaching over its border."""
    kind = rng.choice(["polygon", "rectangle", "ellipse"])
    if kind == "polygon":
        center = rng.uniform((0, 0), size)
        angles = np.sort(rng.uniform(0, 2 * np.pi, 6))
        reach = rng.uniform(2, 15, 6)[:, None]
        ring = center + np.stack([np.cos(angles), np.sin(angles)], 1) * reach
        holes = [center + (ring - center)[::2] * 0.4] if rng.random() < 0.4 else []
        return Outline.of(Polygon.of(ring, holes))
    corner = rng.uniform((-5, -5), size)
    other = corner + rng.uniform(-20, 20, 2)
    return Outline.between(str(kind), tuple(corner.tolist()), tuple(other.tolist()))
