"""What every tool of the canvas is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter

from app.canvas.editor import Editor
from app.canvas.tools.host import ToolHost
from app.look.translation import translated
from core.annotation.edits import Region
from core.system.messages import Message, message


@dataclass(frozen=True, slots=True)
class Pointer:
    """The mouse, or the crosshair that keys move: ``x`` and ``y`` in image pixels."""

    x: float
    y: float
    right: bool = False
    shift: bool = False
    ctrl: bool = False
    alt: bool = False

    @property
    def point(self) -> tuple[float, float]:
        """(x, y)."""
        return self.x, self.y

    @property
    def pixel(self) -> tuple[int, int]:
        """The pixel under the pointer."""
        return int(self.x // 1), int(self.y // 1)


UNFINISHED = message("What you have begun is not finished: finish it, or discard it.")


@dataclass(frozen=True, slots=True)
class Pending:
    """What a tool has begun, and what would be lost if its tool or image were left now.

    Attributes:
        problem: why it cannot be painted as it is, a sentence that ends with what to do; None
            where ``accept`` paints it, at once or as soon as it is worked out.
    """

    problem: Message | None = None


class Tool:
    """One way to change the mask. Subclasses set the class attributes and override what they need.

    Attributes:
        key: stable name for settings and shortcuts.
        title: short name.
        icon: file in ``resources/icons`` without ``.svg``.
        shortcut: the key that takes the tool up, unless the user chose another.
        hint: one line for the status bar: what to do with mouse and keys.
        options: names of ``ToolOptions`` that matter; the inspector shows them.
        main_option: the option that [ ] and Ctrl+wheel change, "" for none.
        drags: whether a press and a release far apart mean something: with the keyboard, space
            then presses and releases by turns, otherwise it clicks.
        paints: whether a press of the left button begins something in the class in hand.
    """

    key: ClassVar[str]
    title: ClassVar[Message]
    icon: ClassVar[str]
    shortcut: ClassVar[str]
    hint: ClassVar[Message]
    options: ClassVar[tuple[str, ...]] = ()
    main_option: ClassVar[str] = ""
    drags: ClassVar[bool] = False
    paints: ClassVar[bool] = True
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.CrossCursor

    def __init__(self, editor: Editor, view: ToolHost) -> None:
        self.editor = editor
        self.view = view

    @property
    def name(self) -> str:
        """The title in the current language; what undo calls the tool's steps."""
        return translated(self.title)

    @property
    def busy(self) -> bool:
        """Whether something is begun that Escape would drop."""
        return False

    def pending(self) -> Pending | None:
        """Return what would be lost if the tool or the image were left now, None if nothing.

        Whoever leaves paints what is complete and asks about the rest. A tool that says nothing
        here is asked about as long as it is ``busy``.
        """
        return Pending(UNFINISHED) if self.busy else None

    @property
    def holds(self) -> bool:
        """Whether a press took something up that a release lets go; with the keyboard, by space."""
        return self.drags

    def shown_hint(self) -> Message:
        """Return the hint that fits what is being done."""
        return self.hint

    def activated(self) -> None:
        """The tool was taken up."""

    def deactivated(self) -> None:
        """Another tool or image comes: drop what is begun."""
        self.cancel()

    def pressed(self, pointer: Pointer) -> None:
        """A mouse button went down, the left one unless ``pointer.right``."""

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """The pointer moved; ``pressed`` while a button is down."""

    def released(self, pointer: Pointer) -> None:
        """The button went up."""

    def double_clicked(self, pointer: Pointer) -> None:
        """A second click came soon after the first; ``pressed`` was not called for it."""

    def left(self) -> None:
        """The pointer left the canvas."""

    def accept(self) -> None:
        """Enter: finish what is begun."""

    def cancel(self) -> None:
        """Escape: drop what is begun."""

    def step_back(self) -> None:
        """Backspace, or undo while ``busy``: take the last part of what is begun back."""

    def delete(self) -> None:
        """Delete: remove what is selected."""

    def options_changed(self) -> None:
        """An option or the class in hand changed."""

    def paint(self, painter: QPainter) -> None:
        """Draw over image and mask, in the widget's coordinates (``view.to_widget``)."""

    def preview(self) -> Region | None:
        """Return what a click or Enter would paint, to be shown."""
        return None

    def preview_color(self) -> QColor:
        """Return the colour of the preview's tint."""
        return self.view.class_color(self.editor.class_id)
