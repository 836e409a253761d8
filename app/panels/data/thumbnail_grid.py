"""The grid of a project's images: 100 000 rows, of which only the visible ones cost anything."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QRect, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QWheelEvent
from PySide6.QtWidgets import QListView, QWidget

from app.look.theme import tokens
from app.look.translation import tr
from app.widgets.class_colors import color_table
from app.widgets.image_model import ImageListModel
from app.widgets.image_status_text import subset_name
from app.widgets.picture_grid import (
    PictureDelegate,
    PictureGrid,
    draw_badge,
    draw_fitted,
    draw_name,
)
from app.widgets.qt_images import draw_missing, draw_overlay
from app.widgets.thumbnails import Thumbnail, ThumbnailLoader
from core.images.palette import Color
from core.project import ImageRow, ImageSubset

_BATCH = 2000
MIN_SIDE, MAX_SIDE = 96, 320
_FIRST_SIDE = 160


class ThumbnailDelegate(PictureDelegate):
    """Draws a thumbnail with its mask, name, subset and state."""

    item_class = ImageRow

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(_FIRST_SIDE, parent)
        self._loader = loader
        self._table = color_table([])
        self._opacity = 0.5

    def set_opacity(self, opacity: float) -> None:
        """How strongly masks are drawn, 0 … 1."""
        self._opacity = opacity

    def set_colors(self, colors: Sequence[Color]) -> None:
        """Colours of the classes by id."""
        self._table = color_table(colors)

    def draw(self, painter: QPainter, area: QRect, cell: QRect, item: ImageRow) -> None:
        """Draw one cell."""
        ratio = painter.device().devicePixelRatio()
        found = self._loader.get(item, round(self.side * ratio))
        if found is not None:
            self._draw_picture(painter, area, found)
        if item.subset != "none":
            draw_badge(painter, area, subset_name(item.subset), _subset_color(item.subset))
        note = tr("no mask") if item.mask_hash is None else ""
        draw_name(painter, cell, item.name, "⚑" if item.flagged else note)

    def _draw_picture(self, painter: QPainter, area: QRect, found: Thumbnail) -> None:
        if found.image is None:
            draw_missing(painter, area, QColor(tokens().danger))
            return
        target = draw_fitted(painter, area, found.image)
        if found.mask is not None:
            draw_overlay(painter, target, found.mask, self._table, self._opacity)


class ThumbnailGrid(PictureGrid):
    """Thumbnails in rows and columns; several can be selected."""

    opened = Signal(int)
    """(image id): double click or Enter."""
    selection_changed = Signal()
    side_changed = Signal(int)
    """(pixels): Ctrl and the mouse wheel."""

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        drawing = ThumbnailDelegate(loader)
        super().__init__(drawing, parent)
        self._drawing = drawing
        self.images = ImageListModel(self)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(_BATCH)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setAccessibleName(tr("Images"))
        self.setModel(self.images)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.activated_cell.connect(self._on_activated)
        loader.updated.connect(self._on_thumbnails_updated)

    def set_opacity(self, opacity: float) -> None:
        """How strongly masks are drawn, 0 … 1."""
        self._drawing.set_opacity(opacity)
        self.viewport().update()

    def set_colors(self, colors: Sequence[Color]) -> None:
        """Colours of the classes by id."""
        self._drawing.set_colors(colors)
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

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Ctrl and the wheel change the size of the thumbnails."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            step = 16 if event.angleDelta().y() > 0 else -16
            self.side_changed.emit(min(max(self._drawing.side + step, MIN_SIDE), MAX_SIDE))
            event.accept()
            return
        super().wheelEvent(event)

    @Slot()
    def _on_selection_changed(self) -> None:
        self.selection_changed.emit()

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        row = self.images.row(index.row())
        if row is not None:
            self.opened.emit(row.id)

    @Slot()
    def _on_thumbnails_updated(self) -> None:
        self.viewport().update()


def _subset_color(subset: ImageSubset) -> str:
    """Return the badge's colour."""
    t = tokens()
    return {"train": t.curves[0], "val": t.curves[1], "test": t.curves[2], "none": t.muted}[subset]
