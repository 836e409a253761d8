"""Images with their label maps and what becomes of them, as a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cachetools import LRUCache
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QListView, QWidget

from app.look.theme import tokens
from app.look.translation import tr
from app.panels.ship.outcomes import (
    JudgedImage,
    Outcome,
    Truth,
    outcome_color,
    outcome_name,
)
from app.services.background import BackgroundTasks
from app.widgets.blending import ImageArray, dim_excluded, overlay_mask
from app.widgets.image_model import ROW_ROLE
from app.widgets.picture_grid import (
    PictureDelegate,
    PictureGrid,
    draw_badge,
    draw_fitted,
    draw_name,
)
from app.widgets.qt_images import draw_missing, to_pixmap
from core.images.io import thumbnail
from core.images.palette import Color

_Index = QModelIndex | QPersistentModelIndex
_SIDE = 176
_CACHED = 600


class OutcomeModel(QAbstractListModel):
    """Rows are ``JudgedImage``; pictures are made when they are first looked at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self, max_threads=2)
        self.images: list[JudgedImage] = []
        self._colors: tuple[Color, ...] = ()
        self._background: int | None = None
        self._pictures: LRUCache[str, QPixmap | None] = LRUCache(_CACHED)
        self._wanted: set[str] = set()

    def set_classes(self, colors: tuple[Color, ...], *, background: int | None) -> None:
        """Draw label maps in these colours from now on."""
        if (colors, background) == (self._colors, self._background):
            return
        self._colors, self._background = colors, background
        self.forget_pictures()

    def forget_pictures(self) -> None:
        """Make the pictures anew: label maps have changed."""
        self._tasks.cancel_all()
        self._wanted.clear()
        self._pictures.clear()

    def set_images(self, images: Sequence[JudgedImage]) -> None:
        """Show these images in this order; pictures that were made stay."""
        same = [one.image for one in images] == [one.image for one in self.images]
        if same:  # only what is said of them is new: the selection stays
            self.images = list(images)
            if images:
                self.dataChanged.emit(self.index(0), self.index(len(images) - 1))
            return
        self.beginResetModel()
        self.images = list(images)
        self.endResetModel()

    @property
    def busy(self) -> bool:
        """Whether pictures are being made."""
        return self._tasks.busy

    def rowCount(self, parent: _Index | None = None) -> int:  # noqa: N802
        """Number of images."""
        return 0 if parent is not None and parent.isValid() else len(self.images)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The image itself; its name and outcome for screen readers."""
        one = self.images[index.row()]
        if role == ROW_ROLE:
            return one
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{one.image.name}: {outcome_name(one.outcome)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join([str(one.image), *one.reasons, *([one.problem] * bool(one.problem))])
        return None

    def picture(self, one: JudgedImage) -> QPixmap | None:
        """Return the picture of an image; None where it is not made yet or cannot be."""
        key = _key(one)
        if key in self._pictures:
            return self._pictures[key]
        if key not in self._wanted:
            self._wanted.add(key)
            colors, background = self._colors, self._background
            self._tasks.start(
                lambda _progress: small_picture(one, colors, background),
                on_done=lambda picture: self._on_made(key, picture),
                on_failed=lambda _error: self._on_made(key, None),
            )
        return None

    def is_missing(self, one: JudgedImage) -> bool:
        """Whether an image cannot be shown."""
        key = _key(one)
        return key in self._pictures and self._pictures[key] is None

    def shut_down(self) -> None:
        """Wait for the threads."""
        self._tasks.shut_down()

    def _on_made(self, key: str, picture: ImageArray | None) -> None:
        self._wanted.discard(key)
        self._pictures[key] = None if picture is None else to_pixmap(picture)
        for row, one in enumerate(self.images):
            if key == _key(one):
                index = self.index(row)
                self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])


class OutcomeDelegate(PictureDelegate):
    """Draws a picture with what becomes of it, and its name below."""

    item_class = JudgedImage

    def __init__(self, model: OutcomeModel, parent: QWidget | None = None) -> None:
        super().__init__(_SIDE, parent)
        self._model = model

    def draw(self, painter: QPainter, area: QRect, cell: QRect, item: JudgedImage) -> None:
        """Draw one cell."""
        theme = tokens()
        picture = self._model.picture(item)
        if picture is not None:
            draw_fitted(painter, area, picture)
        elif self._model.is_missing(item):
            draw_missing(painter, area, QColor(theme.danger))
        # By a word, and by a colour for those who look from afar.
        wrong = item.truth in (Truth.GOOD_REJECTED, Truth.MISSED)
        text = f"{outcome_name(item.outcome)}{' ✗' if wrong else ''}"
        draw_badge(painter, area, text, outcome_color(item.outcome, theme))
        if item.outcome is Outcome.REJECT:
            painter.setPen(QPen(QColor(theme.danger), 2))
            painter.drawRect(area.adjusted(1, 1, -1, -1))
        draw_name(painter, cell, item.image.name, item.note)


class OutcomeGrid(PictureGrid):
    """Choosing an image tells of it; a double click or return shows it large."""

    image_chosen = Signal(object)
    """(JudgedImage)."""
    opened = Signal(object)
    """(JudgedImage)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        images = OutcomeModel()
        super().__init__(OutcomeDelegate(images), parent)
        images.setParent(self)
        self.images = images
        self.setSelectionMode(QListView.SelectionMode.SingleSelection)
        self.setAccessibleName(tr("Judged images"))
        self.setModel(self.images)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.images.modelReset.connect(self._on_reset)
        self.activated_cell.connect(self._on_activated)

    @property
    def current(self) -> JudgedImage | None:
        """The image chosen."""
        index = self.currentIndex()
        return self.images.images[index.row()] if index.isValid() else None

    def choose(self, row: int) -> None:
        """Choose a row; does nothing where there is none."""
        if 0 <= row < self.images.rowCount():
            self.setCurrentIndex(self.images.index(row))

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid():
            self.image_chosen.emit(self.images.images[index.row()])

    @Slot()
    def _on_reset(self) -> None:
        self.choose(0)

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        self.opened.emit(self.images.images[index.row()])


def small_picture(
    one: JudgedImage, colors: tuple[Color, ...], background: int | None
) -> ImageArray:
    """Return a small picture (H, W, 3) BGR with the label map over it; for the thread pool."""
    bgr = thumbnail(one.picture or one.image, max_side=_SIDE * 2)
    is_there = one.label_map is not None and one.label_map.is_file()
    label_map = one.clean_label_map(background) if is_there else None
    if label_map is None:
        return bgr
    shown = overlay_mask(bgr, label_map, colors, background=background)
    height, width = label_map.shape
    return dim_excluded(shown, one.area.included((height, width)))


def _key(one: JudgedImage) -> str:
    return f"{one.image}\n{one.picture}\n{one.label_map}\n{one.least}\n{one.area}"
