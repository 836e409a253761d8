"""Clicks on and beside an object, which a network of the user's cuts out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.canvas.editor import Editor
from app.canvas.tools.host import ToolHost
from app.canvas.tools.tool import Pending, Pointer, Tool
from app.services.background import Progress, Task
from core.annotation.click_model import (
    Click,
    ClickModel,
    ClickModelFiles,
    Encoded,
    Segmented,
    open_click_model,
)
from core.annotation.edits import Region, whole_box
from core.portable.window_level import WindowLevel
from core.system.messages import Message, message

_KEPT = 4
_DOT = 5.0
_GREEN, _RED = QColor(0, 158, 115), QColor(213, 94, 0)


class ClickTool(Tool):
    """Left button on the object, right button beside it; Enter paints what was found.

    The network works in the background. What it computes of the image alone is kept for the last
    few images.

    Attributes:
        on_missing: called when a click needs a model and none was chosen.
    """

    key: ClassVar[str] = "click"
    title: ClassVar[Message] = message("Object by clicks")
    icon: ClassVar[str] = "tool-click"
    shortcut: ClassVar[str] = "I"
    hint: ClassVar[Message] = message(
        "Click on an object · right button or Del: background · Enter: paint · Esc: drop"
    )
    missing_hint: ClassVar[Message] = message("Click to choose the model that follows the clicks")
    busy_hint: ClassVar[Message] = message("The model is looking for the object …")
    nothing_hint: ClassVar[Message] = message(
        "The model found no object: click once more, or discard the clicks."
    )
    options: ClassVar[tuple[str, ...]] = ("only_over",)

    def __init__(self, editor: Editor, view: ToolHost) -> None:
        super().__init__(editor, view)
        self.on_missing: Callable[[], None] = _nothing
        self._files: ClickModelFiles | None = None
        self._model: ClickModel | None = None
        self._encoded: OrderedDict[tuple[int, WindowLevel], Encoded] = OrderedDict()
        self._clicks: tuple[Click, ...] = ()
        self._found: Segmented | None = None
        self._region: Region | None = None
        self._waiting: Task | None = None
        self._accept_when_done = False
        self._pointer: Pointer | None = None

    @property
    def files(self) -> ClickModelFiles | None:
        """The model's files."""
        return self._files

    @property
    def busy(self) -> bool:
        """Whether there are clicks."""
        return bool(self._clicks)

    def pending(self) -> Pending | None:
        """Complete where an object is proposed or being looked for."""
        if not self._clicks:
            return None
        is_known = self._waiting is not None or self._region is not None
        return Pending(None if is_known else self.nothing_hint)

    def set_model(self, files: ClickModelFiles | None, model: ClickModel | None = None) -> None:
        """Use another model; without ``model`` the files are opened at the first click."""
        self.cancel()
        self._files, self._model = files, model
        self._encoded.clear()

    def shown_hint(self) -> Message:
        """What to do, or what is being done."""
        if self._files is None:
            return self.missing_hint
        return self.hint if self._waiting is None else self.busy_hint

    def pressed(self, pointer: Pointer) -> None:
        """Add a click."""
        self._pointer = pointer
        if self._files is None:
            self.on_missing()
            return
        document = self.editor.document
        if document is None or document.class_at(*pointer.point) is None:
            return
        if self.editor.may_paint(self.editor.class_id):
            click = Click(pointer.x, pointer.y, positive=not (pointer.right or pointer.shift))
            self._clicks = (*self._clicks, click)
            self._solve(self._found)

    def double_clicked(self, pointer: Pointer) -> None:
        """Another click."""
        self.pressed(pointer)

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Remember where Del would click."""
        self._pointer = pointer

    def delete(self) -> None:
        """Click the background where the pointer is: the way of the keyboard."""
        if self._pointer is not None:
            self.pressed(Pointer(self._pointer.x, self._pointer.y, right=True))

    def accept(self) -> None:
        """Paint the object, as soon as it is known."""
        if self._waiting is not None:
            self._accept_when_done = True
        elif self._region is not None:
            region = self._region
            self.cancel()
            self.editor.paint(region, self.editor.class_id, name=self.name)

    def cancel(self) -> None:
        """Drop the clicks."""
        self._clicks = ()
        self._found = self._region = None
        self._stop_waiting()
        self.view.renew_preview()

    def step_back(self) -> None:
        """Take the last click back."""
        self._clicks = self._clicks[:-1]
        if self._clicks:
            self._solve(None)
        else:
            self.cancel()

    def preview(self) -> Region | None:
        """The object."""
        return self._region

    def paint(self, painter: QPainter) -> None:
        """Draw the clicks."""
        for click in self._clicks:
            painter.setPen(QPen(Qt.GlobalColor.white, 1.5))
            painter.setBrush(_GREEN if click.positive else _RED)
            painter.drawEllipse(self.view.to_widget(click.x, click.y), _DOT, _DOT)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = None
        self._accept_when_done = False

    def _solve(self, before: Segmented | None) -> None:
        """Ask the model, which is opened and shown the image first where that was not done."""
        image, document, files = self.editor.image(), self.editor.document, self._files
        if image is None or document is None or files is None:
            return
        accept = self._accept_when_done
        self._stop_waiting()  # all clicks go to the model together: an older answer is stale
        self._accept_when_done = accept
        clicks, key = self._clicks, (document.image_id, self.editor.window)

        def work(progress: Progress) -> tuple[Segmented, Region | None]:
            if self._model is None or self._files != files:
                model = open_click_model(files)
                progress.check()
                self._model = model
            encoded = self._encoded.get(key)
            if encoded is None:
                encoded = self._model.encode(image)
                self._encoded[key] = encoded  # kept even if this click is not wanted any more
                while len(self._encoded) > _KEPT:
                    self._encoded.popitem(last=False)
                progress.check()
            found = self._model.segment(encoded, clicks, before)
            return found, Region(whole_box(found.pixels), found.pixels).tight()

        self._waiting = self.editor.tasks.start(
            work, on_done=self._on_found, on_failed=self._on_failed
        )
        self.view.renew_preview()

    def _on_found(self, result: tuple[Segmented, Region | None]) -> None:
        self._waiting = None
        self._found, self._region = result
        self.view.renew_preview()
        if self._accept_when_done:
            self._accept_when_done = False
            self.accept()

    def _on_failed(self, error: Exception) -> None:
        self.cancel()
        self.editor.failed.emit(error)


def _nothing() -> None:
    """Nobody offers to choose a model."""
