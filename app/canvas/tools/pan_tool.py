"""Looking around."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Qt

from app.canvas.tools.tool import Pointer, Tool
from core.system.messages import Message, message


class PanTool(Tool):
    """Moves the picture; changes nothing."""

    key: ClassVar[str] = "pan"
    title: ClassVar[Message] = message("Move")
    icon: ClassVar[str] = "tool-pan"
    shortcut: ClassVar[str] = "H"
    hint: ClassVar[Message] = message("Drag to move the picture · wheel: zoom · F: fit")
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.OpenHandCursor
    paints: ClassVar[bool] = False

    def pressed(self, pointer: Pointer) -> None:
        """Move with the pointer."""
        self.view.begin_pan(self.view.to_widget(*pointer.point))
