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
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QPixmap, QResizeEvent
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
from app.panels.ship.outcomes import JudgedImage, Outcome, outcome_color, outcome_name
from app.services.background import BackgroundTasks
from app.widgets.blending import ImageArray, dim_excluded, overlay_mask
from app.widgets.qt_images import draw_missing, to_pixmap
from core.images.io import thumbnail
from core.images.palette import Color

_Index = QModelIndex | QPersistentModelIndex
_SIDE = 176
_CACHED = 600
_NAME_HEIGHT = GRID * 3
_PADDING = GRID // 2
_ROLE = Qt.ItemDataRole.UserRole


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
        if role == _ROLE:
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


class OutcomeDelegate(QStyledItemDelegate):
    """Draws a picture with what becomes of it, and its name below."""

    def __init__(self, model: OutcomeModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.cell = _cell_size()

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:  # noqa: N802
        """Size of a cell."""
        return self.cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw one cell."""
        one = index.data(_ROLE)
        if not isinstance(one, JudgedImage):
            return
        cell: QRect = option.rect.adjusted(_PADDING, _PADDING, -_PADDING, -_PADDING)
        theme = tokens()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRect(cell.left(), cell.top(), cell.width(), cell.height() - _NAME_HEIGHT)
        painter.fillRect(area, QColor(theme.hover))
        picture = self._model.picture(one)
        if picture is not None:
            size = picture.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(0, 0, size.width(), size.height())
            target.moveCenter(area.center())
            painter.drawPixmap(target, picture)
        elif self._model.is_missing(one):
            draw_missing(painter, area, QColor(theme.danger))
        _draw_badge(painter, area, one)
        _draw_name(painter, cell, one)
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(QColor(theme.accent), 3))
            painter.drawRect(area.adjusted(1, 1, -1, -1))
        elif state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus):
            painter.setPen(QPen(QColor(theme.muted), 1))
            painter.drawRect(area.adjusted(0, 0, -1, -1))
        painter.restore()


class OutcomeGrid(QListView):
    """Choosing an image tells of it; a double click or return shows it large."""

    image_chosen = Signal(object)
    """(JudgedImage)."""
    opened = Signal(object)
    """(JudgedImage)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = OutcomeModel(self)
        self._delegate = OutcomeDelegate(self.images, self)
        self.setProperty("role", "grid")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Judged images"))
        self.setItemDelegate(self._delegate)
        self.setModel(self.images)
        self.setGridSize(_cell_size())
        self.verticalScrollBar().setSingleStep(GRID * 6)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.images.modelReset.connect(self._on_reset)
        self.doubleClicked.connect(self._on_activated)

    @property
    def current(self) -> JudgedImage | None:
        """The image chosen."""
        index = self.currentIndex()
        return self.images.images[index.row()] if index.isValid() else None

    def choose(self, row: int) -> None:
        """Choose a row; does nothing where there is none."""
        if 0 <= row < self.images.rowCount():
            self.setCurrentIndex(self.images.index(row))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Return opens the image."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_activated(self.currentIndex())
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fill the rows."""
        super().resizeEvent(event)
        cell = _cell_size()
        room = self.viewport().width() - 1
        cell.setWidth(max(cell.width(), room // max(1, room // cell.width())))
        if cell != self.gridSize():
            self._delegate.cell = cell
            self.setGridSize(cell)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid():
            self.image_chosen.emit(self.images.images[index.row()])

    @Slot()
    def _on_reset(self) -> None:
        self.choose(0)

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        if index.isValid():
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


def _cell_size() -> QSize:
    return QSize(_SIDE + 2 * _PADDING, round(_SIDE * 0.75) + _NAME_HEIGHT + 2 * _PADDING)


def _draw_badge(painter: QPainter, picture: QRect, one: JudgedImage) -> None:
    """Say what becomes of the image: by a word, and by a colour for those who look from afar."""
    theme = tokens()
    text = outcome_name(one.outcome)
    wrong = one.truth is not None and one.truth.value in ("good rejected", "defective missed")
    if wrong:
        text = f"{text} ✗"
    width = painter.fontMetrics().horizontalAdvance(text) + GRID * 3
    badge = QRect(picture.left() + _PADDING, picture.top() + _PADDING, width, GRID * 2 + 4)
    ground = QColor(theme.surface)
    ground.setAlphaF(0.9)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(badge, badge.height() / 2, badge.height() / 2)
    painter.setBrush(QColor(outcome_color(one.outcome, theme)))
    painter.drawEllipse(QRect(badge.left() + 6, badge.center().y() - 3, GRID, GRID))
    painter.setPen(QColor(theme.text))
    painter.drawText(
        badge.adjusted(GRID * 2, 0, 0, 0),
        Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
        text,
    )
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if one.outcome is Outcome.REJECT:
        painter.setPen(QPen(QColor(theme.danger), 2))
        painter.drawRect(picture.adjusted(1, 1, -1, -1))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _draw_name(painter: QPainter, cell: QRect, one: JudgedImage) -> None:
    theme = tokens()
    line = QRect(cell.left(), cell.bottom() - _NAME_HEIGHT + 1, cell.width(), _NAME_HEIGHT)
    metrics = painter.fontMetrics()
    right_width = metrics.horizontalAdvance(one.note)
    painter.setPen(QColor(theme.muted))
    painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, one.note)
    room = line.width() - right_width - (GRID if one.note else 0)
    painter.setPen(QColor(theme.text))
    painter.drawText(
        line,
        Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
        metrics.elidedText(one.image.name, Qt.TextElideMode.ElideMiddle, room),
    )
