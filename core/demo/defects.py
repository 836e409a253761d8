"""What goes wrong on a metal part, and what only looks as if it had."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from core.demo.surface import Surface, smooth_noise
from core.images.io import IGNORE_INDEX

SCRATCH, PIT, STAIN = 1, 2, 3
_Mask = npt.NDArray[np.bool_]
_SHIFT = 4  # fractional bits of drawing coordinates


def add_scratch(surface: Surface, rng: np.random.Generator, *, strength: float) -> None:
    """One or several scratches side by side; ``strength`` 1 is plain, 0.3 hard to see."""
    start, bend, end = _path_ends(surface.side, rng)
    for strand in range(int(rng.choice([1, 1, 1, 2, 3]))):
        offset = rng.normal(0, 5, 2) * (strand > 0)
        path = _curve(start + offset, bend + offset * 1.3, end + offset + rng.normal(0, 4, 2), rng)
        width = float(rng.uniform(1.4, 2.8)) * (0.75 if strand else 1.0)
        _groove(surface, path, width, rng, strength=strength)


def _path_ends(side: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.float64], ...]:
    middle = rng.uniform(0.25, 0.75, 2) * side
    angle = rng.uniform(0, np.pi)
    direction = np.array([np.cos(angle), np.sin(angle)])
    reach = rng.uniform(0.14, 0.36) * side
    across = np.array([-direction[1], direction[0]]) * rng.normal(0, 0.09) * side
    return middle - direction * reach, middle + across, middle + direction * reach


def _curve(
    start: npt.NDArray[np.float64],
    bend: npt.NDArray[np.float64],
    end: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Points (N, 2) of a quadratic Bézier curve with the tremor of a sliding edge."""
    t = np.linspace(0, 1, 60)[:, None]
    points = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
    tremor = np.cumsum(rng.normal(0, 0.22, points.shape), axis=0)
    return np.asarray(points + tremor - tremor.mean(axis=0), np.float64)


def _groove(
    surface: Surface,
    path: npt.NDArray[np.float64],
    width: float,
    rng: np.random.Generator,
    *,
    strength: float,
) -> None:
    count = len(path)
    position = np.linspace(0, 1, count)
    pressure = np.clip(np.minimum(position, 1 - position) * 6, 0.1, 1)
    pressure *= np.clip(1 + np.cumsum(rng.normal(0, 0.07, count)), 0.45, 1.4)
    profile = np.zeros(surface.height.shape, np.float32)
    for index in range(count - 1):
        segment = np.zeros(surface.height.shape, np.float32)
        points = np.round(path[index : index + 2] * 2**_SHIFT).astype(np.int32)
        thickness = max(1, round(width * (0.6 + 0.4 * pressure[index])))
        cv2.polylines(
            segment, [points], False, float(pressure[index]), thickness, cv2.LINE_8, _SHIFT
        )
        np.maximum(profile, segment, out=profile)
    core = cv2.GaussianBlur(profile, (0, 0), 0.6)
    burr = np.clip(cv2.GaussianBlur(profile, (0, 0), 1.8) - 0.6 * core, 0, None)
    surface.height += strength * (1.1 * burr - 1.9 * core)
    fresh = 0.55 if rng.random() < 0.6 else -0.55  # bare metal, or dirt in the groove
    surface.reflectance *= (1 + fresh * strength * np.clip(core, 0, 1))[..., None]
    np.clip(surface.reflectance, 0.03, 1, out=surface.reflectance)
    drawn = cv2.dilate((profile > 0.25).astype(np.uint8), _disc(1)) > 0  # as wide as people draw
    faded = (cv2.dilate((profile > 0.02).astype(np.uint8), _disc(1)) > 0) & ~drawn
    _write(surface, drawn, SCRATCH, uncertain=faded)


