"""The confusion matrix as a grid of shades: which class is taken for which."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.look.theme import GRID, tokens
from app.look.translation import tr

_LABELS_MOST = GRID * 13
_MARGIN = GRID
_LEAST_CELL = 14
_WIDEST_CELL, _HIGHEST_CELL = 112, 56
_TEXT_CELL = 24
_BOLD_SHARE = 0.45


class _Layout(NamedTuple):
    """Where the first cell begins, how large cells are, whether column names stand upright."""

    left: int
    top: int
    width: int
    height: int
    upright: bool


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
        place = self._layout()
        return QRect(
            place.left + predicted * place.width,
            place.top + truth * place.height,
            place.width,
            place.height,
        )

    def cell_text(self, truth: int, predicted: int) -> str:
        """Return what a cell says when hovered."""
        share, count = self._shares[truth, predicted], self._counts[truth, predicted]
        if truth == predicted:
            return tr(
                "{share:.1%} of “{label}” is recognised ({count:,} {count:pixel|pixels})",
                share=share,
                label=self._labels[truth],
                count=int(count),
            )
        return tr(
            "{share:.1%} of “{label}” is taken for “{other}” ({count:,} {count:pixel|pixels})",
            share=share,
            label=self._labels[truth],
            other=self._labels[predicted],
            count=int(count),
        )

    def sizeHint(self) -> QSize:  # noqa: N802
        """Large enough for readable cells, within reason."""
        side = min(len(self._labels) * _TEXT_CELL, GRID * 40)
        return QSize(_LABELS_MOST + _MARGIN + side, _LABELS_MOST + _MARGIN + side)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Small enough for a splitter; names beside the columns need more where it is narrow."""
        names = self.fontMetrics().height() + GRID
        height = names + _MARGIN + max(1, len(self._labels)) * _LEAST_CELL
        return QSize(_LABELS_MOST + GRID * 8, min(height, _LABELS_MOST + GRID * 8))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw labels and cells."""
        painter = QPainter(self)
        painter.setPen(QColor(tokens().muted))
        count = len(self._labels)
        self._paint_labels(painter)
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
        fits = rect.width() >= _TEXT_CELL and rect.height() >= painter.fontMetrics().height() - 2
        if fits and share >= 0.005:
            bold = share**0.5 > _BOLD_SHARE
            painter.setPen(QColor(theme.on_accent if bold else theme.text))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, f"{100 * share:.0f}")
        if (truth, predicted) in (self.chosen, self._cursor if self.hasFocus() else None):
            painter.setPen(QColor(theme.text))
            painter.drawRect(rect)

    def _paint_labels(self, painter: QPainter) -> None:
        """Draw the class names beside the rows and over the columns, numbers where they are low."""
        place = self._layout()
        metrics = painter.fontMetrics()
        elide = Qt.TextElideMode.ElideRight
        right_of = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        left_of = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        room = place.top - GRID
        for index, name in enumerate(self._labels):
            shown = name if place.height >= metrics.height() - 2 else str(index)
            text = metrics.elidedText(shown, elide, place.left - GRID)
            y = place.top + index * place.height
            painter.drawText(QRect(0, y, place.left - GRID // 2, place.height), right_of, text)
            x = place.left + index * place.width
            if not place.upright:
                box = QRect(x, 0, place.width, place.top)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)
                continue
            shown = name if place.width >= metrics.height() - 2 else str(index)
            painter.save()
            painter.translate(x, place.top - GRID // 2)
            painter.rotate(-90)
            text = metrics.elidedText(shown, elide, room)
            painter.drawText(QRect(0, 0, room, place.width), left_of, text)
            painter.restore()

    def _layout(self) -> _Layout:
        """Fill the widget, cells wider than high if there is room; names take what they need."""
        count = max(1, len(self._labels))
        metrics = self.fontMetrics()
        longest = max((metrics.horizontalAdvance(name) for name in self._labels), default=0)
        left = min(_LABELS_MOST, longest + GRID)
        room = self.width() - left - _MARGIN
        width = max(_LEAST_CELL, min(_WIDEST_CELL, room // count))
        upright = longest + GRID > width
        top = min(_LABELS_MOST, longest + GRID * 3 // 2) if upright else metrics.height() + GRID
        room = self.height() - top - _MARGIN
        height = max(_LEAST_CELL, min(_HIGHEST_CELL, room // count))
        return _Layout(left, top, width, height, upright)

    def _cell_at(self, point: QPoint) -> tuple[int, int] | None:
        place = self._layout()
        row = (point.y() - place.top) // place.height
        column = (point.x() - place.left) // place.width
        count = len(self._labels)
        return (row, column) if 0 <= row < count and 0 <= column < count else None
