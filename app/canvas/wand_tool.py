"""Painting pixels of a like colour, seen before they are painted."""

from __future__ import annotations

from typing import ClassVar

from app.background import Progress
from app.canvas.editor import BACKGROUND
from app.canvas.tool import Pointer, Tool
from core.annotation.edits import Region
from core.annotation.wand import wand, wand_box
from core.messages import Message, message

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
    _click: int | None = None

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Look what is alike here."""
        if pointer.pixel != self._at:
            self._at = pointer.pixel
            self._look()

    def pressed(self, pointer: Pointer) -> None:
        """Paint it, as soon as it is known."""
        self._at = pointer.pixel
        self._click = BACKGROUND if pointer.right else self.editor.class_id
        self._look()
        self._paint()

    def left(self) -> None:
        """Show nothing."""
        self.cancel()

    def cancel(self) -> None:
        """Show nothing."""
        self.editor.tasks.cancel(_TASK)
        self._at = self._wish = self._found = self._found_for = self._click = None
        self.view.renew_preview()

    def options_changed(self) -> None:
        """Look again."""
        self._look()

    def preview(self) -> Region | None:
        """What a click would paint."""
        return self._found

    def _look(self) -> None:
        image = self.editor.image()
        if self._at is None or image is None:
            return
        options = self.editor.options
        wish: _Wish = (self._at, options.tolerance, options.contiguous)
        if wish == self._wish:
            return
        self._wish = wish
        (x, y), tolerance, contiguous = wish

        def search(_progress: Progress) -> Region | None:
            box = wand_box(image, x, y)
            if box is None:
                return None
            return wand(image, x, y, tolerance=tolerance, contiguous=contiguous, within=box)

        self.editor.tasks.start(
            search,
            on_done=lambda region: self._on_found(wish, region),
            on_failed=self.editor.failed.emit,
            key=_TASK,
        )

    def _on_found(self, wish: _Wish, region: Region | None) -> None:
        self._found, self._found_for = region, wish
        self._paint()
        self.view.renew_preview()

    def _paint(self) -> None:
        if self._click is not None and self._wish is not None and self._found_for == self._wish:
            class_id, self._click = self._click, None
            self.editor.paint(self._found, class_id, name=self.name)
