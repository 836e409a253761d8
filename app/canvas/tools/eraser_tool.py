"""Erasing with a brush."""

from __future__ import annotations

from typing import ClassVar

from app.canvas.tools.brush_tool import BrushTool
from core.system.messages import Message, message


class EraserTool(BrushTool):
    """Paints the background."""

    key: ClassVar[str] = "eraser"
    title: ClassVar[Message] = message("Eraser")
    icon: ClassVar[str] = "tool-eraser"
    shortcut: ClassVar[str] = "E"
    hint: ClassVar[Message] = message(
        "Drag to erase · Shift+click: straight line · [ ] or Ctrl+wheel: size"
    )
    erases: ClassVar[bool] = True
    paints: ClassVar[bool] = False
