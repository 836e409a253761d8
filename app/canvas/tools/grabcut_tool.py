"""Cutting an object out of a box, corrected by strokes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen

from app.canvas.editor import Editor
from app.canvas.tool_drawing import draw_box
from app.canvas.tools.host import ToolHost
from app.canvas.tools.tool import Pending, Pointer, Tool
from app.services.background import Progress, Task
from core.annotation.brush import Brush, sweep
from core.annotation.edits import Box, Region, intersect, joined, whole_box
from core.annotation.grabcut import GrabCut
from core.system.messages import Message, message

_LEAST_SIDE = 4


class GrabCutTool(Tool):
    """First a box, then strokes on what is missing and, with the right button, on what is wrong.

    The object is worked out in the background; Enter paints it.
    """

    key: ClassVar[str] = "grabcut"
    title: ClassVar[Message] = message("Object in a box")
    icon: ClassVar[str] = "tool-grabcut"
    shortcut: ClassVar[str] = "C"
    hint: ClassVar[Message] = message("Drag a box around an object")
    stroke_hint: ClassVar[Message] = message(
        "Stroke over what is missing · right button: over what is wrong · Enter: paint · Esc: drop"
    )
    small_hint: ClassVar[Message] = message(
        "The box is too small to hold an object: finish it, or discard it."
    )
    nothing_hint: ClassVar[Message] = message(
        "No object was found in the box: stroke over it, or discard the box."
    )
    options: ClassVar[tuple[str, ...]] = ("brush_size", "only_over")
    main_option: ClassVar[str] = "brush_size"
    drags: ClassVar[bool] = True

    def __init__(self, editor: Editor, view: ToolHost) -> None:
        super().__init__(editor, view)
        self._corner: Pointer | None = None
        self._pointer: Pointer | None = None
        self._grabcut: GrabCut | None = None
        self._found: Region | None = None
        self._stroke: Region | None = None
        self._points: list[tuple[float, float]] = []
        self._removes = False
        self._waiting: list[Task] = []
        self._accept_when_done = False

    @property
    def busy(self) -> bool:
        """Whether a box is drawn."""
        return self._corner is not None or self._grabcut is not None or bool(self._waiting)

    def pending(self) -> Pending | None:
        """Complete where an object is proposed or being looked for."""
        if self._corner is not None:
            end = self._pointer or self._corner
            return Pending(None if self._box_between(self._corner, end) else self.small_hint)
        if self._waiting or self._found is not None:
            return Pending()
        return None if self._grabcut is None else Pending(self.nothing_hint)

    def shown_hint(self) -> Message:
        """Box or strokes."""
        return self.hint if self._grabcut is None else self.stroke_hint

    def pressed(self, pointer: Pointer) -> None:
        """Begin the box, or a stroke."""
        if not self.editor.may_paint(self.editor.class_id):
            return
        self._pointer = pointer
        if self._grabcut is None:
            if not self._waiting:
                self._corner = pointer
            return
        self._removes = pointer.right
        self._points = [pointer.point]
        self._stroke = None
        self._add_to_stroke(pointer)

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Go on with it."""
        self._pointer = pointer
        if self._points and pressed:
            self._add_to_stroke(pointer)
        elif self._corner is not None or self._grabcut is not None:
            self.view.update()

    def released(self, pointer: Pointer) -> None:
        """Look for the object."""
        corner, self._corner = self._corner, None
        self._pointer = pointer
        stroke, self._stroke, self._points = self._stroke, None, []
        image, grabcut = self.editor.image(), self._grabcut
        if corner is not None and image is not None:
            box = self._box_between(corner, pointer)
            if box is not None:
                self._solve(lambda: GrabCut(image, box))
        elif grabcut is not None and stroke is not None:
            foreground = not self._removes

            def add() -> GrabCut:
                grabcut.add_stroke(stroke, foreground=foreground)
                return grabcut

            self._solve(add)
        self.view.update()

    def double_clicked(self, pointer: Pointer) -> None:
        """Another dab."""
        self.pressed(pointer)

    def accept(self) -> None:
        """Paint the object, as soon as it is known."""
        if self._waiting:
            self._accept_when_done = True
        elif self._found is not None:
            found = self._found
            self.cancel()
            self.editor.paint(found, self.editor.class_id, name=self.name)

    def cancel(self) -> None:
        """Drop it."""
        self._corner = self._grabcut = self._found = self._stroke = None
        self._points = []
        for task in self._waiting:
            task.cancel()
        self._waiting = []
        self._accept_when_done = False
        self.view.renew_preview()

    def step_back(self) -> None:
        """Drop it."""
        self.cancel()

    def preview(self) -> Region | None:
        """The object."""
        return self._found

    def paint(self, painter: QPainter) -> None:
        """Draw the box or the stroke."""
        color = self.view.class_color(self.editor.class_id)
        if self._corner is not None and self._pointer is not None:
            draw_box(
                painter,
                self.view.to_widget(*self._corner.point),
                self.view.to_widget(*self._pointer.point),
                color,
            )
        if self._points:
            ink = QColor(213, 94, 0) if self._removes else QColor(0, 158, 115)
            ink.setAlpha(180)
            pen = QPen(ink, max(2.0, self.editor.options.brush_size * self.view.pixel_size))
            pen.setCapStyle(pen.capStyle().RoundCap)
            pen.setJoinStyle(pen.joinStyle().RoundJoin)
            painter.setPen(pen)
            points: list[QPointF] = [self.view.to_widget(*point) for point in self._points]
            painter.drawPolyline([*points, points[-1] + QPointF(0.01, 0)])

    def _box_between(self, corner: Pointer, opposite: Pointer) -> Box | None:
        """Return the box between two places, None where it is too small for an object."""
        document = self.editor.document
        if document is None:
            return None
        (x0, y0), (x1, y1) = corner.pixel, opposite.pixel
        box = (min(x0, x1), min(y0, y1), max(x0, x1) + 1, max(y0, y1) + 1)
        inside = intersect(box, whole_box(document.mask))
        if inside is None or min(inside[2] - inside[0], inside[3] - inside[1]) < _LEAST_SIDE:
            return None
        return box

    def _add_to_stroke(self, pointer: Pointer) -> None:
        document = self.editor.document
        if document is None:
            return
        brush = Brush(self.editor.options.brush_size)
        part = sweep(self._points[-1], pointer.point, brush=brush, size=document.size)
        self._points.append(pointer.point)
        if part is not None:
            self._stroke = part if self._stroke is None else joined(self._stroke, part)
        self.view.update()

    def _solve(self, prepare: Callable[[], GrabCut]) -> None:
        """Look for the object in the background, in the order of the strokes."""

        def work(progress: Progress) -> tuple[GrabCut, Region | None]:
            grabcut = prepare()
            return grabcut, grabcut.solve(cancelled=lambda: progress.cancelled)

        self._waiting.append(
            self.editor.tasks.start(work, on_done=self._on_solved, on_failed=self._on_failed)
        )

    def _on_solved(self, result: tuple[GrabCut, Region | None]) -> None:
        self._waiting.pop(0)
        self._grabcut, self._found = result
        self.view.renew_preview()
        if self._accept_when_done and not self._waiting:
            self._accept_when_done = False
            self.accept()

    def _on_failed(self, error: Exception) -> None:
        self.cancel()
        self.editor.failed.emit(error)
