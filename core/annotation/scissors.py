"""Intelligent scissors: a path between anchors that follows edges.

The edge map covers a square of at most ``MAX_SIDE`` pixels around the anchor, so that a path costs
the same on any image. Where there is hardly an edge, the cheapest path wanders: a path that is not
worth its detour is replaced by the straight line.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from core.annotation.color_space import as_bgr
from core.annotation.edits import Box, crop, whole_box
from core.annotation.flood_fill import box_around
from core.images.io import ImageArray

MAX_SIDE = 512
_WORTH = 1.2  # edge strength of a path a detour, by that of the straight line
Point = tuple[float, float]
Path = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.int_]


class Scissors:
    """Builds an outline anchor by anchor.

    ``start`` sets the first anchor, ``path_to`` follows the pointer, ``add_anchor`` keeps the path
    to it, ``close`` ends at the first anchor. Points are (x, y); anchors and paths run through
    pixel centres.

    Args:
        image: uint8 grey or BGR.
        side: side in pixels of the square looked at around an anchor, at most ``MAX_SIDE``.
        snap: radius in pixels in which an anchor moves to the strongest edge; 0 leaves it.

    Attributes:
        snap: the same, for the anchors to come.
    """

    def __init__(self, image: ImageArray, *, side: int = MAX_SIDE, snap: int = 4) -> None:
        if not 8 <= side <= MAX_SIDE:
            raise ValueError(f"side {side} is outside 8 … {MAX_SIDE}")
        self._image = image
        self._side = side
        self.snap = snap
        self._anchors: list[tuple[int, int]] = []
        self._paths: list[Path] = []
        self._box: Box | None = None
        self._strength = np.zeros((0, 0), np.float32)
        self._tool = cv2.segmentation.IntelligentScissorsMB()
        self._tool.setEdgeFeatureCannyParameters(32, 100)
        self._tool.setGradientMagnitudeMaxLimit(200)

    @property
    def anchors(self) -> list[Point]:
        """The anchors so far, as pixel centres."""
        return [(x + 0.5, y + 0.5) for x, y in self._anchors]

    @property
    def outline(self) -> Path:
        """The kept path (N, 2); closed once ``close`` has been called."""
        if not self._paths:
            return np.array(self.anchors, np.float64).reshape(-1, 2)
        parts = [path if not k else path[1:] for k, path in enumerate(self._paths)]
        return np.concatenate(parts)

    def start(self, x: float, y: float) -> Point:
        """Begin an outline; return the anchor after snapping."""
        self._anchors = [self.snapped(x, y)]
        self._paths = []
        self._aim()
        return self.anchors[0]

    def path_to(self, x: float, y: float, *, snap: bool = False, straight: bool = False) -> Path:
        """Return the path (N, 2) from the last anchor to a point.

        Beyond the square around the anchor the path goes on in a straight line.

        Args:
            x: of the point.
            y: of the point.
            snap: go to the strongest edge near it.
            straight: follow no edge.

        Raises:
            RuntimeError: before ``start``.
        """
        if self._box is None:
            raise RuntimeError("no anchor yet")
        target = self.snapped(x, y) if snap else self._pixel(x, y)
        if straight:
            return np.array([self._anchors[-1], target], np.float64) + 0.5
        inside = _towards(self._anchors[-1], target, self._box)
        x0, y0 = self._box[:2]
        contour = np.asarray(self._tool.getContour((inside[0] - x0, inside[1] - y0)))
        pixels = self._worthwhile(contour.reshape(-1, 2))
        path: Path = pixels + np.array([x0 + 0.5, y0 + 0.5])
        if inside != target:
            path = np.concatenate([path, [[target[0] + 0.5, target[1] + 0.5]]])
        return path

    def add_anchor(self, x: float, y: float, *, straight: bool = False) -> Path:
        """Keep the path to a point, which becomes the anchor; return that path.

        A ``straight`` one ends where it is told to.
        """
        path = self.path_to(x, y, snap=not straight, straight=straight)
        self._paths.append(path)
        self._anchors.append((int(path[-1, 0]), int(path[-1, 1])))
        self._aim()
        return path

    def remove_anchor(self) -> bool:
        """Go back to the anchor before; False if there is none."""
        if not self._paths:
            return False
        self._paths.pop()
        self._anchors.pop()
        self._aim()
        return True

    def close(self) -> Path:
        """Keep the path back to the first anchor; return the whole closed outline (N, 2)."""
        first = self._anchors[0]
        path = self.path_to(first[0] + 0.5, first[1] + 0.5)
        self._paths.append(path)
        self._anchors.append(first)
        outline = self.outline
        return outline[:-1] if len(outline) > 1 else outline

    def snapped(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel of the strongest edge within ``snap`` pixels of a point."""
        column, row = self._pixel(x, y)
        if self.snap <= 0:
            return column, row
        radius = self.snap
        bounds = whole_box(self._image)
        box = box_around(column, row, 2 * radius + 5, within=bounds)
        strength = _edge_strength(as_bgr(crop(self._image, box)))
        rows, columns = np.indices(strength.shape)
        far = np.hypot(columns + box[0] - column, rows + box[1] - row)
        # A far edge must be clearly stronger than a near one.
        score = np.where(far <= radius, strength * (1 - far / (2 * radius)), -1)
        best = int(score.argmax())
        if score.flat[best] <= 0:
            return column, row
        return box[0] + best % score.shape[1], box[1] + best // score.shape[1]

    def _pixel(self, x: float, y: float) -> tuple[int, int]:
        return _clamped((int(np.floor(x)), int(np.floor(y))), whole_box(self._image))

    def _worthwhile(self, pixels: Pixels) -> Pixels:
        """Return a path (N, 2) in the square, or its ends if no edge is worth its detour."""
        first, last = pixels[0], pixels[-1]
        chord = float(np.hypot(*(last - first)))
        if chord == 0:
            return pixels
        steps = int(np.abs(last - first).max()) + 1
        straight = np.rint(np.linspace(first, last, steps)).astype(int)
        detour = float(np.hypot(*np.diff(pixels, axis=0).T).sum()) / chord
        is_worth = self._mean_strength(pixels) >= _WORTH * detour * self._mean_strength(straight)
        return pixels if is_worth else pixels[[0, -1]]

    def _mean_strength(self, pixels: Pixels) -> float:
        return float(self._strength[pixels[:, 1], pixels[:, 0]].mean())

    def _aim(self) -> None:
        """Build the map of paths to the last anchor, in the square around it."""
        x, y = self._anchors[-1]
        self._box = box = box_around(x, y, self._side, within=whole_box(self._image))
        part = as_bgr(crop(self._image, box))
        self._strength = _edge_strength(part)
        self._tool.applyImage(part)
        self._tool.buildMap((x - box[0], y - box[1]))


def _clamped(pixel: tuple[int, int], box: Box) -> tuple[int, int]:
    return min(max(pixel[0], box[0]), box[2] - 1), min(max(pixel[1], box[1]), box[3] - 1)


def _towards(start: tuple[int, int], end: tuple[int, int], box: Box) -> tuple[int, int]:
    """Return the last pixel inside ``box`` on the straight way from ``start``, which is inside."""
    share = 1.0
    for axis in (0, 1):
        step = end[axis] - start[axis]
        if end[axis] < box[axis]:
            share = min(share, (box[axis] - start[axis]) / step)
        elif end[axis] > box[axis + 2] - 1:
            share = min(share, (box[axis + 2] - 1 - start[axis]) / step)
    x, y = (round(a + share * (b - a)) for a, b in zip(start, end, strict=True))
    return _clamped((x, y), box)


def _edge_strength(bgr: ImageArray) -> npt.NDArray[np.float32]:
    dx = cv2.Sobel(bgr, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.Sobel(bgr, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    strength: npt.NDArray[np.float32] = np.sqrt((dx * dx + dy * dy).sum(axis=2))
    return strength
