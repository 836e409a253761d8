"""The grid of a project's images: 100 000 rows, of which only the visible ones cost anything."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.widgets.class_colors import color_table
from app.widgets.image_model import ROW_ROLE, ImageListModel
from app.widgets.image_status_text import subset_name
from app.widgets.qt_images import draw_missing, draw_overlay
from app.widgets.thumbnails import Thumbnail, ThumbnailLoader
from core.images.palette import Color
from core.project import ImageRow, ImageSubset

_Index = QModelIndex | QPersistentModelIndex
_BATCH = 2000
_NAME_HEIGHT = GRID * 3
_PADDING = GRID // 2
MIN_SIDE, MAX_SIDE = 96, 320
_FIRST_SIDE = 160


class ThumbnailDelegate(QStyledItemDelegate):
    """Draws a thumbnail with its mask, name, subset and state."""

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loader = loader
        self._table = color_table([])
        self._side = _FIRST_SIDE
        self._cell = _cell_size(self._side)
        self._opacity = 0.5

    def set_side(self, side: int) -> None:
        """Longer side of the thumbnails in logical pixels."""
        self._side = side

    def set_cell(self, size: QSize) -> None:
        """Size of a cell."""
        self._cell = size

    def set_opacity(self, opacity: float) -> None:
        """How strongly masks are drawn, 0 … 1."""
        self._opacity = opacity

    def set_colors(self, colors: Sequence[Color]) -> None:
        """Colours of the classes by id."""
        self._table = color_table(colors)

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:  # noqa: N802
        """Size of a cell."""
        return self._cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw one cell."""
        row = index.data(ROW_ROLE)
        cell: QRect = option.rect.adjusted(_PADDING, _PADDING, -_PADDING, -_PADDING)
        if not isinstance(row, ImageRow):
            return
        t = tokens()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        picture = QRect(cell.left(), cell.top(), cell.width(), cell.height() - _NAME_HEIGHT)
        painter.fillRect(picture, QColor(t.hover))
        ratio = painter.device().devicePixelRatio()
        found = self._loader.get(row, round(self._side * ratio))
        if found is not None:
            self._draw_picture(painter, picture, found)
        _draw_badges(painter, picture, row)
        _draw_name(painter, cell, row)
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(QColor(t.accent), 3))
            painter.drawRect(picture.adjusted(1, 1, -1, -1))
        elif state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus):
            painter.setPen(QPen(QColor(t.muted), 1))
            painter.drawRect(picture.adjusted(0, 0, -1, -1))
        painter.restore()

    def _draw_picture(self, painter: QPainter, area: QRect, found: Thumbnail) -> None:
        if found.image is None:
            draw_missing(painter, area, QColor(tokens().danger))
            return
        size = found.image.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
        target = QRect(0, 0, size.width(), size.height())
        target.moveCenter(area.center())
        painter.drawImage(target, found.image)
        if found.mask is not None:
            draw_overlay(painter, target, found.mask, self._table, self._opacity)