def add_pits(surface: Surface, rng: np.random.Generator, *, strength: float) -> None:
    """A single pit or a nest of them, holes with a dark ground."""
    centre = rng.uniform(0.18, 0.82, 2) * surface.side
    nest = int(rng.choice([1, 2, 4, 6, 9]))
    for _ in range(nest):
        radius = float(rng.uniform(6, 11) if nest < 3 else rng.uniform(3.5, 7.5))
        place = centre + rng.normal(0, 1, 2) * (7 + 4.0 * nest) * (nest > 1)
        _hole(surface, place, radius, rng, strength=strength)


def _hole(
    surface: Surface,
    place: npt.NDArray[np.float64],
    radius: float,
    rng: np.random.Generator,
    *,
    strength: float,
) -> None:
    y, x = np.mgrid[0 : surface.side, 0 : surface.side].astype(np.float32)
    dx, dy = x - place[0], y - place[1]
    angle = np.arctan2(dy, dx)
    outline = np.ones_like(angle)
    for order in (2, 3, 5):
        amount = rng.normal(0, 0.24 / order)
        outline += amount * np.cos(order * angle + rng.uniform(0, 6.3))
    reach = (np.hypot(dx, dy) / (radius * np.clip(outline, 0.5, 1.6))).astype(np.float32)
    bowl = np.clip(1 - reach**2, 0, None) ** 0.7
    rough = 0.25 * smooth_noise(rng, surface.side, sigma_x=1.2) * (bowl > 0)
    surface.height -= strength * (0.55 * radius * bowl + rough)
    surface.height += strength * 0.5 * np.exp(-(((reach - 1.12) / 0.14) ** 2)).astype(np.float32)
    surface.reflectance *= (1 - (0.72 * strength) * np.clip(bowl * 1.6, 0, 1))[..., None]
    surface.gloss *= 1 - 0.85 * np.clip(bowl * 2, 0, 1)
    rim = (reach < 1.22) if strength < 0.7 else np.zeros(reach.shape, np.bool_)
    _write(surface, reach < 1.04, PIT, uncertain=rim)


_STAINS = (  # how much blue, green and red each takes away
    np.array([0.62, 0.42, 0.26], np.float32),  # rust
    np.array([0.34, 0.33, 0.31], np.float32),  # oil
    np.array([0.22, 0.34, 0.44], np.float32),  # heat tint
)


def add_stain(surface: Surface, rng: np.random.Generator, *, strength: float) -> None:
    """A dried liquid: a soft film through which the metal shows, darker towards its border."""
    side = surface.side
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    centre = rng.uniform(0.22, 0.78, 2) * side
    radii = rng.uniform(0.08, 0.2, 2) * side
    turn = rng.uniform(0, np.pi)
    along = (x - centre[0]) * np.cos(turn) + (y - centre[1]) * np.sin(turn)
    across = -(x - centre[0]) * np.sin(turn) + (y - centre[1]) * np.cos(turn)
    level = 1 - np.hypot(along / radii[0], across / radii[1])
    level = level + 0.26 * smooth_noise(rng, side, sigma_x=side / 16)
    level = (level + 0.1 * smooth_noise(rng, side, sigma_x=side / 55)).astype(np.float32)
    film = 0.5 + 0.5 * np.tanh(level / 0.07)
    border = np.exp(-(((level - 0.06) / 0.07) ** 2)) * float(rng.uniform(0.2, 0.8))
    cloud = 1 + 0.22 * smooth_noise(rng, side, sigma_x=5)
    amount = np.clip(strength * film * (0.62 * cloud + border), 0, 1).astype(np.float32)
    taken = _STAINS[int(rng.integers(len(_STAINS)))]
    surface.reflectance *= 1 - amount[..., None] * taken
    surface.gloss *= 1 - 0.7 * np.clip(amount, 0, 1)
    soft = (level > -0.1) & (level < 0.08) if strength < 0.7 else (level > -0.035) & (level < 0.02)
    _write(surface, level > 0, STAIN, uncertain=soft)


