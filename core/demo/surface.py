"""Metal surfaces as height, reflectance and gloss, and the camera that looks at them.

A surface is described by physical maps, not painted: a groove or a hole changes the height, dirt
changes the reflectance. One lamp then lights the maps, so that every exposure of a part shows the
same defects with other highlights and shadows, as a line camera does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

FloatMap = npt.NDArray[np.float32]
Finish = Literal["brushed", "cast", "milled"]


@dataclass(slots=True)
class Surface:
    """Maps of one part, all (H, W).

    Attributes:
        height: pixels, towards the camera.
        reflectance: (H, W, 3) BGR, 0 … 1.
        gloss: 0 (matt) … 1 (mirror-like).
        label: class ids, 255 where no one could say.
    """

    height: FloatMap
    reflectance: FloatMap
    gloss: FloatMap
    label: npt.NDArray[np.uint8]

    @property
    def side(self) -> int:
        """Side of the square maps, pixels."""
        return int(self.height.shape[0])


@dataclass(frozen=True, slots=True)
class Lamp:
    """A lamp beside the camera: position in units of the image side from its centre."""

    x: float
    y: float
    z: float
    power: float


def smooth_noise(
    rng: np.random.Generator, side: int, *, sigma_x: float, sigma_y: float | None = None
) -> FloatMap:
    """Gaussian noise blurred by the two sigmas (pixels), mean 0, standard deviation 1."""
    sigma_y = sigma_x if sigma_y is None else sigma_y
    margin = int(3 * max(sigma_x, sigma_y)) + 1
    noise = rng.standard_normal((side + 2 * margin, side + 2 * margin)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y)
    noise = noise[margin : margin + side, margin : margin + side]
    return np.asarray((noise - noise.mean()) / (noise.std() + 1e-6), np.float32)


def make_surface(rng: np.random.Generator, finish: Finish, side: int) -> Surface:
    """Make a part without defects."""
    tint = np.array([0.62, 0.61, 0.60], np.float32) + rng.normal(0, 0.012, 3).astype(np.float32)
    if finish == "brushed":
        height, shade, gloss = _brushed(rng, side)
    elif finish == "milled":
        height, shade, gloss = _milled(rng, side)
    else:
        height, shade, gloss = _cast(rng, side)
    shade = shade + 0.025 * smooth_noise(rng, side, sigma_x=side / 7)
    return Surface(
        height=height,
        reflectance=np.clip(tint * (1 + shade)[..., None], 0.05, 1).astype(np.float32),
        gloss=np.full((side, side), gloss, np.float32),
        label=np.zeros((side, side), np.uint8),
    )


def _brushed(rng: np.random.Generator, side: int) -> tuple[FloatMap, FloatMap, float]:
    wide = int(side * 1.5)
    streaks = 0.55 * smooth_noise(rng, wide, sigma_x=45, sigma_y=0.7)
    streaks = streaks + 0.45 * smooth_noise(rng, wide, sigma_x=11, sigma_y=0.5)
    streaks = streaks + 0.35 * smooth_noise(rng, wide, sigma_x=70, sigma_y=2.5)
    streaks = _turn(streaks, float(rng.choice([0, 90]) + rng.normal(0, 3)), side)
    return 0.11 * streaks, 0.045 * streaks, 0.75


def _milled(rng: np.random.Generator, side: int) -> tuple[FloatMap, FloatMap, float]:
    angle = rng.uniform(0, 2 * np.pi)
    reach = side * rng.uniform(0.9, 1.6)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    radius = np.hypot(
        x - side / 2 - reach * np.cos(angle), y - side / 2 - reach * np.sin(angle)
    ).astype(np.float32)
    period = rng.uniform(6.5, 9.5)
    rings = np.arange(int(radius.max() / period) + 3)
    depth = np.interp(radius / period, rings, rng.uniform(0.4, 1.0, rings.size))
    wave = np.sin(2 * np.pi * radius / period + rng.uniform(0, 6)).astype(np.float32)
    fine = np.interp(radius, np.arange(4 * side), rng.normal(0, 1, 4 * side)).astype(np.float32)
    grain = smooth_noise(rng, side, sigma_x=0.8)
    height = 0.16 * depth.astype(np.float32) * wave + 0.06 * fine + 0.04 * grain
    return height.astype(np.float32), 0.02 * fine + 0.01 * grain, 0.6


def _cast(rng: np.random.Generator, side: int) -> tuple[FloatMap, FloatMap, float]:
    grain = smooth_noise(rng, side, sigma_x=1.1)
    height = 0.16 * grain + 0.26 * smooth_noise(rng, side, sigma_x=3.0)
    height = height + 0.4 * smooth_noise(rng, side, sigma_x=8.0)
    return height.astype(np.float32), 0.05 * grain - 0.05, 0.22


def _turn(field: FloatMap, degrees: float, side: int) -> FloatMap:
    centre = (field.shape[1] / 2, field.shape[0] / 2)
    turned = cv2.warpAffine(
        field,
        cv2.getRotationMatrix2D(centre, degrees, 1.0),
        (field.shape[1], field.shape[0]),
        borderMode=cv2.BORDER_REFLECT,
    )
    start = (field.shape[0] - side) // 2
    return np.ascontiguousarray(turned[start : start + side, start : start + side], np.float32)


def handle(surface: Surface, rng: np.random.Generator, *, side: int) -> Surface:
    """Lay the part under the camera once more: a little turned and shifted, cut to ``side``."""
    spare = (surface.side - side) / 2
    centre = surface.side / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), float(rng.uniform(-1.2, 1.2)), 1.0)
    matrix[:, 2] += rng.uniform(-0.6, 0.6, 2) * spare - spare
    size = (side, side)

    def moved(field: npt.NDArray[np.generic], flags: int) -> npt.NDArray[np.generic]:
        turned = cv2.warpAffine(field, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
        return np.asarray(turned)

    return Surface(
        height=np.asarray(moved(surface.height, cv2.INTER_LINEAR), np.float32),
        reflectance=np.asarray(moved(surface.reflectance, cv2.INTER_LINEAR), np.float32),
        gloss=np.asarray(moved(surface.gloss, cv2.INTER_LINEAR), np.float32),
        label=np.asarray(moved(surface.label, cv2.INTER_NEAREST), np.uint8),
    )


def photograph(surface: Surface, lamp: Lamp, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Take a picture: (H, W, 3) uint8 BGR, with vignette, blur and sensor noise."""
    side = surface.side
    slope_x = cv2.Sobel(surface.height, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    slope_y = cv2.Sobel(surface.height, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    normal = np.dstack([-slope_x, -slope_y, np.ones_like(slope_x)])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)

    y, x = (np.mgrid[0:side, 0:side].astype(np.float32) - side / 2) / side
    to_lamp = np.dstack([lamp.x - x, lamp.y - y, np.full_like(x, lamp.z)])
    distance = np.linalg.norm(to_lamp, axis=2, keepdims=True)
    to_lamp /= distance
    to_camera = np.dstack([-x, -y, np.full_like(x, 3.0)])  # a long lens
    to_camera /= np.linalg.norm(to_camera, axis=2, keepdims=True)
    half = to_lamp + to_camera
    half /= np.linalg.norm(half, axis=2, keepdims=True)

    falloff = (np.hypot(np.hypot(lamp.x, lamp.y), lamp.z) / distance[..., 0]) ** 1.2
    diffuse = np.clip((normal * to_lamp).sum(axis=2), 0, None)
    shine = np.clip((normal * half).sum(axis=2), 0, None) ** (8 + 30 * surface.gloss)
    light = surface.reflectance * (0.16 + 0.74 * diffuse * falloff)[..., None]
    light = light + (0.32 * surface.gloss * shine * falloff)[..., None]
    light *= (lamp.power * (1 - 0.28 * (x**2 + y**2) / 0.5))[..., None]
    light = cv2.GaussianBlur(light.astype(np.float32), (0, 0), float(rng.uniform(0.45, 0.7)))
    shot = rng.normal(0, 1, light.shape[:2]).astype(np.float32)[..., None]
    light = light + shot * np.sqrt(np.clip(light, 0.02, None)) * 0.016
    light = light + rng.normal(0, 0.005, light.shape).astype(np.float32)
    exposed = 1 - np.exp(-1.35 * np.clip(light, 0, None))  # the sensor's shoulder
    return np.asarray(np.clip(exposed ** (1 / 1.25) * 255 + 0.5, 0, 255), np.uint8)
