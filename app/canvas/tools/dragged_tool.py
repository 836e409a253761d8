"""What shapes that are drawn in one go have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from PySide6.QtGui import QColor

from app.canvas.editor import BACKGROUND
from app.canvas.tools.tool import UNFINISHED, Pending, Pointer, Tool
from core.annotation.shapes import Outline
from core.system.messages import Message


class DraggedTool(Tool):
    """Press, drag, release; the right button erases."""

    options: ClassVar[tuple[str, ...]] = ("only_over",)
    drags: ClassVar[bool] = True
    unfinished_hint: ClassVar[Message] = UNFINISHED

    _start: Pointer | None = None
    _end: Pointer | None = None

    @property
    def busy(self) -> bool:
        """Whether a shape is being dragged."""
        return self._start is not None

    def pending(self) -> Pending | None:
        """Complete where letting go here would paint something."""
        if self._start is None:
            return None
        return Pending(None if self.outline() is not None else self.unfinished_hint)

    def pressed(self, pointer: Pointer) -> None:
        """Begin."""
        class_id = BACKGROUND if pointer.right else self.editor.class_id
        if self.editor.may_paint(class_id):
            self._start = self._end = pointer
            self.view.update()

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Go on."""
        if self._start is not None:
            self._end = pointer
            self.view.update()

    def released(self, pointer: Pointer) -> None:
        """Paint the shape."""
        start = self._start
        if start is None:
            return
        self._end = pointer
        outline = self.outline()
        self.cancel()
        class_id = BACKGROUND if start.right else self.editor.class_id
        if outline is not None:
            self.editor.add_shape(outline, class_id, name=self.name)

    def cancel(self) -> None:
        """Drop it."""
        self._start = self._end = None
        self.view.update()

    def step_back(self) -> None:
        """Drop it."""
        self.cancel()

    @abstractmethod
    def outline(self) -> Outline | None:
        """Return the shape as it is now."""

    @property
    def color(self) -> QColor:
        """The colour to draw with."""
        erases = self._start is not None and self._start.right
        return QColor(255, 255, 255) if erases else self.view.class_color(self.editor.class_id)

    def corners(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """Return start and end; with Shift of equal sides."""
        start, end = self._start, self._end
        if start is None or end is None:
            return None
        dx, dy = end.x - start.x, end.y - start.y
        if end.shift:
            side = max(abs(dx), abs(dy))
            dx, dy = (side if dx >= 0 else -side), (side if dy >= 0 else -side)
        return start.point, (start.x + dx, start.y + dy)
