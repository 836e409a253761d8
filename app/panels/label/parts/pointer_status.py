"""What the line below the canvas says: pixel, grey value, class, scale."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Slot

from app.panels.label.workspace import Workspace


class PointerStatus(QObject):
    """Follows the pointer, and what is drawn or shown under it."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._editor = workspace.editor
        self._canvas = workspace.view.canvas
        self._classes = workspace.classes
        self._status = workspace.view.status
        self._canvas.hovered.connect(self._show_place)
        self._canvas.zoomed.connect(self._on_zoomed)
        self._editor.drawn.connect(self._show_place)
        self._editor.document_changed.connect(self._show_place)
        self._show_place()

    @Slot()
    def _on_zoomed(self) -> None:
        self._status.show_zoom(self._canvas.viewport.scale)

    @Slot()
    def _show_place(self) -> None:
        document, picture = self._editor.document, self._editor.picture
        place = self._canvas.place
        class_id = None if document is None or place is None else document.class_at(*place)
        if class_id is None or picture is None or place is None:
            self._status.show_place(None, "")
            self._status.show_class("", None)
            return
        x, y = int(place[0]), int(place[1])
        self._status.show_place((x, y), _value_text(picture.levels[0][y, x]))
        self._status.show_class(self._classes.name(class_id), self._canvas.class_color(class_id))


def _value_text(value: Any) -> str:
    """Return a pixel's grey value, or red, green and blue."""
    if getattr(value, "ndim", 0):
        blue, green, red = (int(part) for part in value[:3])
        return f"{red} {green} {blue}"
    return f"{value:.4g}" if value.dtype.kind == "f" else f"{int(value)}"
