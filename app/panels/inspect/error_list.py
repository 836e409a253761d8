"""The images of an evaluation, worst first, each with a small error map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cachetools import LRUCache
from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.panels.inspect.error_pictures import Drawn, render_errors
from app.services.background import BackgroundTasks
from app.widgets.blending import ImageArray
from app.widgets.qt_images import to_pixmap
from core.prediction.inspection import Evaluation, ImageScore
from core.prediction.object_errors import ErrorFilter, ErrorKind

_SIDE = 64
_CACHED = 400
#: Signs of another script are higher than the font's own, and must not be cut.
_LINE = (
    Qt.AlignmentFlag.AlignLeft.value
    | Qt.AlignmentFlag.AlignVCenter.value
    | Qt.TextFlag.TextSingleLine.value
    | Qt.TextFlag.TextDontClip.value
)
_SCORE_ROLE = Qt.ItemDataRole.UserRole
_Index = QModelIndex | QPersistentModelIndex
_Thresholds = tuple[float | None, ...] | None


class ErrorListModel(QAbstractListModel):
    """Rows are ``ImageScore``; their pictures are made when they are first looked at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self, max_threads=2)
        self._scores: list[ImageScore] = []
        self._labels: tuple[str, ...] = ()
        self._thresholds: _Thresholds = None
        self._pictures: LRUCache[Path, tuple[_Thresholds, QIcon]] = LRUCache(_CACHED)
        self._wanted: set[Path] = set()
        self._empty = QPixmap(_SIDE, _SIDE)

    def set_evaluation(self, evaluation: Evaluation | None, *, forget: bool) -> None:
        """Show the images of an evaluation.

        Args:
            evaluation: what was measured, or tried by other thresholds.
            forget: it is another one; otherwise pictures stay until there are newer ones.
        """
        self._tasks.cancel_all()
        self._wanted.clear()
        if forget:
            self._pictures.clear()
        self._labels = () if evaluation is None else evaluation.labels
        self._thresholds = None if evaluation is None else evaluation.thresholds
        self.show_scores(() if evaluation is None else evaluation.images)

    def show_scores(self, scores: Sequence[ImageScore]) -> None:
        """Show some of the images, in this order."""
        self.beginResetModel()
        self._scores = list(scores)
        self.endResetModel()

    @property
    def scores(self) -> list[ImageScore]:
        """What is shown, from top to bottom."""
        return self._scores

    @property
    def busy(self) -> bool:
        """Whether pictures are being made."""
        return self._tasks.busy

    def rowCount(self, parent: _Index | None = None) -> int:  # noqa: N802
        """Number of images."""
        return 0 if parent is not None and parent.isValid() else len(self._scores)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name and scores as text, the error map as decoration."""
        score = self._scores[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return "\n".join((score.image.name, *score_lines(score)))
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(score.image)
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(score)
        if role == _SCORE_ROLE:
            return score
        return None

    def shut_down(self) -> None:
        """Wait for the threads."""
        self._tasks.shut_down()

    def _picture(self, score: ImageScore) -> QIcon:
        thresholds, icon = self._pictures.get(score.image, (None, None))
        if icon is not None and thresholds == self._thresholds:
            return icon
        if score.image not in self._wanted:
            self._wanted.add(score.image)
            drawn = Drawn(score, self._labels, self._thresholds)
            self._tasks.start(
                lambda _progress: render_errors(drawn, _SIDE),
                on_done=lambda picture: self._on_made(drawn, picture),
                on_failed=lambda _error: self._on_made(drawn, None),
            )
        self._empty.fill(tokens().hover)
        return QIcon(self._empty) if icon is None else icon

    def _on_made(self, drawn: Drawn, picture: ImageArray | None) -> None:
        self._wanted.discard(drawn.score.image)
        # An image that is gone stays grey; choosing it says why.
        shown = self._empty if picture is None else to_pixmap(picture)
        icon = QIcon(shown)
        icon.addPixmap(shown, QIcon.Mode.Selected)  # or the selection would tint the picture
        self._pictures[drawn.score.image] = (drawn.thresholds, icon)
        for row, score in enumerate(self._scores):
            if score.image == drawn.score.image:
                index = self.index(row)
                self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])


class ErrorList(QListView):
    """Choosing a row shows the image; a double click or return opens it in the data set.

    Several can be chosen, to label them one after the other.
    """

    score_chosen = Signal(object)
    """(ImageScore)."""
    choice_changed = Signal()
    """Other rows are chosen, one or several."""
    opened = Signal(object)
    """(ImageScore)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = ErrorListModel(self)
        self.setModel(self.images)
        self.setItemDelegate(_Delegate(self))
        self.setProperty("role", "plain")
        self.setIconSize(QSize(_SIDE, _SIDE))
        self.setUniformItemSizes(True)
        self.setSpacing(GRID // 4)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Images, worst first"))
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.activated.connect(self._on_activated)

    @property
    def current(self) -> ImageScore | None:
        """The image that is shown."""
        index = self.currentIndex()
        return self.images.scores[index.row()] if index.isValid() else None

    @property
    def chosen(self) -> list[ImageScore]:
        """The images chosen, from top to bottom."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self.images.scores[row] for row in rows]

    def choose(self, row: int) -> None:
        """Choose a row; does nothing where there is none."""
        if 0 <= row < self.images.rowCount():
            self.setCurrentIndex(self.images.index(row))

    def choose_again(self, images: Sequence[Path], current: Path | None) -> None:
        """Choose images after the rows changed, the first row where none of them is left."""
        rows = {score.image: row for row, score in enumerate(self.images.scores)}
        if current not in rows:
            self.choose(0)
            return
        self.choose(rows[current])
        with QSignalBlocker(self.selectionModel()):
            for image in images:
                if image in rows:
                    index = self.images.index(rows[image])
                    self.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select)
        self.choice_changed.emit()

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid():
            self.score_chosen.emit(self.images.scores[index.row()])

    @Slot()
    def _on_selection_changed(self) -> None:
        self.choice_changed.emit()

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        self.opened.emit(self.images.scores[index.row()])


class _Delegate(QStyledItemDelegate):
    """Names are shortened in the middle, where they are alike; figures never are."""

    def sizeHint(  # noqa: N802
        self, option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(_SIDE * 2, max(_SIDE, 3 * option.fontMetrics.height()) + GRID)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        score = index.data(_SCORE_ROLE)
        if not isinstance(score, ImageScore):
            return
        self.initStyleOption(option, index)
        icon: QIcon = index.data(Qt.ItemDataRole.DecorationRole)
        option.text, option.icon = "", QIcon()
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        area: QRect = option.rect.adjusted(GRID // 2, GRID // 2, -GRID // 2, -GRID // 2)
        picture = QRect(area.left(), area.top(), _SIDE, area.height())
        mode = QIcon.Mode.Selected if chosen else QIcon.Mode.Normal
        icon.paint(painter, picture, Qt.AlignmentFlag.AlignCenter, mode)
        painter.save()
        metrics, theme = option.fontMetrics, tokens()
        lines = (score.image.name, *score_lines(score))
        left, width = picture.right() + GRID, area.right() - picture.right() - GRID
        top = area.top() + (area.height() - len(lines) * metrics.height()) // 2
        for place, line in enumerate(lines):
            elide = Qt.TextElideMode.ElideRight if place else Qt.TextElideMode.ElideMiddle
            painter.setPen(QColor(theme.muted if place and not chosen else theme.text))
            box = QRect(left, top + place * metrics.height(), width, metrics.height())
            text = metrics.elidedText(line, elide, width)
            painter.drawText(box, _LINE, text)
        painter.restore()


def score_lines(score: ImageScore) -> list[str]:
    """Return what is said of an image below its name: objects that are wrong, then pixels."""
    return [line for line in (objects_text(score), score_text(score)) if line]


def objects_text(score: ImageScore) -> str:
    """Say how many objects are wrong; empty where none is, or they were not compared."""
    if score.errors is None:
        return ""
    counts = {kind: score.errors.count(ErrorFilter(kind=kind)) for kind in ErrorKind}
    parts = (
        (ErrorKind.MISSED, tr("{count} missed", count=f"{counts[ErrorKind.MISSED]:,}")),
        (ErrorKind.FALSE_ALARM, tr("{count} false", count=f"{counts[ErrorKind.FALSE_ALARM]:,}")),
        (ErrorKind.CONFUSED, tr("{count} confused", count=f"{counts[ErrorKind.CONFUSED]:,}")),
    )
    return " · ".join(text for kind, text in parts if counts[kind])


def score_text(score: ImageScore) -> str:
    """Return an image's scores in one line."""
    if score.miou is None or not score.pixels:
        return tr("no ground truth")
    wrong = 100 * score.wrong_pixels / score.pixels
    return tr(
        "mIoU {miou:.3f} · {wrong} % wrong",
        miou=score.miou,
        wrong=f"{wrong:.0f}" if wrong >= 10 else f"{wrong:.1f}",  # there is no room for both
    )
