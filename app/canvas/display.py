"""The picture of the canvas: image, mask, draft and preview, zoomed and moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.canvas.editor import Editor
from app.canvas.picture_layers import Layers
from app.canvas.renderer import MaskStyle
from app.canvas.viewport import Viewport
from app.look.icons import pixmap
from app.look.theme import GRID, tokens
from app.look.translation import tr
from core.annotation.edits import Region
from core.images.palette import Color, default_palette

_ZOOM_STEP = 1.25
_SIGN = 48
_GRID_FROM = 10.0  # device pixels per image pixel


@dataclass(frozen=True, slots=True)
class KeptView:
    """The scale, and the image point in the middle, for images of (width, height) pixels."""

    scale: float
    center: tuple[float, float]
    size: tuple[int, int]


class CanvasDisplay(QWidget):
    """Shows the editor's document; only what changed is drawn anew.

    Attributes:
        viewport: which part is seen.
    """

    zoomed = Signal()
    """The scale changed."""

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.viewport = Viewport()
        self._editor = editor
        self._layers = Layers()
        self._picture_stale = self._masks_stale = self._preview_stale = True
        self._colors: Sequence[Color] = default_palette(2)
        self._fitted = True
        self._waiting = False
        self._problem = ""
        self._last_size = (0, 0)
        self._wanted: KeptView | None = None
        editor.drawn.connect(self._on_drawn)
        editor.window_changed.connect(self._on_picture_changed)
        editor.draft_changed.connect(self._on_masks_changed)

    # What a tool adds

    def preview(self) -> Region | None:
        """Return what a tool would paint."""
        return None

    def preview_color(self) -> QColor:
        """Return the colour of its tint."""
        return QColor()

    def paint_tool(self, painter: QPainter) -> None:
        """Draw what belongs to the pointer and the tool."""

    def zoom_center(self) -> QPointF | None:
        """Return what keys zoom at, in the widget; None: the middle."""
        return None

    # What is shown

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

    def set_ignored(self, ignored: npt.NDArray[np.bool_] | None) -> None:
        """Hatch these pixels (H, W) of the image, which do not count; None for none."""
        self._layers.mask.set_ignored(ignored)
        self._on_masks_changed()

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

    @property
    def waiting(self) -> bool:
        """Whether it says that an image is being read."""
        return self._waiting

    def set_waiting(self, waiting: bool) -> None:
        """Say, where nothing is shown, that an image is being read; ends when one is shown."""
        waiting = waiting and self._editor.document is None
        if waiting != self._waiting:
            self._waiting = waiting
            self.update()

    def set_problem(self, text: str) -> None:
        """Say, where nothing is shown, why an image cannot be; "" for none."""
        if text != self._problem:
            self._problem = text
            self._waiting = self._waiting and not text
            self.setAccessibleDescription(text)
            self.update()

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
    def pixel_size(self) -> float:
        """How many widget pixels an image pixel is wide."""
        return self.viewport.scale / self.ratio

    def seen_box(self) -> tuple[int, int, int, int] | None:
        """Return (x0, y0, x1, y1) of the image pixels in sight, the last ones outside; or None."""
        seen = self.viewport.spans()
        if seen is None or self._editor.document is None:
            return None
        columns, rows = seen
        return (
            columns.first,
            rows.first,
            columns.first + columns.count,
            rows.first + rows.count,
        )

    # Zoom

    def kept_view(self) -> KeptView | None:
        """Return which part is seen, None where it is the whole image."""
        view = self.viewport
        if self._fitted or not view.image_width:
            return None
        center = view.to_image(view.width / 2, view.height / 2)
        return KeptView(view.scale, center, (view.image_width, view.image_height))

    def show_kept_view(self, kept: KeptView | None) -> None:
        """Show this part of the next image that is shown."""
        self._wanted = kept

    @Slot()
    def fit(self) -> None:
        """Show the whole image."""
        self.viewport.fit()
        self._fitted = True
        self.view_changed()

    @Slot()
    def zoom_actual(self) -> None:
        """One image pixel to one device pixel."""
        self.zoom(1.0 / self.viewport.scale, None)

    @Slot()
    def zoom_in(self) -> None:
        """Closer, around the pointer of the keys or the middle."""
        self.zoom(_ZOOM_STEP**2, self.zoom_center())

    @Slot()
    def zoom_out(self) -> None:
        """Farther away."""
        self.zoom(_ZOOM_STEP**-2, self.zoom_center())

    def show_point(self, x: float, y: float) -> None:
        """Move the picture if an image point is out of sight."""
        if not self.rect().adjusted(8, 8, -8, -8).contains(self.to_widget(x, y).toPoint()):
            self.viewport.center_on(x, y)
            self.view_changed()

    def zoom(self, factor: float, place: QPointF | None) -> None:
        """Change the scale; what is at ``place`` in the widget (the middle) stays there."""
        at = None if place is None else (place.x() * self.ratio, place.y() * self.ratio)
        self.viewport.zoom_to(self.viewport.scale * factor, at=at)
        self._fitted = False
        self.view_changed()

    def view_changed(self) -> None:
        """The viewport was changed: draw everything anew."""
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
            if self._problem:
                self._paint_problem(painter)
            elif self._waiting:
                painter.setPen(QColor(tokens().muted))
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, tr("Loading …"))
            return
        self._layers.paint(painter, self.ratio, draft=self._editor.draft is not None)
        if self.viewport.scale >= _GRID_FROM:
            self._paint_grid(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_tool(painter)

    def _refresh(self) -> None:
        document, picture = self._editor.document, self._editor.picture
        if document is None or picture is None:
            return
        if self._picture_stale:
            self._layers.draw_picture(picture, self._editor.window, self.viewport)
        if self._masks_stale:
            self._layers.draw_masks(document.mask, self._editor.draft, self.viewport)
        if self._preview_stale:
            region, color = self.preview(), self.preview_color()
            rgb = (color.red(), color.green(), color.blue())
            self._layers.draw_preview(region, rgb, self.viewport)
        self._picture_stale = self._masks_stale = self._preview_stale = False

    def _paint_problem(self, painter: QPainter) -> None:
        """Draw a sign of damage in the middle, and the reason below."""
        ratio = self.ratio
        sign = pixmap("error", _SIGN, color=tokens().danger, ratio=ratio)
        middle = self.rect().center()
        painter.drawPixmap(middle.x() - _SIGN // 2, middle.y() - 2 * _SIGN, sign)
        margin = self.width() // 8
        area = self.rect().adjusted(margin, self.height() // 2 - _SIGN // 2, -margin, -GRID)
        painter.setPen(QColor(tokens().text))
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(area, flags, self._problem)

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

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the middle, or the whole image where it was fitted."""
        super().resizeEvent(event)
        size = event.size() * self.ratio
        self.viewport.resize(size.width(), size.height())
        if self._fitted:
            self.viewport.fit()
        self.view_changed()

    def show_document(self) -> None:
        """Show another image: the whole of it, or the same place of one of the same size."""
        picture = self._editor.picture
        new = (0, 0) if picture is None else picture.size
        self.viewport.set_image_size(*new)
        if picture is None:
            self._layers.clear()
        elif self._wanted is not None and self._wanted.size == new:
            self.viewport.zoom_to(self._wanted.scale)
            self.viewport.center_on(*self._wanted.center)
            self._fitted = False
        elif new != self._last_size or self._fitted:
            self.fit()
        if picture is not None:
            self._last_size = new
            self._waiting = False
            self._wanted = None
        self.view_changed()

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
