"""Giving a connected part of one class another."""

from __future__ import annotations

from typing import ClassVar

from app.canvas.editor import BACKGROUND
from app.canvas.tools.tool import Pointer, Tool
from core.annotation.components import class_region
from core.annotation.flood_fill import flood
from core.system.messages import Message, message


class FillTool(Tool):
    """Fills what has the class under the pointer."""

    key: ClassVar[str] = "fill"
    title: ClassVar[Message] = message("Fill")
    icon: ClassVar[str] = "tool-fill"
    shortcut: ClassVar[str] = "G"
    hint: ClassVar[Message] = message(
        "Click to give the part under the pointer the chosen class · right button erases it"
    )
    options: ClassVar[tuple[str, ...]] = ("contiguous",)

    def pressed(self, pointer: Pointer) -> None:
        """Fill."""
        document = self.editor.document
        old = None if document is None else document.class_at(*pointer.point)
        if document is None or old is None:
            return
        if self.editor.options.contiguous:
            region = flood(document.mask, *pointer.pixel)
        else:
            region = class_region(document.mask, old)
        class_id = BACKGROUND if pointer.right else self.editor.class_id
        self.editor.paint(region, class_id, name=self.name)
