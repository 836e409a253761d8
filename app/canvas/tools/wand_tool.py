"""Painting pixels of a like colour, seen before they are painted."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from app.canvas.editor import BACKGROUND, Editor
from app.canvas.tools.host import ToolHost
from app.canvas.tools.tool import Pending, Pointer, Tool
from app.services.background import Progress, Task
from core.annotation.edits import Region
from core.annotation.wand import wand, wand_box
from core.system.messages import Message, message

_TASK = "wand"
_Wish = tuple[tuple[int, int], int, bool]


class WandTool(Tool):
    """Shows what a click would take while the pointer moves."""

    key: ClassVar[str] = "wand"
    title: ClassVar[Message] = message("Magic wand")
    icon: ClassVar[str] = "tool-wand"
    shortcut: ClassVar[str] = "W"
    hint: ClassVar[Message] = message(
        "Click to paint pixels of a like colour · right button erases · Ctrl+wheel: tolerance"
    )
    options: ClassVar[tuple[str, ...]] = ("tolerance", "contiguous", "only_over")
    main_option: ClassVar[str] = "tolerance"

    _at: tuple[int, int] | None = None
    _wish: _Wish | None = None
    _found: Region | None = None
    _found_for: _Wish | None = None

    def __init__(self, editor: Editor, view: ToolHost) -> None:
        super().__init__(editor, view)
        self._clicked: list[Task] = []

    def pending(self) -> Pending | None:
        """A click is painted as soon as its pixels are known."""
        return Pending() if self._clicked else None

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Look what is alike here."""
        if pointer.pixel != self._at:
            self._at = pointer.pixel
            self._look()

    def pressed(self, pointer: Pointer) -> None:
        """Paint what is alike here; at once where it is known already."""
        class_id = BACKGROUND if pointer.right else self.editor.class_id
        if not self.editor.may_paint(class_id):
            return
        self._at = pointer.pixel
        wish = self._current_wish()
        if wish is None:
            return
        if self._found_for == wish:
            self.editor.paint(self._found, class_id, name=self.name)
            return
        document = self.editor.document

        def paint(region: Region | None) -> None:
            self._clicked.pop(0)
            if self.editor.document is document:
                self.editor.paint(region, class_id, name=self.name)
            self.view.renew_preview()

        # Without a key: moving on must not take the click back.
        task = self._start(wish, paint, key="")
        if task is not None:
            self._clicked.append(task)

    def left(self) -> None:
        """Show nothing."""
        self.editor.tasks.cancel(_TASK)
        self._show_nothing()

    def cancel(self) -> None:
        """Show nothing, and drop the clicks whose pixels are still being looked for."""
        self.editor.tasks.cancel(_TASK)
        for task in self._clicked:
            task.cancel()
        self._clicked.clear()
        self._show_nothing()

    def _show_nothing(self) -> None:
        self._at = self._wish = self._found = self._found_for = None
        self.view.renew_preview()

    def options_changed(self) -> None:
        """Look again."""
        self._look()

    def preview(self) -> Region | None:
        """What a click would paint."""
        return self._found

    def _current_wish(self) -> _Wish | None:
        if self._at is None:
            return None
        options = self.editor.options
        return self._at, options.tolerance, options.contiguous

    def _look(self) -> None:
        wish = self._current_wish()
        if wish is None or wish == self._wish:
            return
        self._wish = wish
        self._start(wish, lambda region: self._on_found(wish, region), key=_TASK)

    def _start(
        self, wish: _Wish, on_done: Callable[[Region | None], None], *, key: str
    ) -> Task | None:
        image = self.editor.image()
        if image is None:
            return None
        (x, y), tolerance, contiguous = wish

        def search(_progress: Progress) -> Region | None:
            box = wand_box(image, x, y)
            if box is None:
                return None
            return wand(image, x, y, tolerance=tolerance, contiguous=contiguous, within=box)

        return self.editor.tasks.start(search, on_done=on_done, on_failed=self._on_failed, key=key)

    def _on_failed(self, error: Exception) -> None:
        self.cancel()
        self.editor.failed.emit(error)

    def _on_found(self, wish: _Wish, region: Region | None) -> None:
        self._found, self._found_for = region, wish
        self.view.renew_preview()
