"""A grid of pictures, each with its name below: what all grids of images share."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.look.theme import GRID, tokens
from app.widgets.image_model import ROW_ROLE

_Index = QModelIndex | QPersistentModelIndex
_NAME_HEIGHT: Final = GRID * 3
_PADDING: Final = GRID // 2


class PictureDelegate(QStyledItemDelegate):
    """Draws the ground of a cell, its content, and whether it is selected.

    Args:
        side: longer side of the pictures in logical pixels.
        parent: of the object.
    """

    item_class: ClassVar[type]
    """Of what is drawn; cells that hold anything else stay empty."""

    def __init__(self, side: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.side = side
        self.cell = cell_size(side)

    def draw(self, painter: QPainter, area: QRect, cell: QRect, item: Any) -> None:
        """Draw what a cell shows.

        Args:
            painter: to draw with; smooth.
            area: of the picture.
            cell: all of it, with the line of the name below the picture.
            item: an ``item_class``.
        """
        raise NotImplementedError

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:  # noqa: N802
        """Size of a cell."""
        return self.cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw one cell."""
        item = index.data(ROW_ROLE)
        if not isinstance(item, self.item_class):
            return
        cell: QRect = option.rect.adjusted(_PADDING, _PADDING, -_PADDING, -_PADDING)
        theme = tokens()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRect(cell.left(), cell.top(), cell.width(), cell.height() - _NAME_HEIGHT)
        painter.fillRect(area, QColor(theme.hover))
        self.draw(painter, area, cell, item)
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(QColor(theme.accent), 3))
            painter.drawRect(area.adjusted(1, 1, -1, -1))
        elif state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus):
            painter.setPen(QPen(QColor(theme.muted), 1))
            painter.drawRect(area.adjusted(0, 0, -1, -1))
        painter.restore()


class PictureGrid(QListView):
    """Pictures in rows that they fill; a double click or Return opens one."""

    activated_cell = Signal(QModelIndex)
    """(index): by a double click or by Return."""

    def __init__(self, delegate: PictureDelegate, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._delegate = delegate
        delegate.setParent(self)
        self.setProperty("role", "grid")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setItemDelegate(delegate)
        self.setGridSize(delegate.cell)
        self.verticalScrollBar().setSingleStep(GRID * 6)
        self.doubleClicked.connect(self._on_double_clicked)

    def set_side(self, side: int) -> None:
        """Longer side of the pictures in logical pixels; cells are stretched to fill a row."""
        self._delegate.side = side
        self._fit_cells()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Return opens the image."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_double_clicked(self.currentIndex())
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fill the rows."""
        super().resizeEvent(event)
        self._fit_cells()

    def _fit_cells(self) -> None:
        cell = cell_size(self._delegate.side)
        room = self.viewport().width() - 1
        cell.setWidth(max(cell.width(), room // max(1, room // cell.width())))
        if cell != self.gridSize():
            self._delegate.cell = cell
            self.setGridSize(cell)

    @Slot(QModelIndex)
    def _on_double_clicked(self, index: QModelIndex) -> None:
        if index.isValid():
            self.activated_cell.emit(index)


def cell_size(side: int) -> QSize:
    """Return the size of a cell whose picture has ``side`` pixels."""
    return QSize(side + 2 * _PADDING, round(side * 0.75) + _NAME_HEIGHT + 2 * _PADDING)


def draw_fitted(painter: QPainter, area: QRect, picture: QImage | QPixmap) -> QRect:
    """Draw a picture as large as ``area`` allows, in its middle; returns where."""
    size = picture.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
    target = QRect(0, 0, size.width(), size.height())
    target.moveCenter(area.center())
    if isinstance(picture, QImage):
        painter.drawImage(target, picture)
    else:
        painter.drawPixmap(target, picture)
    return target


def draw_badge(painter: QPainter, area: QRect, text: str, color: str) -> None:
    """Draw a word with a dot of a colour over the upper left corner of a picture."""
    theme = tokens()
    width = painter.fontMetrics().horizontalAdvance(text) + GRID * 3
    badge = QRect(area.left() + _PADDING, area.top() + _PADDING, width, GRID * 2 + 4)
    ground = QColor(theme.surface)
    ground.setAlphaF(0.9)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(badge, badge.height() / 2, badge.height() / 2)
    painter.setBrush(QColor(color))
    painter.drawEllipse(QRect(badge.left() + 6, badge.center().y() - 3, GRID, GRID))
    painter.setPen(QColor(theme.text))
    painter.drawText(
        badge.adjusted(GRID * 2, 0, 0, 0),
        Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
        text,
    )
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def draw_name(painter: QPainter, cell: QRect, name: str, note: str) -> None:
    """Write a name at the left below the picture, cut in its middle, and a note at the right."""
    theme = tokens()
    line = QRect(cell.left(), cell.bottom() - _NAME_HEIGHT + 1, cell.width(), _NAME_HEIGHT)
    metrics = painter.fontMetrics()
    painter.setPen(QColor(theme.muted))
    painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, note)
    room = line.width() - metrics.horizontalAdvance(note) - (GRID if note else 0)
    painter.setPen(QColor(theme.text))
    painter.drawText(
        line,
        Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
        metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room),
    )
