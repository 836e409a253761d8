"""A caption whose words of the glossary are underlined with dots."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QStyle

from app.look.glossary import Term
from app.look.term_finding import terms_in
from app.look.theme import tokens

_BELOW = 2.5


class TermLabel(QLabel):
    """One line of plain text; the window's ``TermHints`` says what its words mean."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setCursor(Qt.CursorShape.WhatsThisCursor)

    def term_at(self, x: float) -> Term | None:
        """Return the term whose underline is above or below ``x``, in the label's pixels."""
        return next((term for term, left, right in self._lines() if left <= x <= right), None)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the text, and dots below what is explained."""
        super().paintEvent(event)
        lines = self._lines()
        if not lines:
            return
        painter = QPainter(self)
        painter.setPen(QPen(QColor(tokens().muted), 1.0, Qt.PenStyle.DotLine))
        metrics, room = self.fontMetrics(), self.contentsRect()
        y = room.center().y() + (metrics.ascent() - metrics.descent()) / 2 + _BELOW
        for _, left, right in lines:
            painter.drawLine(QPointF(left, y), QPointF(min(right, room.right()), y))

    def _lines(self) -> list[tuple[Term, float, float]]:
        """Return each term with the left and the right end of its underline."""
        text, metrics, room = self.text(), self.fontMetrics(), self.contentsRect()
        found = terms_in(text)
        if not found:
            return []
        whole = metrics.horizontalAdvance(text)
        aligned = QStyle.visualAlignment(self.layoutDirection(), self.alignment())
        start = float(room.left())
        if aligned & Qt.AlignmentFlag.AlignRight:
            start = room.right() + 1.0 - whole
        elif aligned & Qt.AlignmentFlag.AlignHCenter:
            start = room.left() + (room.width() - whole) / 2
        return [
            (
                one.term,
                start + metrics.horizontalAdvance(text[: one.start]),
                start + metrics.horizontalAdvance(text[: one.end]),
            )
            for one in found
        ]
