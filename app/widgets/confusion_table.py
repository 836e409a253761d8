"""The confusion matrix as a grid of shades: which class is taken for which."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import GRID, tokens
from app.translation import tr

_LABEL_WIDTH = GRID * 12
_LABEL_HEIGHT = GRID * 9
_MARGIN = GRID
_LEAST_CELL = 14
_MOST_CELL = 48
_TEXT_CELL = 30
_BOLD_SHARE = 0.45


class ConfusionTable(QWidget):
    """Rows are the truth, columns the prediction; a cell's shade is its share of the row."""

    cell_clicked = Signal(int, int)
    """(class in the mask, predicted class)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._counts: npt.NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._shares: npt.NDArray[np.float64] = np.zeros((0, 0))
        self._cursor: tuple[int, int] | None = None
        self.chosen: tuple[int, int] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Confusion matrix"))

    def set_matrix(self, matrix: npt.NDArray[np.int64], labels: tuple[str, ...]) -> None:
        """Show pixel counts (classes, classes)."""
        self._labels, self._counts = labels, matrix
        sums = matrix.sum(axis=1, keepdims=True)
        self._shares = np.divide(matrix, sums, out=np.zeros(matrix.shape), where=sums > 0)
        self._cursor = self.chosen = None
        self.updateGeometry()
        self.update()

    def set_chosen(self, cell: tuple[int, int] | None) -> None:
        """Mark a cell, or none."""
        self.chosen = cell
        self.update()

    def cell_rect(self, truth: int, predicted: int) -> QRect:
        """Return where a cell is drawn."""
        size, left, top = self._layout()
        return QRect(left + predicted * size, top + truth * size, size, size)

    def cell_text(self, truth: int, predicted: int) -> str:
        """Return what a cell says when hovered."""
        share, count = self._shares[truth, predicted], self._counts[truth, predicted]
        if truth == predicted:
            return tr(
                "{share:.1%} of “{label}” is recognised ({count:,} pixels)",
                share=share,
                label=self._labels[truth],
                count=int(count),
            )
        return tr(
            "{share:.1%} of “{label}” is taken for “{other}” ({count:,} pixels)",
            share=share,
            label=self._labels[truth],
            other=self._labels[predicted],
            count=int(count),
        )

    def sizeHint(self) -> QSize:  # noqa: N802
        """Large enough for readable cells, within reason."""
        side = min(len(self._labels) * _TEXT_CELL, GRID * 40)
        return QSize(_LABEL_WIDTH + _MARGIN + side, _LABEL_HEIGHT + _MARGIN + side)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Small enough for a splitter."""
        return QSize(_LABEL_WIDTH + GRID * 8, _LABEL_HEIGHT + GRID * 8)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw labels and cells."""
        painter = QPainter(self)
        theme = tokens()
        size, left, top = self._layout()
        count = len(self._labels)
        if not count:
            return
        painter.setPen(QColor(theme.muted))
        right_of = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        left_of = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        metrics = painter.fontMetrics()
        elide = Qt.TextElideMode.ElideRight
        readable = size >= metrics.height() - 2
        for index, name in enumerate(self._labels):
            shown = name if readable else str(index)
            text = metrics.elidedText(shown, elide, _LABEL_WIDTH - GRID)
            row = QRect(left - _LABEL_WIDTH, top + index * size, _LABEL_WIDTH - GRID // 2, size)
            painter.drawText(row, right_of, text)
            painter.save()
            painter.translate(left + index * size, top - GRID // 2)
            painter.rotate(-90)
            text = metrics.elidedText(shown, elide, _LABEL_HEIGHT)
            painter.drawText(QRect(0, 0, _LABEL_HEIGHT, size), left_of, text)
            painter.restore()
        for truth in range(count):
            for predicted in range(count):
                self._paint_cell(painter, truth, predicted)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Choose the cell under the pointer."""
        cell = self._cell_at(event.position().toPoint())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._cursor = cell
            self.cell_clicked.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrow keys move between cells, return and space choose one."""
        count = len(self._labels)
        row, column = self._cursor or (0, 0)
        moves = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }
        key = Qt.Key(event.key())
        if key in moves and count:
            down, right = moves[key]
            self._cursor = (row + down) % count, (column + right) % count
            self.setToolTip(self.cell_text(*self._cursor))
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._cursor:
            self.cell_clicked.emit(*self._cursor)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Show a cell's numbers beside the pointer."""
        if isinstance(event, QHelpEvent):
            cell = self._cell_at(event.pos())
            if cell is not None:
                QToolTip.showText(event.globalPos(), self.cell_text(*cell), self)
            return True
        return super().event(event)

    def _paint_cell(self, painter: QPainter, truth: int, predicted: int) -> None:
        theme = tokens()
        share = float(self._shares[truth, predicted])
        rect = self.cell_rect(truth, predicted).adjusted(0, 0, -1, -1)
        color = QColor(theme.accent if truth == predicted else theme.danger)
        painter.fillRect(rect, QColor(theme.hover))
        # The square root lifts the small shares, which are the interesting ones.
        color.setAlphaF(share**0.5 if share > 0 else 0.0)
        painter.fillRect(rect, color)
        if rect.width() >= _TEXT_CELL and share >= 0.005:
            bold = share**0.5 > _BOLD_SHARE
            painter.setPen(QColor(theme.on_accent if bold else theme.text))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, f"{100 * share:.0f}")
        if (truth, predicted) in (self.chosen, self._cursor if self.hasFocus() else None):
            painter.setPen(QColor(theme.text))
            painter.drawRect(rect)

    def _layout(self) -> tuple[int, int, int]:
        """Return (cell side, left, top) of the grid."""
        count = max(1, len(self._labels))
        room = min(
            self.width() - _LABEL_WIDTH - _MARGIN, self.height() - _LABEL_HEIGHT - _MARGIN
        )  # fmt: skip
        size = max(_LEAST_CELL, min(_MOST_CELL, room // count))
        return size, _LABEL_WIDTH, _LABEL_HEIGHT

    def _cell_at(self, point: QPoint) -> tuple[int, int] | None:
        size, left, top = self._layout()
        row, column = (point.y() - top) // size, (point.x() - left) // size
        count = len(self._labels)
        return (row, column) if 0 <= row < count and 0 <= column < count else None
