"""Painting superpixels: small parts whose borders follow those of the image."""

from __future__ import annotations

from typing import ClassVar

from app.canvas.editor import BACKGROUND, Editor
from app.canvas.tools.host import ToolHost
from app.canvas.tools.tool import Pending, Pointer, Tool
from app.services.background import Progress, Task
from core.annotation.edits import Region
from core.annotation.superpixels import SuperpixelCache
from core.system.messages import Message, message

_TASK = "superpixels"


class SuperpixelTool(Tool):
    """Click or drag over superpixels; the one under the pointer is shown."""

    key: ClassVar[str] = "superpixel"
    title: ClassVar[Message] = message("Superpixels")
    icon: ClassVar[str] = "tool-superpixel"
    shortcut: ClassVar[str] = "U"
    hint: ClassVar[Message] = message(
        "Click or drag over superpixels · right button erases · Ctrl+wheel: their size"
    )
    options: ClassVar[tuple[str, ...]] = ("superpixel_size", "only_over")
    main_option: ClassVar[str] = "superpixel_size"
    drags: ClassVar[bool] = True

    _cache: SuperpixelCache | None = None
    _made_for: tuple[object, int] | None = None
    _at: tuple[int, int] | None = None
    _found: Region | None = None
    _class_id: int | None = None

    def __init__(self, editor: Editor, view: ToolHost) -> None:
        super().__init__(editor, view)
        self._wished: list[Task] = []

    def pending(self) -> Pending | None:
        """What was dragged over is painted as soon as it is known."""
        return Pending() if self._wished or self._class_id is not None else None

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Show the superpixel here, and paint it while a button is down."""
        if pointer.pixel != self._at:
            self._at = pointer.pixel
            self._look()

    def pressed(self, pointer: Pointer) -> None:
        """Begin to paint."""
        class_id = BACKGROUND if pointer.right else self.editor.class_id
        if self.editor.may_paint(class_id):
            self._class_id = class_id
            self._at = pointer.pixel
            self._look()

    def released(self, pointer: Pointer) -> None:
        """End; what is still being worked out is painted when it is known."""
        self._class_id = None

    def left(self) -> None:
        """Show nothing."""
        self._at = self._found = None
        self.view.renew_preview()

    def cancel(self) -> None:
        """Show nothing, and paint nothing that is still being worked out."""
        self.editor.tasks.cancel(_TASK)
        for task in self._wished:
            task.cancel()
        self._wished.clear()
        self._at = self._found = self._class_id = None
        self.view.renew_preview()

    def options_changed(self) -> None:
        """Cut anew."""
        self._look()

    def preview(self) -> Region | None:
        """The superpixel under the pointer."""
        return self._found

    def _look(self) -> None:
        image, at = self.editor.image(), self._at
        if image is None or at is None:
            return
        size = self.editor.options.superpixel_size
        if self._made_for is None or self._made_for[0] is not image or self._made_for[1] != size:
            self._cache = SuperpixelCache(image, size=size)
            self._made_for = (image, size)
        cache = self._cache
        assert cache is not None

        class_id, document = self._class_id, self.editor.document

        def search(_progress: Progress) -> Region | None:
            return cache.at(*at)

        def show(region: Region | None) -> None:
            self._found = region if self._at is not None else None
            if class_id is not None:
                self._wished.pop(0)
            if class_id is not None and self.editor.document is document:
                self.editor.paint(region, class_id, name=self.name)
            self.view.renew_preview()

        # Moving on cancels what is only to be shown, not what is to be painted.
        task = self.editor.tasks.start(
            search,
            on_done=show,
            on_failed=self._on_failed,
            key=_TASK if class_id is None else "",
        )
        if class_id is not None:
            self._wished.append(task)

    def _on_failed(self, error: Exception) -> None:
        self.cancel()
        self.editor.failed.emit(error)
