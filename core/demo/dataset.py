"""The demo set on disk: PaddleX's SEG layout, several exposures of each part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.demo import defects
from core.demo.surface import Finish, Lamp, Surface, handle, make_surface, photograph

LABELS = ("background", "scratch", "pit", "stain")
PALETTE = ((52, 58, 64), (230, 159, 0), (204, 61, 89), (86, 180, 233))
GROUP_PATTERN = r"part_\d+"
"""Exposures of one part share this much of their name; a split keeps them together."""

_FINISHES: tuple[Finish, ...] = ("brushed", "cast", "milled")
_MARGIN = 16  # pixels around the picture that a shifted part may show
_DEFECTS = (defects.add_scratch, defects.add_pits, defects.add_stain)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """What the set is made of; the same settings give the same pixels.

    Attributes:
        images: how many pictures.
        exposures: pictures of each part (the last part may have fewer).
        side: pixels, pictures are square.
        seed: of the random generator.
    """

    images: int = 160
    exposures: int = 3
    side: int = 256
    seed: int = 7


def render_part(
    part: int, settings: DemoSettings
) -> list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]]:
    """Return the exposures of one part: image (H, W, 3) uint8 BGR and label map (H, W) uint8.

    Parts draw from generators of their own, so part 12 is the same in a set of 40 and of 400.
    """
    rng = np.random.default_rng([settings.seed, part])
    surface = _make_part(part, rng, settings.side + 2 * _MARGIN)
    lamp_angle = rng.uniform(0, 2 * np.pi)
    exposures = []
    for exposure in range(settings.exposures):
        angle = lamp_angle + exposure * 2 * np.pi / settings.exposures + rng.normal(0, 0.2)
        reach = rng.uniform(0.75, 1.15)
        lamp = Lamp(
            x=reach * float(np.cos(angle)),
            y=reach * float(np.sin(angle)),
            z=float(rng.uniform(0.75, 1.1)),
            power=float(rng.uniform(0.85, 1.25)),
        )
        view = handle(surface, rng, side=settings.side)
        exposures.append((photograph(view, lamp, rng), view.label))
    return exposures


def _make_part(part: int, rng: np.random.Generator, side: int) -> Surface:
    surface = make_surface(rng, _FINISHES[part % len(_FINISHES)], side)
    if rng.random() < 0.28:
        defects.add_tool_marks(surface, rng)
    # Every eighth part is good, every fifth shows faint defects; the rest are plain.
    if part % 8 != 7:
        faint = part % 5 == 4
        first = (part // len(_FINISHES) + part) % len(_DEFECTS)
        kinds = [first, *rng.choice(len(_DEFECTS), int(rng.integers(0, 3))).tolist()]
        for kind in sorted(kinds, reverse=True):  # stains first: they run under the other two
            strength = float(rng.uniform(0.3, 0.5) if faint else rng.uniform(0.8, 1.1))
            _DEFECTS[kind](surface, rng, strength=strength)
    if rng.random() < 0.3:
        defects.add_marking(surface, rng)
    if rng.random() < 0.25:
        defects.add_bore(surface, rng)
    defects.add_dust(surface, rng)
    return surface
