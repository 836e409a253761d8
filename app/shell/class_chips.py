"""Class names as they will look: each with its colour, side by side, wrapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.look.theme import GRID, RADIUS, tokens
from core.images.palette import default_palette

_HEIGHT = GRID * 3
_SWATCH = 12
_WIDEST = GRID * 30


class ClassChips(QWidget):
    """Only shows; as high as the names need at its width."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.names: tuple[str, ...] = ()
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_names(self, names: Sequence[str]) -> None:
        """Show these, by class id."""
        self.names = tuple(names)
        self.setAccessibleName(", ".join(self.names))
        self.setVisible(bool(names))
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        """They wrap."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """Return the height of all rows."""
        return max((area.bottom() + 1 for area in self._areas(width)), default=0)

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as there is room."""
        return QSize(_WIDEST, self.heightForWidth(max(self.width(), _WIDEST)))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Room for the rows at the present width."""
        return QSize(GRID * 8, self.heightForWidth(max(self.width(), _WIDEST)))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw each name in a pill, its colour before it."""
        t = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = default_palette(len(self.names))
        metrics = self.fontMetrics()
        for name, color, area in zip(self.names, colors, self._areas(self.width()), strict=True):
            painter.setPen(QColor(t.border))
            painter.setBrush(QColor(t.surface))
            painter.drawRoundedRect(area.adjusted(0, 0, -1, -1), RADIUS, RADIUS)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*color))
            square = QRect(area.left() + GRID, 0, _SWATCH, _SWATCH)
            square.moveTop(area.center().y() - _SWATCH // 2)
            painter.drawRoundedRect(square, 3, 3)
            painter.setPen(QColor(t.text))
            text = area.adjusted(GRID * 2 + _SWATCH, 0, -GRID, 0)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, text.width())
            painter.drawText(
                text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown
            )

    def _areas(self, width: int) -> Iterator[QRect]:
        """Yield where each name goes."""
        metrics = self.fontMetrics()
        x = y = 0
        for name in self.names:
            wide = min(_WIDEST, metrics.horizontalAdvance(name) + _SWATCH + GRID * 3 + 2)
            if x and x + wide > width:
                x, y = 0, y + _HEIGHT + GRID // 2
            yield QRect(x, y, wide, _HEIGHT)
            x += wide + GRID // 2