def add_marking(surface: Surface, rng: np.random.Generator) -> None:
    """A stamped part number. Nobody is asked to find defects in it: ignored."""
    text = f"{rng.choice(['MW', 'AX', 'KL'])}{rng.integers(10, 99)}-{rng.integers(100, 999)}"
    scale = surface.side / 288 * float(rng.uniform(0.75, 1.05))
    font = cv2.FONT_HERSHEY_DUPLEX
    (width, height), _ = cv2.getTextSize(text, font, scale, 2)
    left = int(rng.uniform(0.12, 0.2) * surface.side)
    base = int(rng.choice([0.22, 0.86]) * surface.side)
    drawn = np.zeros(surface.height.shape, np.uint8)
    cv2.putText(drawn, text, (left, base), font, scale, 255, 2, cv2.LINE_AA)
    plate = np.zeros(surface.height.shape, np.uint8)
    pad = 5
    cv2.rectangle(
        plate, (left - pad, base - height - pad), (left + width + pad, base + pad), 1, cv2.FILLED
    )
    stamp = cv2.GaussianBlur(drawn.astype(np.float32) / 255, (0, 0), 0.8)
    surface.height -= 2.2 * stamp
    surface.reflectance *= (1 - 0.25 * stamp)[..., None]
    surface.label[plate > 0] = IGNORE_INDEX


def add_bore(surface: Surface, rng: np.random.Generator) -> None:
    """A drilled hole with a bright chamfer near a corner: part of the drawing, not a defect."""
    side = surface.side
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    centre = rng.choice([0.13, 0.87], 2) * side + rng.normal(0, 4, 2)
    radius = rng.uniform(0.09, 0.13) * side
    reach = (np.hypot(x - centre[0], y - centre[1]) - radius).astype(np.float32)
    inside = np.clip(0.5 - reach, 0, 1)
    chamfer = np.clip(0.5 - (reach - 5), 0, 1) - inside
    surface.height -= 0.75 * np.clip(5 - reach, 0, 5) * (reach > -1)
    surface.reflectance *= (1 - 0.93 * inside + 0.12 * chamfer)[..., None]
    surface.gloss *= 1 - inside
    surface.label[reach < 5] = 0


def add_tool_marks(surface: Surface, rng: np.random.Generator) -> None:
    """Even, straight, parallel lines that a tool left: like scratches, but meant."""
    side = surface.side
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    across = (x - side / 2) * np.cos(angle) + (y - side / 2) * np.sin(angle)
    spacing, first = rng.uniform(14, 22), rng.uniform(-0.35, 0.2) * side
    marks = np.zeros((side, side), np.float32)
    for line in range(int(rng.integers(3, 6))):
        marks += np.exp(-(((across - first - line * spacing) / 1.1) ** 2)).astype(np.float32)
    surface.height -= 0.45 * marks


def add_dust(surface: Surface, rng: np.random.Generator) -> None:
    """Specks too small to matter; every real surface has them."""
    for value in (-0.4, 0.35):
        specks = np.zeros(surface.height.shape, np.uint8)
        for _ in range(int(rng.integers(2, 9))):
            place = np.round(rng.uniform(0, surface.side, 2) * 2**_SHIFT).astype(int)
            radius = int(rng.uniform(0.3, 0.9) * 2**_SHIFT)
            cv2.circle(specks, tuple(place.tolist()), radius, 255, -1, cv2.LINE_AA, _SHIFT)
        surface.reflectance *= (1 + value * (specks.astype(np.float32) / 255))[..., None]
    np.clip(surface.reflectance, 0.03, 1, out=surface.reflectance)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    size = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def _write(surface: Surface, inside: _Mask, class_id: int, *, uncertain: _Mask) -> None:
    """Label ``inside``; ``uncertain`` becomes 255 where nothing else was labelled before."""
    free = surface.label == 0
    surface.label[uncertain & free] = IGNORE_INDEX
    certain = inside & ~(uncertain & free) if class_id == STAIN else inside
    surface.label[certain] = class_id
