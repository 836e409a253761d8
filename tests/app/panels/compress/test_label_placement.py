"""Labels of a plot's points never lie on each other or on a point."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import recorded_compression as recorded
from compression_parts import context, panel, project, root, show
from PySide6.QtCore import QPointF, QRectF, QSizeF

from app.panels.compress.label_placement import PointLabel, place_labels

__all__ = ["context", "panel", "project", "root"]
BOUNDS = QRectF(0, 0, 400, 300)
SIZE = QSizeF(90, 18)


def box(point: QPointF) -> QRectF:
    return QRectF(point - QPointF(6, 6), QSizeF(12, 12))


def place(points: list[QPointF], *, needed: int = -1) -> list[QRectF | None]:
    labels = [PointLabel(point, SIZE, 6.0, needed=i == needed) for i, point in enumerate(points)]
    return place_labels(labels, points=[box(point) for point in points], bounds=BOUNDS)


def test_a_label_alone_stands_to_the_right_or_where_there_is_room() -> None:
    (right,) = place([QPointF(200, 150)])
    assert right is not None and right.left() > 206 and right.center().y() == 150
    (left,) = place([QPointF(390, 150)])
    assert left is not None and left.right() < 384


def test_random_points_get_labels_that_cover_nothing() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        points = [QPointF(*rng.uniform((0, 0), (400, 300))) for _ in range(12)]
        placed = [one for one in place(points) if one is not None]
        assert placed
        assert all(BOUNDS.contains(one) for one in placed)
        assert not any(first.intersects(second) for first, second in combinations(placed, 2))
        assert not any(one.intersects(box(point)) for one in placed for point in points)


def test_only_a_label_that_is_needed_covers_something() -> None:
    around = [
        QPointF(200 + dx, 150 + dy) for dx in range(-120, 121, 20) for dy in (-40, -20, 0, 20)
    ]
    points = [QPointF(200, 150), *around]
    assert place(points)[0] is None
    shown = place(points, needed=0)[0]
    assert shown is not None and BOUNDS.contains(shown)


def test_names_of_variants_that_are_alike_stay_readable(qtbot, panel, project, root) -> None:
    recorded.record_measurement(project, root, recorded.FLOAT)
    for step in range(1, 4):
        near = recorded.changed(
            recorded.FLOAT,
            latency_ms=4.4 - 0.02 * step,
            miou=0.71 - 0.001 * step,
        )
        recorded.record_pruning(project, root, near)
    show(qtbot, panel, project)
    plot = panel.page.variants.plot
    assert len(plot._front_indices()) == 4
    for size in ((500, 400), (260, 300)):
        plot.resize(*size)
        qtbot.wait(1)
        boxes = [label.sceneBoundingRect() for label in plot._labels]
        assert boxes
        assert not any(first.intersects(second) for first, second in combinations(boxes, 2))
