"""The images of an evaluation, worst first, each with a small error map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cachetools import LRUCache
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QListView, QWidget

from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.panels.inspect.error_viewer import render_errors
from app.services.background import BackgroundTasks
from app.widgets.blending import ImageArray
from app.widgets.qt_images import to_pixmap
from core.prediction.inspection import ImageScore

_SIDE = 72
_CACHED = 400
_Index = QModelIndex | QPersistentModelIndex


class ErrorListModel(QAbstractListModel):
    """Rows are ``ImageScore``; their pictures are made when they are first looked at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self, max_threads=2)
        self._scores: list[ImageScore] = []
        self._background: int | None = None
        self._pictures: LRUCache[str, QIcon] = LRUCache(_CACHED)
        self._wanted: set[str] = set()
        self._empty = QPixmap(_SIDE, _SIDE)

    def set_scores(self, scores: Sequence[ImageScore], *, background: int | None) -> None:
        """Show these images in this order."""
        self._tasks.cancel_all()
        self._wanted.clear()
        self.beginResetModel()
        self._scores, self._background = list(scores), background
        self._pictures.clear()
        self.endResetModel()

    def filter_scores(self, scores: Sequence[ImageScore]) -> None:
        """Show some of the images; pictures made already stay."""
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
            return f"{score.image.name}\n{score_text(score)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(score.image)
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(score)
        return None

    def shut_down(self) -> None:
        """Wait for the threads."""
        self._tasks.shut_down()

    def _picture(self, score: ImageScore) -> QIcon:
        key = str(score.image)
        if key in self._pictures:
            return self._pictures[key]
        if key not in self._wanted:
            self._wanted.add(key)
            background = self._background
            self._tasks.start(
                lambda _progress: render_errors(score, _SIDE, background=background),
                on_done=lambda picture: self._on_made(key, picture),
                on_failed=lambda _error: self._on_made(key, None),
            )
        self._empty.fill(tokens().hover)
        return QIcon(self._empty)

    def _on_made(self, key: str, picture: ImageArray | None) -> None:
        self._wanted.discard(key)
        # An image that is gone stays grey; choosing it says why.
        shown = self._empty if picture is None else to_pixmap(picture)
        icon = QIcon(shown)
        icon.addPixmap(shown, QIcon.Mode.Selected)  # or the selection would tint the picture
        self._pictures[key] = icon
        for row, score in enumerate(self._scores):
            if str(score.image) == key:
                index = self.index(row)
                self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])


class ErrorList(QListView):
    """Choosing a row shows the image; a double click or return opens it in the data set."""

    score_chosen = Signal(object)
    """(ImageScore)."""
    opened = Signal(object)
    """(ImageScore)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = ErrorListModel(self)
        self.setModel(self.images)
        self.setProperty("role", "plain")
        self.setIconSize(QSize(_SIDE, _SIDE))
        self.setUniformItemSizes(True)
        self.setSpacing(GRID // 4)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setAccessibleName(tr("Images, worst first"))
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.activated.connect(self._on_activated)

    @property
    def current(self) -> ImageScore | None:
        """The image chosen."""
        index = self.currentIndex()
        return self.images.scores[index.row()] if index.isValid() else None

    def choose(self, row: int) -> None:
        """Choose a row; does nothing where there is none."""
        if 0 <= row < self.images.rowCount():
            self.setCurrentIndex(self.images.index(row))

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid():
            self.score_chosen.emit(self.images.scores[index.row()])

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        self.opened.emit(self.images.scores[index.row()])


def score_text(score: ImageScore) -> str:
    """Return an image's scores in one line."""
    if score.miou is None or not score.pixels:
        return tr("no ground truth")
    return tr(
        "mIoU {miou:.3f} · {wrong:.1f} % wrong",
        miou=score.miou,
        wrong=100 * score.wrong_pixels / score.pixels,
    )
