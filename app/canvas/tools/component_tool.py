"""Choosing painted parts, and changing what was chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from PySide6.QtGui import QColor

from app.canvas.editor import BACKGROUND
from app.canvas.tools.tool import Pointer, Tool
from app.look.translation import tr
from core.annotation import components
from core.annotation.edits import Mask, MaskEdit, PaintRule, Region, crop, joined
from core.system.messages import Message, message

Change = Callable[[Mask, PaintRule, int, Region], MaskEdit | None]


class ComponentTool(Tool):
    """Click a painted part; Shift adds more of the same class."""

    key: ClassVar[str] = "component"
    title: ClassVar[Message] = message("Choose parts")
    icon: ClassVar[str] = "tool-component"
    shortcut: ClassVar[str] = "K"
    hint: ClassVar[Message] = message(
        "Click a painted part · Shift+click: more · Enter: give it the chosen class · Del: remove"
    )
    options: ClassVar[tuple[str, ...]] = ("radius", "min_area")
    main_option: ClassVar[str] = "radius"
    paints: ClassVar[bool] = False

    _selection: Region | None = None
    _class_id = 0

    @property
    def selection(self) -> tuple[Region, int] | None:
        """What is chosen, and its class."""
        return None if self._selection is None else (self._selection, self._class_id)

    def pressed(self, pointer: Pointer) -> None:
        """Choose the part under the pointer."""
        document = self.editor.document
        class_id = None if document is None else document.class_at(*pointer.point)
        if document is None or not class_id:
            self.cancel()
            return
        part = components.pick_component(document.mask, *pointer.pixel)
        adds = pointer.shift and self._selection is not None and class_id == self._class_id
        known = [region for region in (self._selection, part) if region is not None]
        self._selection = joined(*known) if adds else part
        self._class_id = class_id
        self.view.renew_preview()

    def cancel(self) -> None:
        """Choose nothing."""
        self._selection = None
        self.view.renew_preview()

    def select(self, region: Region, class_id: int) -> None:
        """Choose a region of one class."""
        self._selection, self._class_id = region, class_id
        self.view.renew_preview()

    def accept(self) -> None:
        """Give the chosen parts the class in hand."""
        if self._selection is not None:
            new = self.editor.class_id
            if self.editor.paint(self._selection, new, name=tr("Change class")):
                self._class_id = new
            self.view.renew_preview()

    def delete(self) -> None:
        """Turn them into background."""
        if self._selection is not None:
            self.editor.paint(self._selection, BACKGROUND, name=tr("Delete parts"))
            self.cancel()

    def step_back(self) -> None:
        """Turn them into background."""
        self.delete()

    def fill_holes(self) -> None:
        """Fill what they enclose."""
        self._change(
            tr("Fill holes"),
            lambda mask, rule, class_id, part: components.fill_holes(
                mask, class_id, selection=part, rule=rule
            ),
        )

    def remove_specks(self) -> None:
        """Remove small parts: of the choice, or of the class in hand where nothing is chosen."""
        least = self.editor.options.min_area
        self._change(
            tr("Remove specks"),
            lambda mask, rule, class_id, part: components.remove_specks(
                mask, class_id, min_area=least, selection=part, rule=rule
            ),
        )

    def smooth(self) -> None:
        """Smooth their outlines."""
        radius = self.editor.options.radius
        self._change(
            tr("Smooth"),
            lambda mask, rule, class_id, part: components.smooth(
                mask, class_id, radius=radius, selection=part, rule=rule
            ),
        )

    def dilate(self) -> None:
        """Let them grow."""
        radius = self.editor.options.radius
        self._change(
            tr("Grow"),
            lambda mask, rule, class_id, part: components.dilate(
                mask, class_id, radius=radius, selection=part, rule=rule
            ),
        )

    def erode(self) -> None:
        """Shrink them."""
        radius = self.editor.options.radius
        self._change(
            tr("Shrink"),
            lambda mask, rule, class_id, part: components.erode(
                mask, class_id, radius=radius, selection=part, rule=rule
            ),
        )

    def preview_color(self) -> QColor:
        """White: the parts have a colour of their own."""
        return QColor(255, 255, 255)

    def preview(self) -> Region | None:
        """What is chosen."""
        return self._selection

    def _change(self, name: str, change: Change) -> None:
        document = self.editor.document
        if document is None:
            return
        selection, class_id = self._selection, self._class_id
        if selection is None:  # everything of the class in hand
            class_id = self.editor.class_id
            selection = components.class_region(document.mask, class_id)
        if selection is None or not self.editor.may_paint(class_id):
            return
        part = selection
        self.editor.change(lambda mask, rule: change(mask, rule, class_id, part), name=name)
        if self._selection is not None:
            self._selection = _still_there(document.mask, part, class_id)
        self.view.renew_preview()


def _still_there(mask: Mask, part: Region, class_id: int) -> Region | None:
    """Return the connected parts of the class that meet a region, after a change."""
    left = Region(part.box, part.pixels & (crop(mask, part.box) == class_id)).tight()
    parts: list[Region] = []
    while left is not None:
        row = int(left.pixels.any(axis=1).argmax())
        x, y = left.box[0] + int(left.pixels[row].argmax()), left.box[1] + row
        found = components.pick_component(mask, x, y)
        if found is None:
            break
        parts.append(found)
        inside = found.clipped(left.box)
        rest = left.pixels.copy()
        if inside is not None:
            x0, y0 = inside.box[0] - left.box[0], inside.box[1] - left.box[1]
            height, width = inside.pixels.shape
            rest[y0 : y0 + height, x0 : x0 + width] &= ~inside.pixels
        left = Region(left.box, rest).tight()
    return joined(*parts) if parts else None
