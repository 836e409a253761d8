"""Colours for classes."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

Color = tuple[int, int, int]


@functools.lru_cache(maxsize=8)
def _palette(count: int) -> tuple[Color, ...]:
    """Greedy: each new colour is the one farthest from all others, as the worse of two eyes sees.

    The distance is CIE76 in Lab, the smaller of normal sight and deuteranopia (Machado, Oliveira
    and Fernandes 2009, severity 1). The first eight are Okabe and Ito's, on a dark grey.
    """
    levels = np.linspace(0, 255, 8).round()
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    grid = grid[(np.ptp(grid, axis=1) > 70) & (grid.max(axis=1) > 90)]
    known = np.array(_FIRST_COLORS, np.float64)
    chosen = list(_FIRST_COLORS[:count])
    views = [_lab(grid), _lab(grid, deuteranopia=True)]
    seen = [_lab(known), _lab(known, deuteranopia=True)]
    distance = np.min(
        [
            np.linalg.norm(g[:, None] - s[None], axis=2).min(1)
            for g, s in zip(views, seen, strict=True)
        ],
        axis=0,
    )
    while len(chosen) < count:
        best = int(distance.argmax())
        red, green, blue = (int(value) for value in grid[best])
        chosen.append((red, green, blue))
        new = np.min([np.linalg.norm(g - g[best], axis=1) for g in views], axis=0)
        distance = np.minimum(distance, new)
    return tuple(chosen)


_FIRST_COLORS: tuple[Color, ...] = (
    (64, 64, 64),
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)


def default_palette(n: int) -> list[Color]:
    """Return ``n`` (up to 256) colours (red, green, blue), the first a dark grey for background.

    The same class always gets the same colour, however many there are; neighbours stay apart for
    colour-blind eyes as far as ``n`` allows.
    """
    return list(_palette(256)[:n])


def _lab(rgb: npt.NDArray[np.float64], *, deuteranopia: bool = False) -> npt.NDArray[np.float64]:
    """CIE Lab (N, 3) of sRGB values 0 … 255."""
    values = rgb / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    if deuteranopia:
        linear = np.clip(linear @ _DEUTERANOPIA.T, 0, 1)
    ratio = linear @ _RGB_TO_XYZ.T / _WHITE
    cube = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    x, y, z = cube.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


_DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
_RGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.072175],
        [0.0193339, 0.119192, 0.9503041],
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
