"""Label maps as regions and their outlines, so that drawing them gives the same label map."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import ImageArray

Ring = npt.NDArray[np.int32]
"""(N, 2) x, y of pixel centres along an outline; the pixels on it belong to the region."""


@dataclass(frozen=True, slots=True)
class Region:
    """Connected pixels of one value: ``stencil`` (h, w) uint8 0 or 1 with its corner at x, y."""

    value: int
    x: int
    y: int
    stencil: ImageArray


def regions(mask: ImageArray, *, skip: Collection[int] = ()) -> list[Region]:
    """Cut a label map into regions, those with the largest boxes first.

    Pixels that touch only at corners are not connected. So no region crosses another: where one
    lies in a hole of another its box is smaller, and filling the outlines in this order, holes
    and all, gives the label map again.

    Args:
        mask: (H, W) uint8.
        skip: values that are left out.
    """
    found: list[Region] = []
    for value in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)):
        if value in skip:
            continue
        x0, y0, width, height = cv2.boundingRect((mask == value).view(np.uint8))
        part = (mask[y0 : y0 + height, x0 : x0 + width] == value).view(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=4)
        for number in range(1, count):
            x, y, w, h = (int(stat) for stat in stats[number, :4])
            stencil = (labels[y : y + h, x : x + w] == number).view(np.uint8)
            found.append(Region(int(value), x0 + x, y0 + y, stencil))
    found.sort(key=lambda region: -region.stencil.size)
    return found


def touches_border(region: Region, mask: ImageArray) -> bool:
    """Whether a region reaches the edge of its label map, so that no other encloses it."""
    height, width = region.stencil.shape
    return (
        region.x == 0
        or region.y == 0
        or region.x + width == mask.shape[1]
        or region.y + height == mask.shape[0]
    )


def outer_ring(region: Region) -> Ring:
    """Return the outline without the holes, in pixels of the image."""
    contours, _ = cv2.findContours(region.stencil, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    corner = np.array((region.x, region.y), np.int32)
    return np.asarray(contours[0].reshape(-1, 2) + corner, np.int32)


def keyhole_ring(region: Region) -> Ring:
    """Return one outline that goes around the holes, too, joined to them by double lines.

    Each hole is joined along its row to what is left of it, over pixels of the region only, so
    that filling by the even-odd rule (``cv2.fillPoly``) gives exactly the region.
    """
    contours, tree = cv2.findContours(region.stencil, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rings = [contour.reshape(-1, 2) for contour in contours]
    if len(rings) == 1:
        return outer_ring(region)
    outer = next(index for index, links in enumerate(tree[0]) if links[3] < 0)
    ring = _join(region.stencil, rings, outer)
    return _without_straight_points(ring) + np.array((region.x, region.y), np.int32)


def _join(stencil: ImageArray, rings: list[Ring], outer: int) -> Ring:
    """Join all rings to the outer one.

    The points are a linked list. A hole's ring is spliced in at the point where the row of its
    leftmost pixel leaves the region; what is there has a pixel farther left, so no circle arises.
    """
    points = [(int(x), int(y)) for ring in rings for x, y in ring]
    starts = [0, *np.cumsum([len(ring) for ring in rings]).tolist()]
    chain = _Chain(points, starts)
    # What is no part of the region, in a frame that makes all the outside one piece.
    _, labels = cv2.connectedComponents(np.pad(1 - stencil, 1, constant_values=1), connectivity=4)
    owner = {int(labels[0, 0]): outer}
    leftmost = {}
    for index, ring in enumerate(rings):
        if index != outer:
            place = _left_of_hole(ring, labels)
            leftmost[index] = place
            x, y = rings[index][place]
            owner[int(labels[y + 1, x + 2])] = index
    node = {
        (index, *points[starts[index] + place]): starts[index] + place
        for index, ring in enumerate(rings)
        for place in range(len(ring))
    }
    for index, place in leftmost.items():
        x, y = (int(value) for value in rings[index][place])
        end = x
        while end > 0 and stencil[y, end - 1]:
            end -= 1
        target = node[owner[int(labels[y + 1, end])], end, y]
        chain.splice(target, starts[index] + place)
    return chain.ring(starts[outer])


class _Chain:
    """Closed chains of points, doubly linked by their numbers."""

    def __init__(self, points: list[tuple[int, int]], starts: list[int]) -> None:
        self._points = points
        self._next = [number + 1 for number in range(len(points))]
        self._previous = [number - 1 for number in range(len(points))]
        for start, stop in itertools.pairwise(starts):
            self._next[stop - 1] = start
            self._previous[start] = stop - 1

    def splice(self, target: int, start: int) -> None:
        """Go from ``target`` to ``start``, around its chain, back to both, and on."""
        end, back = len(self._points), len(self._points) + 1
        last, after = self._previous[start], self._next[target]
        self._points += [self._points[start], self._points[target]]
        self._next += [back, after]
        self._previous += [last, end]
        self._next[last], self._next[target] = end, start
        self._previous[start], self._previous[after] = target, back

    def ring(self, start: int) -> Ring:
        """Return the points of a chain in their order."""
        found = [self._points[start]]
        current = self._next[start]
        while current != start:
            found.append(self._points[current])
            current = self._next[current]
        return np.array(found, np.int32)


def _left_of_hole(ring: Ring, labels: npt.NDArray[np.int32]) -> int:
    """Return the place in a hole's ring that is just left of the hole's leftmost pixel."""
    inside = labels[ring[:, 1] + 1, ring[:, 0] + 2] > 0  # the pixel to the right is in a hole
    candidates = np.flatnonzero(inside)
    return int(candidates[ring[candidates, 0].argmin()])


def _without_straight_points(ring: Ring) -> Ring:
    """Drop points in the middle of a straight line; ends of a line gone twice stay."""
    before = ring - np.roll(ring, 1, axis=0)
    after = np.roll(ring, -1, axis=0) - ring
    return np.asarray(ring[(before != after).any(axis=1)], np.int32)
