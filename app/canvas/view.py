"""The canvas: an image with its mask, zoomed and moved by mouse and keys, and one tool at work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.canvas.editor import Editor
from app.canvas.keyboard import KeyboardPointer
from app.canvas.layers import Layers
from app.canvas.renderer import MaskStyle
from app.canvas.tool import Pointer, Tool
from app.canvas.viewport import Viewport
from app.theme import tokens
from app.translation import tr
from core.images import Color, default_palette

_ZOOM_STEP = 1.25
_GRID_FROM = 10.0  # device pixels per image pixel
_WHEEL_STEP = 120


class CanvasView(QWidget):
    """Shows the editor's document and passes the pointer on to a tool.

    Attributes:
        viewport: which part is seen.
        tool: what the pointer does, None for nothing.
    """

    hovered = Signal(object)
    """((x, y) in image pixels | None): where the pointer is."""
    zoomed = Signal()
    """The scale changed."""
    main_option_stepped = Signal(int)
    """(steps): Ctrl and the wheel."""
    peeked = Signal(bool)
    """Masks should be hidden while a key is held."""

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(tr("Image and mask to label"))
        self.viewport = Viewport()
        self.tool: Tool | None = None
        self.keyboard = KeyboardPointer(self)
        self._editor = editor
        self._layers = Layers()
        self._picture_stale = self._masks_stale = self._preview_stale = True
        self._colors: Sequence[Color] = default_palette(2)
        self._pan_from: QPointF | None = None
        self._space = False
        self._space_used = False
        self._pressed = False
        self._fitted = True
        self._pointer: Pointer | None = None
        editor.document_changed.connect(self._on_document_changed)
        editor.drawn.connect(self._on_drawn)
        editor.window_changed.connect(self._on_picture_changed)
        editor.draft_changed.connect(self._on_masks_changed)
        editor.class_changed.connect(self._on_options_changed)
        editor.options_changed.connect(self._on_options_changed)

    # What is shown

    def set_tool(self, tool: Tool) -> None:
        """Take up a tool."""
        if self.tool is not None:
            self._release()
            self.tool.deactivated()
        self.tool = tool
        tool.activated()
        self._show_cursor()
        self.renew_preview()

    def set_colors(
        self,
        colors: Sequence[Color],
        *,
        opacity: float,
        style: MaskStyle,
        hidden: Iterable[int] = (),
    ) -> None:
        """Set what classes look like, by id; hidden ones are clear."""
        self._colors = colors
        self._layers.set_colors(colors, opacity=opacity, style=style, hidden=hidden)
        self._on_masks_changed()
        self.renew_preview()

    def class_color(self, class_id: int) -> QColor:
        """Return a class's colour."""
        known = 0 <= class_id < len(self._colors)
        return QColor(*self._colors[class_id]) if known else QColor(255, 255, 255)

    def renew_preview(self) -> None:
        """The tool's preview or what it draws changed."""
        self._preview_stale = True
        self.update()

    def update_around(self, *points: tuple[float, float], margin: float) -> None:
        """Paint again what lies within ``margin`` widget pixels of image points."""
        for x, y in points:
            place = self.to_widget(x, y)
            corner = QPointF(margin + 2, margin + 2)
            self.update(QRectF(place - corner, place + corner).toAlignedRect())

    # Places

    @property
    def ratio(self) -> float:
        """Device pixels per pixel of the widget."""
        return float(self.devicePixelRatioF())

    def to_widget(self, x: float, y: float) -> QPointF:
        """Image coordinates → the widget's."""
        left, top = self.viewport.to_widget(x, y)
        return QPointF(left / self.ratio, top / self.ratio)

    def to_image(self, place: QPointF) -> tuple[float, float]:
        """The widget's coordinates → the image's."""
        return self.viewport.to_image(place.x() * self.ratio, place.y() * self.ratio)

    @property
    def is_pressed(self) -> bool:
        """Whether a button, or space, is down for the tool."""
        return self._pressed or self.keyboard.is_pressed

    @property
    def pixel_size(self) -> float:
        """How many widget pixels an image pixel is wide."""
        return self.viewport.scale / self.ratio

    # Zoom

    @Slot()
    def fit(self) -> None:
        """Show the whole image."""
        self.viewport.fit()
        self._fitted = True
        self._view_changed()

    @Slot()
    def zoom_actual(self) -> None:
        """One image pixel to one device pixel."""
        self._zoom(1.0 / self.viewport.scale, None)

    @Slot()
    def zoom_in(self) -> None:
        """Closer, around the pointer of the keys or the middle."""
        self._zoom(_ZOOM_STEP**2, self.keyboard.place)

    @Slot()
    def zoom_out(self) -> None:
        """Farther away."""
        self._zoom(_ZOOM_STEP**-2, self.keyboard.place)

    def show_point(self, x: float, y: float) -> None:
        """Move the picture if an image point is out of sight."""
        if not self.rect().adjusted(8, 8, -8, -8).contains(self.to_widget(x, y).toPoint()):
            self.viewport.center_on(x, y)
            self._view_changed()

    def _zoom(self, factor: float, place: QPointF | None) -> None:
        at = None if place is None else (place.x() * self.ratio, place.y() * self.ratio)
        self.viewport.zoom_to(self.viewport.scale * factor, at=at)
        self._fitted = False
        self._view_changed()

    def _view_changed(self) -> None:
        self._picture_stale = self._masks_stale = self._preview_stale = True
        self.zoomed.emit()
        self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw what became stale, then put the layers together."""
        self._refresh()
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(tokens().window))
        if self._editor.document is None:
            return
        self._layers.paint(painter, self.ratio, draft=self._editor.draft is not None)
        if self.viewport.scale >= _GRID_FROM:
            self._paint_grid(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.tool is not None:
            self.tool.paint(painter)
        self.keyboard.paint(painter)

    def _refresh(self) -> None:
        document, picture = self._editor.document, self._editor.picture
        if document is None or picture is None:
            return
        if self._picture_stale:
            self._layers.draw_picture(picture, self._editor.window, self.viewport)
        if self._masks_stale:
            self._layers.draw_masks(document.mask, self._editor.draft, self.viewport)
        if self._preview_stale:
            region = self.tool.preview() if self.tool is not None else None
            color = self.class_color(self._editor.class_id)
            rgb = (color.red(), color.green(), color.blue())
            self._layers.draw_preview(region, rgb, self.viewport)
        self._picture_stale = self._masks_stale = self._preview_stale = False

    def _paint_grid(self, painter: QPainter) -> None:
        seen = self.viewport.spans()
        if seen is None:
            return
        columns, rows = seen
        painter.setPen(QPen(QColor(128, 128, 128, 90), 0))
        x0, y0 = self.to_widget(columns.first, rows.first).toTuple()
        x1, y1 = self.to_widget(columns.first + columns.count, rows.first + rows.count).toTuple()
        step = self.pixel_size
        for column in range(columns.count + 1):
            painter.drawLine(QPointF(x0 + column * step, y0), QPointF(x0 + column * step, y1))
        for row in range(rows.count + 1):
            painter.drawLine(QPointF(x0, y0 + row * step), QPointF(x1, y0 + row * step))

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the middle, or the whole image where it was fitted."""
        super().resizeEvent(event)
        size = event.size() * self.ratio
        self.viewport.resize(size.width(), size.height())
        if self._fitted:
            self.viewport.fit()
        self._view_changed()

    def event(self, event: QEvent) -> bool:
        """Zoom with two fingers where the system tells it."""
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture
        ):
            self._zoom(1 + event.value(), event.position())
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
            self.viewport.pan(steps * 60 * self.ratio, 0)
            self._view_changed()
        elif steps:
            self._zoom(_ZOOM_STEP**steps, event.position())
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
            self.tool.pressed(self._pointer_at(event.position(), event.modifiers(), event.button()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Pan, or tell the tool."""
        if self._pan_from is not None:
            moved = event.position() - self._pan_from
            self._pan_from = event.position()
            self.viewport.pan(moved.x() * self.ratio, moved.y() * self.ratio)
            self._fitted = False
            self._view_changed()
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

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Some tools finish with it; for the others it is another press."""
        if self._space or event.button() != Qt.MouseButton.LeftButton or self.tool is None:
            self.mousePressEvent(event)
        elif self._editor.document is not None:
            self._pressed = True
            self.tool.double_clicked(
                self._pointer_at(event.position(), event.modifiers(), event.button())
            )

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
        self._hover(event.position(), Qt.KeyboardModifier.NoModifier)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Space moves the picture or acts at the crosshair; the rest is the tool's."""
        key = event.key()
        tool = self.tool
        if key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._space, self._space_used = True, False
                self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif self.keyboard.key(event):
            pass
        elif tool is None:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            tool.accept()
        elif key == Qt.Key.Key_Escape and (tool.busy or self._editor.document is not None):
            self._pressed = False
            tool.cancel()
        elif key == Qt.Key.Key_Backspace:
            tool.step_back()
        elif key == Qt.Key.Key_Delete:
            tool.delete()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """A space that moved nothing acts at the crosshair."""
        if event.key() != Qt.Key.Key_Space or event.isAutoRepeat():
            super().keyReleaseEvent(event)
            return
        used, self._space, self._space_used = self._space_used, False, False
        self._show_cursor()
        if not used:
            self.keyboard.act()

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

    def _release(self) -> None:
        """End a press whose tool goes away."""
        if self._pressed and self.tool is not None and self._pointer is not None:
            self.tool.released(self._pointer)
        self._pressed = False
        self.keyboard.focus_lost()

    def _show_cursor(self) -> None:
        self.setCursor(Qt.CursorShape.ArrowCursor if self.tool is None else self.tool.cursor)

    @Slot()
    def _on_document_changed(self) -> None:
        if self.tool is not None:
            self._pressed = False
            self.tool.deactivated()
        picture = self._editor.picture
        old = (self.viewport.image_width, self.viewport.image_height)
        new = (0, 0) if picture is None else picture.size
        self.viewport.set_image_size(*new)
        if picture is None:
            self._layers.clear()
        elif new != old or self._fitted:  # else: the same place in the next frame
            self.fit()
        self.keyboard.hide()
        if self.tool is not None and picture is not None:
            self.tool.activated()
        self._view_changed()

    @Slot(object)
    def _on_drawn(self, boxes: Sequence[tuple[int, int, int, int]]) -> None:
        document = self._editor.document
        if document is None or self._masks_stale:
            self.update()
            return
        ratio = self.ratio
        for box in boxes:
            changed = self._layers.update_mask(document.mask, box)
            if changed is not None:
                top_left = QPoint(int(changed.left() / ratio), int(changed.top() / ratio))
                size = QPoint(int(changed.width() / ratio) + 2, int(changed.height() / ratio) + 2)
                self.update(QRect(top_left, top_left + size))

    @Slot()
    def _on_picture_changed(self) -> None:
        self._picture_stale = True
        self.update()

    @Slot()
    def _on_masks_changed(self) -> None:
        self._masks_stale = True
        self.update()

    @Slot()
    def _on_options_changed(self) -> None:
        if self.tool is not None:
            self.tool.options_changed()
        self.renew_preview()
