"""The canvas: a picture that mouse and keys move, and one tool at work on it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QCursor,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.canvas.display import CanvasDisplay
from app.canvas.editor import Editor
from app.canvas.keyboard import KeyboardPointer
from app.canvas.tools.tool import Pointer, Tool
from app.look.translation import tr
from core.annotation.edits import Region

_ZOOM_STEP = 1.25
_WHEEL_STEP = 120
_SIDEWAYS = 60


class CanvasView(CanvasDisplay):
    """Passes the pointer of mouse or keys on to a tool.

    Attributes:
        tool: what the pointer does, None for nothing.
        keyboard: the crosshair that arrow keys move.
        place: where the pointer is, (x, y) in image pixels; None outside.
    """

    hovered = Signal(object)
    """((x, y) in image pixels | None): where the pointer is."""
    main_option_stepped = Signal(int)
    """(steps): Ctrl and the wheel."""
    pressing = Signal(object)
    """(Pointer): the tool is about to be pressed there."""
    acted = Signal()
    """The tool was pressed, released, or told to accept, drop or go back."""
    taken_up = Signal()
    """The user goes on with the tool: a press, or a key that drops or removes something."""

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(editor, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Image and mask to label"))
        self.tool: Tool | None = None
        self.keyboard = KeyboardPointer(self)
        self.place: tuple[float, float] | None = None
        self._pan_from: QPointF | None = None
        self._space = False
        self._space_used = False
        self._pressed = False
        self._pointer: Pointer | None = None
        self.hovered.connect(self._on_hovered)
        editor.document_changed.connect(self._on_document_changed)
        editor.mask_replaced.connect(self._on_mask_replaced)
        editor.class_changed.connect(self._on_options_changed)
        editor.options_changed.connect(self._on_options_changed)

    def set_tool(self, tool: Tool) -> None:
        """Take up a tool."""
        if self.tool is not None:
            self.finish_press()
            self.tool.deactivated()
        self.tool = tool
        tool.activated()
        self._show_cursor()
        self.renew_preview()

    def renew_preview(self) -> None:
        """The tool's preview or what it draws changed."""
        super().renew_preview()
        self.acted.emit()

    def preview(self) -> Region | None:
        """What the tool would paint."""
        return None if self.tool is None else self.tool.preview()

    def preview_color(self) -> QColor:
        """The tool's."""
        return QColor() if self.tool is None else self.tool.preview_color()

    def paint_tool(self, painter: QPainter) -> None:
        """Draw what the tool shows, and the crosshair."""
        if self.tool is not None:
            self.tool.paint(painter)
        self.keyboard.paint(painter)

    def zoom_center(self) -> QPointF | None:
        """The crosshair, where it is shown."""
        return self.keyboard.place

    # Events

    def event(self, event: QEvent) -> bool:
        """Zoom with two fingers where the system tells it."""
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture
        ):
            self.zoom(1 + event.value(), event.position())
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom at the pointer; with Ctrl change the tool's size, with Shift move sideways."""
        delta = event.angleDelta()
        steps = (delta.y() or delta.x()) / _WHEEL_STEP
        modifiers = event.modifiers()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.main_option_stepped.emit(round(steps) or (1 if steps > 0 else -1))
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            self.viewport.pan(steps * _SIDEWAYS * self.ratio, 0)
            self.view_changed()
        elif steps:
            self.zoom(_ZOOM_STEP**steps, event.position())
        self._hover(event.position(), event.modifiers())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Move the picture with the middle button or space, else use the tool."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.keyboard.hide()
        button = event.button()
        if button == Qt.MouseButton.MiddleButton or (
            self._space and button == Qt.MouseButton.LeftButton
        ):
            self.begin_pan(event.position())
            return
        is_tool = button in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton)
        if is_tool and self.tool is not None and self._editor.document is not None:
            self._pressed = True
            self.taken_up.emit()
            pointer = self._pointer_at(event.position(), event.modifiers(), event.button())
            self._pointer = pointer
            self.pressing.emit(pointer)
            self.tool.pressed(pointer)
            self.acted.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Pan, or tell the tool."""
        if self._pan_from is not None:
            moved = event.position() - self._pan_from
            self._pan_from = event.position()
            self.viewport.pan(moved.x() * self.ratio, moved.y() * self.ratio)
            self._fitted = False
            self.view_changed()
            return
        self.keyboard.hide()
        self._hover(event.position(), event.modifiers())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """End what the press began."""
        if self._pan_from is not None:
            self._pan_from = None
            self._show_cursor()
        elif self._pressed and self.tool is not None:
            self._pressed = False
            self.tool.released(
                self._pointer_at(event.position(), event.modifiers(), event.button())
            )
            self.acted.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Some tools finish with it; for the others it is another press."""
        if self._space or event.button() != Qt.MouseButton.LeftButton or self.tool is None:
            self.mousePressEvent(event)
        elif self._editor.document is not None:
            self._pressed = True
            self.taken_up.emit()
            self._pointer = self._pointer_at(event.position(), event.modifiers(), event.button())
            self.pressing.emit(self._pointer)
            self.tool.double_clicked(self._pointer)
            self.acted.emit()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """The pointer is elsewhere."""
        super().leaveEvent(event)
        if not self.keyboard.shown:
            self._pointer = None
            self.hovered.emit(None)
            if self.tool is not None:
                self.tool.left()

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802
        """Show where the pointer is."""
        super().enterEvent(event)
        if not self.keyboard.shown:  # a dialog went away under the pointer; the keys still lead
            self._hover(event.position(), Qt.KeyboardModifier.NoModifier)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Space moves the picture or acts at the crosshair; the rest is the tool's."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._space, self._space_used = True, False
                self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif not self.keyboard.key(event) and not self._tell_tool(event.key()):
            super().keyPressEvent(event)

    def _tell_tool(self, key: int) -> bool:
        """Let the tool do what a key means to it; return whether it means anything."""
        tool = self.tool
        if tool is None or self._editor.document is None:
            return False
        if key in (Qt.Key.Key_Escape, Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.taken_up.emit()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            tool.accept()
        elif key == Qt.Key.Key_Escape:
            self._pressed = False
            tool.cancel()
        elif key == Qt.Key.Key_Backspace:
            tool.step_back()
        elif key == Qt.Key.Key_Delete:
            tool.delete()
        else:
            return False
        self.acted.emit()
        return True

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """A space that moved nothing acts at the crosshair."""
        if event.key() != Qt.Key.Key_Space or event.isAutoRepeat():
            super().keyReleaseEvent(event)
            return
        used, self._space, self._space_used = self._space_used, False, False
        self._show_cursor()
        if not used and self.keyboard.act():
            self.acted.emit()
            self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Keys that are down are released elsewhere."""
        super().focusOutEvent(event)
        self._space = False
        self.keyboard.focus_lost()
        self._show_cursor()

    # The rest

    def begin_pan(self, place: QPointF) -> None:
        """Move the picture with the pointer until the button goes up."""
        self._space_used = True
        self._pan_from = place
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def press(self, pointer: Pointer) -> None:
        """The pointer of the keys presses the tool."""
        if self.tool is not None:
            self.pressing.emit(pointer)
            self.tool.pressed(pointer)

    def use(self, pointer: Pointer, *, pressed: bool) -> None:
        """The pointer of the keys moved to ``pointer``."""
        self._pointer = pointer
        self.hovered.emit(pointer.point)
        if self.tool is not None:
            self.tool.moved(pointer, pressed=pressed)

    def _hover(self, place: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._pointer = self._pointer_at(place, modifiers, Qt.MouseButton.NoButton)
        self.hovered.emit(self._pointer.point)
        if self.tool is not None and self._editor.document is not None:
            self.tool.moved(self._pointer, pressed=self._pressed)

    def _pointer_at(
        self, place: QPointF, modifiers: Qt.KeyboardModifier, button: Qt.MouseButton
    ) -> Pointer:
        x, y = self.to_image(place)
        return Pointer(
            x,
            y,
            right=button == Qt.MouseButton.RightButton,
            shift=bool(modifiers & Qt.KeyboardModifier.ShiftModifier),
            ctrl=bool(modifiers & Qt.KeyboardModifier.ControlModifier),
            alt=bool(modifiers & Qt.KeyboardModifier.AltModifier),
        )

    def finish_press(self) -> None:
        """End a press where the pointer is: its tool or image goes away."""
        if self._pressed and self.tool is not None and self._pointer is not None:
            self.tool.released(self._pointer)
        self._pressed = False
        self.keyboard.focus_lost()

    def _show_cursor(self) -> None:
        self.setCursor(Qt.CursorShape.ArrowCursor if self.tool is None else self.tool.cursor)

    @Slot(object)
    def _on_hovered(self, place: tuple[float, float] | None) -> None:
        self.place = place

    @Slot()
    def _on_document_changed(self) -> None:
        if self.tool is not None:
            self._pressed = False
            self.tool.deactivated()
        self._pointer = None
        self.show_document()
        self.keyboard.hide()
        if self.tool is not None and self._editor.picture is not None:
            self.tool.activated()
            if self.underMouse():  # the same place on the screen is another one in this image
                place = self.mapFromGlobal(QCursor.pos())
                self._hover(QPointF(place), Qt.KeyboardModifier.NoModifier)

    @Slot()
    def _on_mask_replaced(self) -> None:
        """What was chosen or proposed on the old mask goes; what is begun stays."""
        if self.tool is not None and self.tool.pending() is None:
            self.tool.cancel()

    @Slot()
    def _on_options_changed(self) -> None:
        if self.tool is not None:
            self.tool.options_changed()
        self.renew_preview()
