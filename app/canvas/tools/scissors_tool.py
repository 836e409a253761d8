"""Intelligent scissors: an outline that follows edges of the image between clicks."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QPainter

from app.canvas.editor import Editor
from app.canvas.tool_drawing import draw_handles, draw_line
from app.canvas.tools.host import ToolHost
from app.canvas.tools.tool import Pending, Pointer, Tool
from app.services.background import Progress
from core.annotation.polygon import Polygon, polygon_region, spans_area
from core.annotation.scissors import Scissors
from core.system.messages import Message, message

_Path = npt.NDArray[np.float64]
_SNAP = 4.0  # widget pixels; who has zoomed in means the pixel that is clicked
_MOST_SNAP = 4  # image pixels


class ScissorsTool(Tool):
    """The map of edges around an anchor is worked out in the background, paths follow at once."""

    key: ClassVar[str] = "scissors"
    title: ClassVar[Message] = message("Scissors")
    icon: ClassVar[str] = "tool-scissors"
    shortcut: ClassVar[str] = "S"
    hint: ClassVar[Message] = message(
        "Click along an edge · Shift+click: straight · Enter: close · Backspace: back"
    )
    options: ClassVar[tuple[str, ...]] = ("only_over",)

    def __init__(self, editor: Editor, view: ToolHost) -> None:
        super().__init__(editor, view)
        self._scissors: Scissors | None = None
        self._anchors: list[tuple[float, float]] = []
        self._outline: _Path = np.zeros((0, 2))
        self._path: _Path | None = None
        self._pointer: Pointer | None = None
        self._waiting = 0
        self._is_closing = False

    @property
    def busy(self) -> bool:
        """Whether an outline is begun."""
        return bool(self._anchors)

    def pending(self) -> Pending | None:
        """Complete with three anchors that are not in one line, or while it is being closed."""
        if not self._anchors:
            return None
        if self._is_closing or spans_area(self._anchors):
            return Pending()
        return Pending(message("The path cannot be closed yet: finish it, or discard it."))

    def pressed(self, pointer: Pointer) -> None:
        """Add an anchor."""
        if pointer.right:
            self.step_back()
            return
        image = self.editor.image()
        if image is None or not self.editor.may_paint(self.editor.class_id):
            return
        x, y = pointer.point
        if not self._anchors:
            self._scissors = Scissors(image)
        scissors = self._scissors
        assert scissors is not None
        is_first = not self._anchors
        self._anchors.append(pointer.point)

        snap = min(_MOST_SNAP, int(_SNAP / self.view.pixel_size))

        def add(_progress: Progress) -> None:
            scissors.snap = snap
            if is_first:
                scissors.start(x, y)
            else:
                scissors.add_anchor(x, y, straight=pointer.shift)

        self._work(add, scissors)

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Let the line follow the pointer."""
        self._pointer = pointer
        if self._anchors:
            self._follow()
            self.view.update()

    def double_clicked(self, pointer: Pointer) -> None:
        """Close; the first click was the last anchor."""
        self.accept()

    def accept(self) -> None:
        """Close the outline and paint what is inside."""
        scissors, document = self._scissors, self.editor.document
        if scissors is None or document is None or len(self._anchors) < 2 or self._is_closing:
            return
        size = document.size

        def close(_progress: Progress) -> _Path:
            return scissors.close()

        def paint(outline: _Path) -> None:
            if self._scissors is scissors:
                self._forget()
                if len(outline) >= 3:
                    region = polygon_region(Polygon.of(outline), size)
                    self.editor.paint(region, self.editor.class_id, name=self.name)

        self._waiting += 1
        self._is_closing = True
        self.editor.tasks.start(close, on_done=paint, on_failed=self._fail)

    def cancel(self) -> None:
        """Drop the outline."""
        self._forget()

    def step_back(self) -> None:
        """Take the last anchor back."""
        scissors = self._scissors
        if scissors is None or len(self._anchors) < 2:
            self._forget()
            return
        self._anchors.pop()
        self._work(lambda _progress: scissors.remove_anchor(), scissors)

    def paint(self, painter: QPainter) -> None:
        """Draw outline, path and anchors."""
        if not self._anchors:
            return
        color = self.view.class_color(self.editor.class_id)
        outline = [self.view.to_widget(x, y) for x, y in self._outline.tolist()]
        if len(outline) > 1:
            draw_line(painter, outline, color)
        if self._path is not None and not self._waiting:
            path = [self.view.to_widget(x, y) for x, y in self._path.tolist()]
            draw_line(painter, path, color, dashed=True)
        elif self._pointer is not None:
            ends = [
                self.view.to_widget(*self._anchors[-1]),
                self.view.to_widget(*self._pointer.point),
            ]
            draw_line(painter, ends, color, dashed=True)
        draw_handles(painter, [self.view.to_widget(*anchor) for anchor in self._anchors], color)

    def _work(self, work: Callable[[Progress], object], scissors: Scissors) -> None:
        """Change the scissors in the background, in the order of the clicks."""

        def done(_result: object) -> None:
            if self._scissors is not scissors:
                return
            self._waiting -= 1
            if not self._waiting:
                self._anchors = list(scissors.anchors)
                self._outline = scissors.outline
                self._follow()
            self.view.update()

        self._waiting += 1
        self._path = None
        self.editor.tasks.start(work, on_done=done, on_failed=self._fail)
        self.view.update()

    def _follow(self) -> None:
        if self._scissors is not None and not self._waiting and self._pointer is not None:
            pointer = self._pointer
            self._path = self._scissors.path_to(*pointer.point, straight=pointer.shift)

    def _fail(self, error: Exception) -> None:
        self._forget()
        self.editor.failed.emit(error)

    def _forget(self) -> None:
        self._scissors = None
        self._anchors = []
        self._outline = np.zeros((0, 2))
        self._path = None
        self._waiting = 0
        self._is_closing = False
        self.view.update()
