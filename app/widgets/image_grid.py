"""The grid of a project's images: 100 000 rows, of which only the visible ones cost anything."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
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
from app.widgets.overlay import color_table, draw_missing, draw_overlay
from app.widgets.thumbnails import Thumbnail, ThumbnailLoader
from core.images.palette import Color
from core.project import ImageRow, ImageSubset, Project

_Index = QModelIndex | QPersistentModelIndex
_PAGE = 64
_MAX_PAGES = 64
_BATCH = 2000
_NAME_HEIGHT = GRID * 3
_PADDING = GRID // 2
MIN_SIDE, MAX_SIDE = 96, 320
ROW_ROLE = Qt.ItemDataRole.UserRole


class ImageGridModel(QAbstractListModel):
    """The ids of a query's images; their rows are fetched a page at a time when asked for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project: Project | None = None
        self._ids: Sequence[int] = ()
        self._places: dict[int, int] = {}
        self._pages: OrderedDict[int, list[ImageRow | None]] = OrderedDict()

    def set_images(self, project: Project | None, ids: Sequence[int]) -> None:
        """Show other images."""
        self.beginResetModel()
        self._project = project
        self._ids = ids
        self._places = {}
        self._pages.clear()
        self.endResetModel()

    def refresh(self) -> None:
        """Rows changed in the project, the list of ids did not."""
        self._pages.clear()
        if self._ids:
            self.dataChanged.emit(self.index(0), self.index(len(self._ids) - 1))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008
        """Number of images."""
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, tooltip, or with ``ROW_ROLE`` the ``ImageRow``."""
        if role not in (
            ROW_ROLE,
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ToolTipRole,
            Qt.ItemDataRole.AccessibleDescriptionRole,
        ):
            return None
        row = self.row(index.row())
        if role == ROW_ROLE or row is None:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        return "\n".join((str(row.path), f"{row.width} × {row.height}", subset_name(row.subset)))

    def row(self, place: int) -> ImageRow | None:
        """Return the image at ``place``; None if it was removed meanwhile."""
        if not 0 <= place < len(self._ids):
            return None
        number, inside = divmod(place, _PAGE)
        page = self._pages.get(number)
        if page is None:
            page = self._fetch(number)
        self._pages.move_to_end(number)
        return page[inside]

    def place(self, image_id: int) -> int | None:
        """Return where an image is in the list."""
        if not self._places:
            self._places = {id_: place for place, id_ in enumerate(self._ids)}
        return self._places.get(image_id)

    def ids_at(self, places: Sequence[int]) -> list[int]:
        """Return the image ids at these places."""
        return [self._ids[place] for place in places]

    def _fetch(self, number: int) -> list[ImageRow | None]:
        ids = list(self._ids[number * _PAGE : (number + 1) * _PAGE])
        rows = {} if self._project is None else {r.id: r for r in self._project.images_by_id(ids)}
        page = [rows.get(id_) for id_ in ids]
        self._pages[number] = page
        while len(self._pages) > _MAX_PAGES:
            self._pages.popitem(last=False)
        return page


class ThumbnailDelegate(QStyledItemDelegate):
    """Draws a thumbnail with its mask, name, subset and state."""

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loader = loader
        self._table = color_table([])
        self.side = 160
        self.cell = cell_size(self.side)
        self.opacity = 0.5

    def set_colors(self, colors: Sequence[Color]) -> None:
        """Colours of the classes by id."""
        self._table = color_table(colors)

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:  # noqa: N802
        """Size of a cell."""
        return self.cell

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
        found = self._loader.get(row, round(self.side * ratio))
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
            draw_overlay(painter, target, found.mask, self._table, self.opacity)


class ImageGrid(QListView):
    """Thumbnails in rows and columns; several can be selected."""

    opened = Signal(int)
    """(image id): double click or Enter."""
    selection_changed = Signal()
    side_changed = Signal(int)
    """(pixels): Ctrl and the mouse wheel."""

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = ImageGridModel(self)
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
        self.set_side(self._delegate.side)
        self.verticalScrollBar().setSingleStep(GRID * 6)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.doubleClicked.connect(self._on_activated)
        loader.updated.connect(self._on_thumbnails_updated)

    def set_side(self, side: int) -> None:
        """Longer side of the thumbnails in logical pixels; cells are stretched to fill a row."""
        self._delegate.side = side
        self._fit_cells()

    def set_opacity(self, opacity: float) -> None:
        """How strongly masks are drawn, 0 … 1."""
        self._delegate.opacity = opacity
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
            self.side_changed.emit(min(max(self._delegate.side + step, MIN_SIDE), MAX_SIDE))
            event.accept()
            return
        super().wheelEvent(event)

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


def cell_size(side: int) -> QSize:
    """Size of a cell whose thumbnail has ``side`` pixels."""
    return QSize(side + 2 * _PADDING, round(side * 0.75) + _NAME_HEIGHT + 2 * _PADDING)


def subset_name(subset: ImageSubset) -> str:
    """Return a subset for people."""
    return {
        "train": tr("Training"),
        "val": tr("Validation"),
        "test": tr("Test"),
        "none": tr("No subset"),
    }[subset]


def subset_color(subset: ImageSubset) -> str:
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
    painter.setBrush(QColor(subset_color(row.subset)))
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
