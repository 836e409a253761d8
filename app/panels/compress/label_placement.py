"""Where the labels of a plot's points stand, so that none lies on another or on a point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF

_GAP = 4.0  # pixels between a point's rim and its label


@dataclass(frozen=True, slots=True)
class PointLabel:
    """A label of ``size`` for a point of ``radius``; everything in pixels.

    ``needed``: it is shown even where it has to cover something.
    """

    point: QPointF
    size: QSizeF
    radius: float
    needed: bool = False


def place_labels(
    labels: Sequence[PointLabel], *, points: Sequence[QRectF], bounds: QRectF
) -> list[QRectF | None]:
    """Return a place for each label, None for one that has no room.

    Earlier labels choose first: right of the point, left, below, above, then the corners.

    Args:
        labels: in the order in which they choose.
        points: what the points cover; a label's own point is among them.
        bounds: where labels may stand.
    """
    taken = list(points)
    places: list[QRectF | None] = []
    for label in labels:
        inside = [place for place in _around(label) if bounds.contains(place)]
        free = (place for place in inside if not any(place.intersects(one) for one in taken))
        place = next(free, None)
        if place is None and label.needed:
            place = min(inside or _around(label), key=lambda one: _covered(one, taken))
        if place is not None:
            taken.append(place)
        places.append(place)
    return places


def _around(label: PointLabel) -> Iterator[QRectF]:
    width, height = label.size.width(), label.size.height()
    away, slant = label.radius + _GAP, label.radius * 0.7 + _GAP / 2
    for dx, dy in (
        (away, -height / 2),
        (-away - width, -height / 2),
        (-width / 2, away),
        (-width / 2, -away - height),
        (slant, slant),
        (-slant - width, -slant - height),
        (-slant - width, slant),
        (slant, -slant - height),
    ):
        yield QRectF(label.point + QPointF(dx, dy), label.size)


def _covered(place: QRectF, taken: Sequence[QRectF]) -> float:
    common = (place.intersected(one) for one in taken)
    return sum(one.width() * one.height() for one in common)
