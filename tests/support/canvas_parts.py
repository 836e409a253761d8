"""A canvas on a small image, driven by events as a user would."""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.canvas.editor import Editor
from app.canvas.tools import TOOLS
from app.canvas.view import CanvasView
from core.annotation.document import MaskDocument
from core.annotation.image_pyramid import make_pyramid

LEFT, RIGHT, MIDDLE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
)
NONE, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
DISC = (40, 30, 12)
"""Centre and radius of the bright disc in ``disc_image``."""


def disc_image(width: int = 100, height: int = 80) -> np.ndarray:
    """A bright disc on a dark ground."""
    image = np.full((height, width, 3), 40, np.uint8)
    cv2.circle(image, DISC[:2], DISC[2], (200, 210, 220), -1)
    return image


def disc_mask(width: int = 100, height: int = 80) -> np.ndarray:
    """Where the disc is."""
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, DISC[:2], DISC[2], 1, -1)
    return mask.astype(bool)


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two bool arrays."""
    return float((first & second).sum() / max(1, (first | second).sum()))


class Pointing:
    """A mouse over a canvas; places are image pixels."""

    def __init__(self, view: CanvasView) -> None:
        self.view = view

    def at(self, x: float, y: float) -> QPoint:
        """The widget's pixel over the middle of an image pixel."""
        return self.view.to_widget(x + 0.5, y + 0.5).toPoint()

    def mouse(self, kind, x, y, *, button=LEFT, held=None, keys=NONE) -> None:
        place = QPointF(self.at(x, y))
        buttons = button if held is None else held
        event = QMouseEvent(kind, place, self.view.mapToGlobal(place), button, buttons, keys)
        QApplication.sendEvent(self.view, event)

    def move(self, x, y, *, held=Qt.MouseButton.NoButton, keys=NONE) -> None:
        self.mouse(
            QEvent.Type.MouseMove, x, y, button=Qt.MouseButton.NoButton, held=held, keys=keys
        )

    def press(self, x, y, *, button=LEFT, keys=NONE) -> None:
        self.mouse(QEvent.Type.MouseButtonPress, x, y, button=button, keys=keys)

    def release(self, x, y, *, button=LEFT, keys=NONE) -> None:
        self.mouse(
            QEvent.Type.MouseButtonRelease,
            x,
            y,
            button=button,
            held=Qt.MouseButton.NoButton,
            keys=keys,
        )

    def click(self, x, y, *, button=LEFT, keys=NONE) -> None:
        self.move(x, y, keys=keys)
        self.press(x, y, button=button, keys=keys)
        self.release(x, y, button=button, keys=keys)

    def double_click(self, x, y) -> None:
        self.click(x, y)
        self.mouse(QEvent.Type.MouseButtonDblClick, x, y)
        self.release(x, y)

    def drag(self, *points, button=LEFT, keys=NONE) -> None:
        self.press(*points[0], button=button, keys=keys)
        for point in points[1:]:
            self.move(*point, held=button, keys=keys)
        self.release(*points[-1], button=button, keys=keys)


class Bench(Pointing):
    """Editor, canvas and tools."""

    def __init__(self, image: np.ndarray | None = None, mask: np.ndarray | None = None) -> None:
        pixels = disc_image() if image is None else image
        self.editor = Editor()
        super().__init__(CanvasView(self.editor))
        self.view.resize(520, 420)
        self.tools = {tool.key: tool(self.editor, self.view) for group in TOOLS for tool in group}
        self.committed: list[object] = []
        self.errors: list[Exception] = []
        self.editor.committed.connect(self.committed.append)
        self.editor.failed.connect(self.errors.append)
        start = np.zeros(pixels.shape[:2], np.uint8) if mask is None else mask
        self.editor.show(MaskDocument(start, 7), make_pyramid(pixels))
        self.view.show()
        self.view.setFocus()

    @property
    def mask(self) -> np.ndarray:
        assert self.editor.document is not None
        return self.editor.document.mask

    def take(self, key: str):
        self.view.set_tool(self.tools[key])
        return self.tools[key]

    def wheel(self, steps: int, *, keys=NONE) -> None:
        place = QPointF(self.view.width() / 2, self.view.height() / 2)
        event = QWheelEvent(
            place,
            self.view.mapToGlobal(place),
            QPoint(),
            QPoint(0, 120 * steps),
            Qt.MouseButton.NoButton,
            keys,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.view, event)

    def key(self, key, keys=NONE) -> None:
        QTest.keyClick(self.view, key, keys)

    def settle(self, qtbot) -> None:
        qtbot.waitUntil(lambda: not self.editor.tasks.busy, timeout=20_000)

    def close(self) -> None:
        self.editor.shut_down()
        self.view.close()
        self.view.deleteLater()
        self.editor.deleteLater()
