"""What is being labelled, and with what: the document, the class in hand, the options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.canvas.tool_options import OVER_ALL, ToolOptions
from app.services.background import BackgroundTasks
from core.annotation.document import MaskDocument, OpenShape
from core.annotation.edits import Box, Mask, MaskEdit, PaintRule, Region, whole_box
from core.annotation.image_pyramid import ImagePyramid
from core.annotation.shapes import Outline, Shapes
from core.images.io import IGNORE_INDEX, ImageArray
from core.portable.window_level import WindowLevel

BACKGROUND = 0
"""The class that erasing leaves behind."""


class Editor(QObject):
    """The state that tools, canvas and inspector share.

    Attributes:
        document: the mask being edited, None where no image is shown.
        picture: its image.
        window: the values shown as black and white.
        class_id: what tools paint.
        options: what tools are set to.
        editable: whether changes are allowed.
        draft: what a model offers, (H, W) uint8 shown over the mask, 255 where nothing; or None.
        tasks: work of the tools in the background.
    """

    document_changed = Signal()
    """Another image is shown, or none."""
    mask_replaced = Signal()
    """The image shown has another mask, made elsewhere; what a tool has begun stays."""
    drawn = Signal(object)
    """(boxes): these parts of the mask look different."""
    committed = Signal(object)
    """(boxes): a finished change; to be saved."""
    class_changed = Signal(int)
    options_changed = Signal()
    window_changed = Signal()
    draft_changed = Signal()
    refused = Signal()
    """A change was tried that is not allowed: reading only, or the class is locked."""
    failed = Signal(object)
    """(Exception): work of a tool in the background failed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document: MaskDocument | None = None
        self.picture: ImagePyramid | None = None
        self.window = WindowLevel(0.0, 255.0)
        self.class_id = 1
        self.options = ToolOptions()
        self.editable = True
        self.locked: frozenset[int] = frozenset()
        self.draft: Mask | None = None
        self._image: ImageArray | None = None
        self.tasks = BackgroundTasks(self)

    def show(self, document: MaskDocument | None, picture: ImagePyramid | None) -> None:
        """Edit another mask; None for both shows nothing."""
        old = self.document
        if old is not None:
            old.finish_stroke()
            old.on_drawn = old.on_committed = _nobody
        self.tasks.cancel_all()
        self.document, self.picture = document, picture
        self.draft = None
        self._image = None
        if picture is not None:
            self.window = picture.default_window()
        if document is not None:
            document.on_drawn = self.drawn.emit
            document.on_committed = self.committed.emit
        self.document_changed.emit()

    def replace_mask(self, mask: Mask, shapes: Shapes) -> None:
        """Go on with what was saved elsewhere for this image; see ``MaskDocument.start_over``."""
        if self.document is None:
            return
        self.document.start_over(mask, shapes)
        self.set_draft(None)
        self.mask_replaced.emit()

    def set_class(self, class_id: int) -> None:
        """Paint this class from now on."""
        if class_id != self.class_id:
            self.class_id = class_id
            self.class_changed.emit(class_id)

    def set_options(self, options: ToolOptions) -> None:
        """Change all of them."""
        if options != self.options:
            self.options = options
            self.options_changed.emit()

    def set_option(self, name: str, value: Any) -> None:
        """Change one of ``ToolOptions``."""
        self.set_options(self.options.with_value(name, value))

    def image(self) -> ImageArray | None:
        """Return the whole image as it is shown, uint8 (H, W) or (H, W, 3) BGR."""
        if self.picture is None:
            return None
        if self._image is None:
            self._image = self.picture.as_shown(self.window)
        return self._image

    def set_window(self, window: WindowLevel) -> None:
        """Show other values as black and white."""
        if window != self.window:
            self.window = window
            self._image = None
            self.window_changed.emit()

    # Changes

    def may_paint(self, class_id: int) -> bool:
        """Whether a tool may change the mask now; tells ``refused`` where not."""
        allowed = self.editable and self.document is not None and class_id not in self.locked
        if not allowed:
            self.refused.emit()
        return allowed

    def prepare(self, class_id: int) -> MaskDocument | None:
        """Return the document with the rules for painting a class; None where not allowed."""
        if not self.may_paint(class_id) or self.document is None:
            return None
        only = self.options.only_over
        # Erasing only over the background would do nothing.
        over = None if only in (OVER_ALL, class_id) else only
        self.document.rule = PaintRule(self.locked, over)
        return self.document

    def paint(self, region: Region | None, class_id: int, *, name: str) -> bool:
        """Give a region a class as one step; return whether anything changed."""
        document = self.prepare(class_id)
        return document is not None and document.paint(region, class_id, name=name)

    def add_shape(self, outline: Outline, class_id: int, *, name: str) -> OpenShape | None:
        """Paint a shape; see ``MaskDocument.add_shape``. None, too, where it is not allowed."""
        document = self.prepare(class_id)
        return None if document is None else document.add_shape(outline, class_id, name=name)

    def repaint(
        self, opened: OpenShape, outline: Outline | None, class_id: int, *, name: str
    ) -> OpenShape | None:
        """Paint a shape again; see ``MaskDocument.repaint``. As it was where not allowed."""
        if not self.may_paint(opened.shape.class_id):
            return opened
        document = self.prepare(class_id)
        if document is None:
            return opened
        return document.repaint(opened, outline, class_id, name=name)

    def change(self, make: Callable[[Mask, PaintRule], MaskEdit | None], *, name: str) -> bool:
        """Apply one of the functions of ``core.annotation.components`` as one step.

        Args:
            make: changes the mask in place, keeping to the rule, and returns the edit.
            name: what the step is called.
        """
        document = self.document
        if document is None or not self.editable:
            self.refused.emit()
            return False
        return document.record(make(document.mask, PaintRule(self.locked)), name=name)

    def undo(self) -> None:
        """Take the last step back."""
        if self.document is not None and self.editable:
            self.document.undo()

    def redo(self) -> None:
        """Do it again."""
        if self.document is not None and self.editable:
            self.document.redo()

    # A draft over the mask

    def set_draft(self, draft: Mask | None) -> None:
        """Show what a model offers; None takes it away.

        Args:
            draft: uint8 (H, W) of the mask's size; 255 where nothing is offered.
        """
        document = self.document
        if draft is not None and (document is None or draft.shape != document.mask.shape):
            raise ValueError("a draft must have the size of the mask")
        self.draft = draft
        self.draft_changed.emit()

    def accept_draft(self, part: Region | None = None, *, name: str) -> bool:
        """Take the draft over into the mask.

        Args:
            part: only these pixels; all of it, which ends the draft, by default.
            name: what the step is called.

        Returns:
            Whether the mask changed.
        """
        draft = self.draft
        if draft is None or not self.may_paint(-1) or self.document is None:
            return False
        region = part or Region(whole_box(draft), draft != _NOTHING)
        x0, y0, x1, y1 = region.box
        values = draft[y0:y1, x0:x1]
        pixels = region.pixels & (values != _NOTHING)
        only = self.options.only_over
        self.document.rule = PaintRule(self.locked, None if only == OVER_ALL else only)
        changed = self.document.paste(Region(region.box, pixels), values, name=name)
        left = draft.copy()
        left[y0:y1, x0:x1][pixels] = _NOTHING
        self.set_draft(left if part is not None and (left != _NOTHING).any() else None)
        return changed

    def copy_labels(self, region: Region, values: Mask, *, name: str) -> bool:
        """Give the pixels of a region their ``values`` as one step; return whether any changed.

        Protected classes stay as they are. What may be painted over is not asked: this is no
        painting.

        Args:
            region: pixels of the whole mask.
            values: uint8 of the region's size.
            name: what the step is called.
        """
        if not self.may_paint(-1) or self.document is None:
            return False
        self.document.rule = PaintRule(self.locked)
        return self.document.paste(region, values, name=name)

    def set_locked(self, locked: Iterable[int]) -> None:
        """Protect these classes from every tool."""
        self.locked = frozenset(locked)

    def shut_down(self) -> None:
        """End work in the background."""
        self.show(None, None)
        self.tasks.shut_down()


_NOTHING = np.uint8(IGNORE_INDEX)


def _nobody(_boxes: Sequence[Box]) -> None:
    """Nobody listens."""