class ThumbnailGrid(QListView):
    """Thumbnails in rows and columns; several can be selected."""

    opened = Signal(int)
    """(image id): double click or Enter."""
    selection_changed = Signal()
    side_changed = Signal(int)
    """(pixels): Ctrl and the mouse wheel."""

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = ImageListModel(self)
        self._side = _FIRST_SIDE
        self._delegate = ThumbnailDelegate(loader, self)
        self.setProperty("role", "grid")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(_BATCH)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Images"))
        self.setItemDelegate(self._delegate)
        self.setModel(self.images)
        self.set_side(self._side)
        self.verticalScrollBar().setSingleStep(GRID * 6)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.doubleClicked.connect(self._on_activated)
        loader.updated.connect(self._on_thumbnails_updated)

    def set_side(self, side: int) -> None:
        """Longer side of the thumbnails in logical pixels; cells are stretched to fill a row."""
        self._side = side
        self._delegate.set_side(side)
        self._fit_cells()

    def set_opacity(self, opacity: float) -> None:
        """How strongly masks are drawn, 0 … 1."""
        self._delegate.set_opacity(opacity)
        self.viewport().update()

    def set_colors(self, colors: Sequence[Color]) -> None:
        """Colours of the classes by id."""
        self._delegate.set_colors(colors)
        self.viewport().update()

    def selected_ids(self) -> list[int]:
        """Ids of the selected images in the grid's order."""
        places = sorted(index.row() for index in self.selectedIndexes())
        return self.images.ids_at(places)

    def current_row(self) -> ImageRow | None:
        """The image with the keyboard focus, if it is selected."""
        index = self.currentIndex()
        if not index.isValid() or not self.selectionModel().isSelected(index):
            return None
        return self.images.row(index.row())

    def select_image(self, image_id: int) -> None:
        """Select one image and scroll to it."""
        place = self.images.place(image_id)
        if place is not None:
            index = self.images.index(place)
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter opens the image."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_activated(self.currentIndex())
            return
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Ctrl and the wheel change the size of the thumbnails."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            step = 16 if event.angleDelta().y() > 0 else -16
            self.side_changed.emit(min(max(self._side + step, MIN_SIDE), MAX_SIDE))
            event.accept()
            return
        super().wheelEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fill the rows."""
        super().resizeEvent(event)
        self._fit_cells()

    def _fit_cells(self) -> None:
        cell = _cell_size(self._side)
        room = self.viewport().width() - 1
        cell.setWidth(max(cell.width(), room // max(1, room // cell.width())))
        if cell != self.gridSize():
            self._delegate.set_cell(cell)
            self.setGridSize(cell)

    @Slot()
    def _on_selection_changed(self) -> None:
        self.selection_changed.emit()

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        row = self.images.row(index.row()) if index.isValid() else None
        if row is not None:
            self.opened.emit(row.id)

    @Slot()
    def _on_thumbnails_updated(self) -> None:
        self.viewport().update()


def _cell_size(side: int) -> QSize:
    """Size of a cell whose thumbnail has ``side`` pixels."""
    return QSize(side + 2 * _PADDING, round(side * 0.75) + _NAME_HEIGHT + 2 * _PADDING)


def _subset_color(subset: ImageSubset) -> str:
    """Return the badge's colour."""
    t = tokens()
    return {"train": t.curves[0], "val": t.curves[1], "test": t.curves[2], "none": t.muted}[subset]


def _draw_badges(painter: QPainter, picture: QRect, row: ImageRow) -> None:
    if row.subset == "none":
        return
    text = subset_name(row.subset)
    width = painter.fontMetrics().horizontalAdvance(text) + GRID * 3
    badge = QRect(picture.left() + _PADDING, picture.top() + _PADDING, width, GRID * 2 + 4)
    ground = QColor(tokens().surface)
    ground.setAlphaF(0.85)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(badge, badge.height() / 2, badge.height() / 2)
    painter.setBrush(QColor(_subset_color(row.subset)))
    painter.drawEllipse(QRect(badge.left() + 6, badge.center().y() - 3, GRID, GRID))
    painter.setPen(QColor(tokens().text))
    painter.drawText(
        badge.adjusted(GRID * 2, 0, 0, 0),
        Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
        text,
    )
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _draw_name(painter: QPainter, cell: QRect, row: ImageRow) -> None:
    t = tokens()
    line = QRect(cell.left(), cell.bottom() - _NAME_HEIGHT + 1, cell.width(), _NAME_HEIGHT)
    right = tr("no mask") if row.mask_hash is None else ""
    if row.flagged:
        right = "⚑"
    metrics = painter.fontMetrics()
    right_width = metrics.horizontalAdvance(right)
    painter.setPen(QColor(t.muted))
    painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, right)
    room = line.width() - right_width - (GRID if right else 0)
    painter.setPen(QColor(t.text))
    painter.drawText(
        line,
        Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
        metrics.elidedText(row.name, Qt.TextElideMode.ElideMiddle, room),
    )
