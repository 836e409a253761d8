"""What tests do in the Labelling panel: open images, paint, save."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

LEFT = Qt.MouseButton.LeftButton


def labelling_panel(opened, qtbot):
    """Go to the panel and return it with its first image open."""
    area = opened.window.work_area
    area.show_panel("labelling")
    made = area.panels["labelling"]
    settle(qtbot, made)
    qtbot.waitUntil(lambda: made.editor.document is not None, timeout=20_000)
    return made


def settle(qtbot, panel) -> None:
    timer = panel.images._timer
    qtbot.waitUntil(
        lambda: not panel.busy and not panel.session.pending and not timer.isActive(),
        timeout=20_000,
    )


def send(panel, kind, x, y, buttons=LEFT) -> None:
    canvas = panel.view.canvas
    place = QPointF(canvas.to_widget(x + 0.5, y + 0.5).toPoint())
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else LEFT
    event = QMouseEvent(
        kind, place, canvas.mapToGlobal(place), button, buttons, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(canvas, event)


def stroke(panel, *points) -> None:
    send(panel, QEvent.Type.MouseButtonPress, *points[0])
    for point in points[1:]:
        send(panel, QEvent.Type.MouseMove, *point)
    send(panel, QEvent.Type.MouseButtonRelease, *points[-1], Qt.MouseButton.NoButton)


def trigger(panel, key: str) -> None:
    panel.workspace.actions[key].trigger()


def open_image(qtbot, panel, image_id: int) -> None:
    panel.images.open(image_id)
    qtbot.waitUntil(
        lambda: panel.session.row is not None and panel.session.row.id == image_id, timeout=20_000
    )


def saved(panel, image_id: int) -> np.ndarray:
    mask = panel.project.label_map(image_id)
    assert mask is not None
    return mask
