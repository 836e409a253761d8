"""Cutting out the object in a box, corrected by strokes.

Colour models of object and surroundings and the cut between them take turns, as in GrabCut
(Rother et al., 2004). What differs: the surroundings are those near the box; the middle of a box is
likelier object than its corners; it starts from three guesses, one by OpenCV, two by the colours
that the box holds more of than its surroundings, and takes the best answer; a stroke speaks for
what is near it and looks like it, and changes only what is connected with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.annotation.color_space import as_bgr, to_lab
from core.annotation.edits import Box, Pixels, Region, crop, grow_box, intersect, whole_box
from core.annotation.grabcut.correction import changed_by_strokes
from core.annotation.grabcut.gaussian_mixture import ColorModel
from core.annotation.grabcut.guided_filter import guided_filter
from core.annotation.grabcut.min_cut import EdgeWeights, Plane, least_cut
from core.annotation.grabcut.opencv_cut import box_cut
from core.images.io import ImageArray

MAX_SIDE = 512
_COARSE_SIDE = 256
_CONTEXT = 0.5  # surroundings on each side, as a share of the box's longer side
_COMPONENTS = 6
_FIRST_COMPONENTS = 8
_SMOOTHNESS = 25.0
_FORCED = np.float32(50)
_CERTAINTY = np.float32(8)
_STROKE_SHARE = 0.08  # of the samples of a colour model
_STROKE_STRENGTH = 6.0
_STROKE_REACH = 0.25  # of the box's longer side
_STROKE_COLOR = 12.0  # Lab units, at most
_STROKE_CONTRAST = 0.5  # of the spread of the box's colours: grey images differ by less
_LEAST_PART = 0.02
_LEAST_HOLE = 0.01


@dataclass(frozen=True, slots=True)
class _Start:
    """``overlap``: what colours outside the box weigh against those inside in the guess.

    ``center``: the most that the place in the box alone counts, in log odds.
    """

    overlap: float
    center: float


_STARTS = (_Start(0.8, 2.5), _Start(1.0, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """The box and its surroundings at one scale; planes are (h, w)."""

    lab: npt.NDArray[np.float32]
    edges: EdgeWeights
    inside: Pixels
    center: Plane

    @property
    def colors(self) -> npt.NDArray[np.float32]:
        return self.lab.reshape(-1, 3)


@dataclass(frozen=True, slots=True, eq=False)
class _Stroke:
    region: Region
    foreground: bool


class GrabCut:
    """One object, cut out of the box drawn around it.

    ``solve`` gives the object's pixels; after ``add_stroke`` it starts from its last answer. The
    same calls give the same answers.

    Args:
        image: uint8 grey or BGR.
        box: box around the object.

    Raises:
        ValueError: the box has no pixel inside the image.
    """

    def __init__(self, image: ImageArray, box: Box) -> None:
        inside = intersect(box, whole_box(image))
        if inside is None:
            raise ValueError(f"box {box} has no pixel inside the image")
        margin = int(_CONTEXT * max(inside[2] - inside[0], inside[3] - inside[1])) + 8
        self._object_box = inside
        self._box = grow_box(inside, margin, (image.shape[1], image.shape[0]))
        self._image = as_bgr(crop(image, self._box))
        self._coarse = self._scene(_COARSE_SIDE)
        self._strokes: list[_Stroke] = []
        self._answer: Plane | None = None
        self._start = _STARTS[0]
        self._found: Pixels | None = None
        self._solved = 0  # strokes that the last answer knows

    @property
    def box(self) -> Box:
        """The part of the image looked at: the drawn box and its surroundings."""
        return self._box

    def add_stroke(self, region: Region, *, foreground: bool) -> None:
        """Say that the pixels of ``region`` are object (``foreground``) or not.

        Later strokes win. Object strokes may leave the drawn box, which grows around them; parts
        outside the surroundings are ignored.
        """
        part = region.clipped(self._box)
        part = None if part is None else part.tight()
        if part is None:
            return
        self._strokes.append(_Stroke(part, foreground))
        if foreground:
            box = self._object_box
            grown = (
                min(box[0], part.box[0]),
                min(box[1], part.box[1]),
                max(box[2], part.box[2]),
                max(box[3], part.box[3]),
            )
            if grown != box:
                self._object_box = grown
                self._coarse = self._scene(_COARSE_SIDE)

    def solve(self, *, cancelled: Callable[[], bool] = lambda: False) -> Region | None:
        """Return the object's pixels; None if there are none or ``cancelled`` said so.

        Args:
            cancelled: asked between steps, which take at most some tenths of a second.
        """
        if self._answer is None:
            answer = self._first_answer(cancelled)
        else:
            answer = self._improved(self._coarse, self._answer, self._start, 3, cancelled)
        if answer is None:
            return None
        fine = self._refined(*answer)
        if cancelled():
            return None
        self._answer, found = self._settled(answer[0], self._cleaned(fine))
        self._found, self._solved = found, len(self._strokes)
        return Region(self._box, found).tight()

    def _scene(self, side: int) -> _Scene:
        small = self._small(side)
        lab = to_lab(small)
        inside = self._inside(small)
        x0, y0, x1, y1 = self._scaled_box(small)
        x, y = np.arange(inside.shape[1]) + 0.5, np.arange(inside.shape[0]) + 0.5
        across = (x - (x0 + x1) / 2) / ((x1 - x0) / 2)
        along = (y - (y0 + y1) / 2) / ((y1 - y0) / 2)
        center = 0.85 - np.hypot(across[None], along[:, None])
        return _Scene(lab, EdgeWeights.of(lab), inside, center.astype(np.float32))

    def _small(self, side: int) -> ImageArray:
        """The box and its surroundings, at most ``side`` pixels wide and high."""
        height, width = self._image.shape[:2]
        scale = min(1.0, side / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        return np.asarray(cv2.resize(self._image, size, interpolation=cv2.INTER_AREA), np.uint8)

    def _inside(self, small: ImageArray) -> Pixels:
        """The pixels of ``small`` in the drawn box: at least one."""
        x0, y0, x1, y1 = self._scaled_box(small)
        x, y = np.arange(small.shape[1]) + 0.5, np.arange(small.shape[0]) + 0.5
        inside = ((x > x0) & (x < x1))[None] & ((y > y0) & (y < y1))[:, None]
        if not inside.any():
            inside[min(int(y0), small.shape[0] - 1), min(int(x0), small.shape[1] - 1)] = True
        return np.asarray(inside)

    def _scaled_box(self, small: ImageArray) -> tuple[float, float, float, float]:
        height, width = self._image.shape[:2]
        across, along = small.shape[1] / width, small.shape[0] / height
        x0, y0, x1, y1 = self._object_box
        left, top = self._box[:2]
        return ((x0 - left) * across, (y0 - top) * along, (x1 - left) * across, (y1 - top) * along)

    def _first_answer(self, cancelled: Callable[[], bool]) -> tuple[Plane, Plane] | None:
        """Let the guesses compete and return the best one's answer and cost."""
        scene = self._coarse
        best: tuple[float, _Start, Plane, Plane] | None = None
        for start, u in self._guesses(cancelled):
            answer = self._improved(scene, u, start, 5, cancelled)
            if answer is None:
                return None
            flaw = _flaw(scene, answer[0])
            if best is None or flaw < best[0]:
                best = (flaw, start, *answer)
        if best is None or cancelled():
            return None
        self._start = best[1]
        return best[2:]

    def _guesses(self, cancelled: Callable[[], bool]) -> Iterator[tuple[_Start, Plane]]:
        """Yield first answers; none that was cancelled, OpenCV's only where it has pixels enough.

        OpenCV's needs more than the coarse scale: at 256 pixels it finds far less.
        """
        scene = self._coarse
        for start in _STARTS:
            yield start, self._guess(scene, start)
        small = self._small(MAX_SIDE)
        cut = box_cut(small, self._inside(small), cancelled)
        if cut is not None:
            size = (scene.inside.shape[1], scene.inside.shape[0])
            u = cv2.resize(cut.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            yield _STARTS[0], np.asarray(u, np.float32)

    def _guess(self, scene: _Scene, start: _Start) -> Plane:
        """Object is what the box holds more of than its surroundings."""
        cost = -_prior(scene, start)
        outside = ~scene.inside.ravel()
        if np.count_nonzero(outside) >= _FIRST_COMPONENTS:
            one = np.ones(outside.shape, np.float32)
            inner = ColorModel.fit(
                scene.colors[~outside], one[~outside], components=_FIRST_COMPONENTS
            )
            outer = ColorModel.fit(
                scene.colors[outside], one[outside], components=_FIRST_COMPONENTS
            )
            excess = outer.log_density(scene.colors) - inner.log_density(scene.colors)
            share = np.clip(1 - start.overlap * np.exp(np.clip(excess, -20, 20)), 0.02, 0.98)
            cost = cost - np.log(share / (1 - share)).reshape(cost.shape)
        cost = self._forced(scene, cost.astype(np.float32))
        u = (cost < 0).astype(np.float32)
        return least_cut(cost, scene.edges, u, smoothness=_SMOOTHNESS / 2, steps=60)

    def _improved(
        self, scene: _Scene, u: Plane, start: _Start, rounds: int, cancelled: Callable[[], bool]
    ) -> tuple[Plane, Plane] | None:
        """Fit colours and cut in turns; return the answer and its cost, None if cancelled."""
        local = self._stroke_cost(scene)
        cost = self._forced(scene, (0.5 - u) * _CERTAINTY)
        for _ in range(rounds):
            if cancelled():
                return None
            likelihood = self._likelihood(scene, u)
            if likelihood is None:
                break
            cost = np.clip(-likelihood, -_CERTAINTY, _CERTAINTY) - _prior(scene, start) + local
            cost = self._forced(scene, cost)
            u = least_cut(cost, scene.edges, u, smoothness=_SMOOTHNESS, steps=60)
        return least_cut(cost, scene.edges, u, smoothness=_SMOOTHNESS, steps=90), cost

    def _likelihood(self, scene: _Scene, u: Plane) -> Plane | None:
        """Log ratio of the densities of object and surroundings; None if one has no pixels."""
        marks = self._marks(scene)
        weights = np.where(scene.inside | (marks > 0), u, 0).astype(np.float32)
        is_object = ((weights > 0.5) | (marks > 0)) & (marks >= 0)
        models = []
        for chosen, marked in ((is_object, marks > 0), (~is_object, marks < 0)):
            if np.count_nonzero(chosen) < _COMPONENTS:
                return None
            weight = np.ones(marks.shape, np.float32)
            if marked.any():  # a stroke of a few pixels must count among thousands
                share = _STROKE_SHARE * np.count_nonzero(chosen) / np.count_nonzero(marked)
                weight[marked] += np.float32(share)
            models.append(
                ColorModel.fit(scene.colors[chosen.ravel()], weight[chosen], components=_COMPONENTS)
            )
        ratio = models[0].log_density(scene.colors) - models[1].log_density(scene.colors)
        return ratio.reshape(u.shape)

    def _marks(self, scene: _Scene) -> npt.NDArray[np.int8]:
        """Strokes at the scene's scale: 1 object, -1 not, 0 unsaid."""
        marks = np.zeros(scene.inside.shape, np.int8)
        for stroke in self._strokes:
            marks[self._scaled(stroke.region, scene)] = 1 if stroke.foreground else -1
        return marks

    def _scaled(self, region: Region, scene: _Scene) -> Pixels:
        """The pixels of a scene that a region touches."""
        rows, columns = np.nonzero(region.pixels)
        height, width = scene.inside.shape
        pixels = np.zeros((height, width), np.bool_)
        y = (rows + region.box[1] - self._box[1]) * height // self._image.shape[0]
        x = (columns + region.box[0] - self._box[0]) * width // self._image.shape[1]
        pixels[y, x] = True
        return pixels

    def _stroke_cost(self, scene: _Scene) -> Plane:
        """Strokes speak for what is near them and of their colour."""
        cost = np.zeros(scene.inside.shape, np.float32)
        rows, columns = np.nonzero(scene.inside)
        reach = _STROKE_REACH * max(np.ptp(rows) + 1, np.ptp(columns) + 1)
        spread = float(np.sqrt(scene.lab[scene.inside].var(axis=0).sum()))
        likeness = min(max(_STROKE_CONTRAST * spread, 1.0), _STROKE_COLOR)
        for stroke in self._strokes:
            pixels = self._scaled(stroke.region, scene)
            color = np.median(scene.lab[pixels], axis=0)
            unlike = ((scene.lab - color) ** 2).sum(axis=2) / (2 * likeness**2)
            away = cv2.distanceTransform((~pixels).astype(np.uint8), cv2.DIST_L2, 5)
            pull = _STROKE_STRENGTH * np.exp(-unlike - (np.asarray(away) / reach) ** 2)
            cost += -pull if stroke.foreground else pull
        return cost

    def _forced(self, scene: _Scene, cost: Plane) -> Plane:
        marks = self._marks(scene)
        cost = np.where(scene.inside, cost, _FORCED)
        return np.where(marks == 0, cost, -_FORCED * marks).astype(np.float32)

    def _refined(self, u: Plane, cost: Plane) -> Plane:
        """Bring the coarse answer to the image's own scale along the image's edges."""
        height, width = self._image.shape[:2]
        if max(height, width) > max(u.shape):
            scene = self._scene(MAX_SIDE)
            size = (scene.inside.shape[1], scene.inside.shape[0])
            scale = size[0] / u.shape[1]
            u = np.asarray(cv2.resize(u, size), np.float32)
            cost = self._forced(scene, np.asarray(cv2.resize(cost, size), np.float32))
            smoothness = _SMOOTHNESS * max(scale, 1.0)
            u = least_cut(cost, scene.edges, u, smoothness=smoothness, steps=40)
        if max(height, width) > max(u.shape):
            u = guided_filter(self._image, u)
        return u

    def _cleaned(self, u: Plane) -> Pixels:
        """Drop specks and fill holes, but for those a stroke asked for."""
        pixels = u > 0.5
        marks = self._full_marks(self._strokes)
        pixels = (pixels | (marks > 0)) & (marks >= 0)
        area = int(np.count_nonzero(pixels))
        pixels &= ~_small_parts(pixels, _LEAST_PART * area, keep=marks > 0)
        return pixels | _small_parts(~pixels, _LEAST_HOLE * area, keep=marks < 0)

    def _settled(self, u: Plane, found: Pixels) -> tuple[Plane, Pixels]:
        """Keep of the new answer what the strokes since the last one can have meant.

        Returns ``u``, which agrees with the pixels, and the pixels.
        """
        fresh = self._strokes[self._solved :]
        if self._found is None or not fresh:
            return u, found
        x0, y0, x1, y1 = self._object_box
        settled = changed_by_strokes(
            self._found, found, self._full_marks(fresh), side=max(x1 - x0, y1 - y0)
        )
        size = (u.shape[1], u.shape[0])
        small = cv2.resize(settled.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        u = np.where((np.asarray(small) > 0.5) == (u > 0.5), u, small).astype(np.float32)
        return u, settled

    def _full_marks(self, strokes: list[_Stroke]) -> npt.NDArray[np.int8]:
        """Strokes at the image's own scale: 1 object, -1 not, 0 unsaid."""
        marks = np.zeros(self._image.shape[:2], np.int8)
        for stroke in strokes:
            part = stroke.region.shifted(-self._box[0], -self._box[1])
            crop(marks, part.box)[part.pixels] = 1 if stroke.foreground else -1
        return marks


def _prior(scene: _Scene, start: _Start) -> Plane:
    """Log odds of being object by the place in the box alone."""
    return np.clip(3 * scene.center, -start.center, start.center)


def _flaw(scene: _Scene, u: Plane) -> float:
    """How unlikely an answer is: it misses the box's sides, or its outline lies off the edges."""
    pixels = u > 0.5
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not rows.size:
        return np.inf
    inside_rows = np.flatnonzero(scene.inside.any(axis=1))
    inside_columns = np.flatnonzero(scene.inside.any(axis=0))
    gap = (np.ptp(inside_rows) - np.ptp(rows)) / (np.ptp(inside_rows) + 1)
    gap += (np.ptp(inside_columns) - np.ptp(columns)) / (np.ptp(inside_columns) + 1)
    across = pixels[:, 1:] != pixels[:, :-1]
    along = pixels[1:] != pixels[:-1]
    cut = float(scene.edges.right[:, :-1][across].sum() + scene.edges.down[:-1][along].sum())
    length = int(np.count_nonzero(across)) + int(np.count_nonzero(along))
    return float(gap) + cut / max(length, 1)


def _small_parts(pixels: Pixels, least: float, *, keep: Pixels) -> Pixels:
    """Connected parts of fewer than ``least`` pixels, but for those that touch ``keep``."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        pixels.astype(np.uint8), connectivity=4
    )
    small = np.asarray(stats)[:, cv2.CC_STAT_AREA] < least
    small[0] = False
    small[np.unique(np.asarray(labels)[keep])] = False
    assert len(small) == count
    return np.asarray(small[np.asarray(labels)])
