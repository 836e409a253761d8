"""The line below the canvas: pixel, class, zoom, whether all is saved."""

from __future__ import annotations

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.class_colors import swatch
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import label

_SWATCH = 12


class CanvasStatus(QFrame):
    """Only shows; the panel tells it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.place = _fixed("00000, 00000")
        self.value = _fixed("000 000 000")
        self.swatch = QLabel()
        self.swatch.setFixedWidth(_SWATCH + 4)
        self.class_name = ElidedLabel("")
        self.class_name.setFixedWidth(GRID * 12)
        self.zoom = _fixed("0000 %")
        self.saved = _fixed(max(tr("Saving …"), tr("Saved"), key=len))
        self.saved.setProperty("role", "muted")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID // 2, GRID * 2, GRID // 2)
        layout.setSpacing(GRID)
        for widget in (self.zoom, self.place, self.value, self.swatch, self.class_name):
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(self.saved)

    def show_place(self, pixel: tuple[int, int] | None, value: str) -> None:
        """Show the pixel under the pointer and the image's value there."""
        self.place.setText("" if pixel is None else f"{pixel[0]}, {pixel[1]}")
        self.value.setText(value)

    def show_class(self, name: str, color: QColor | None) -> None:
        """Show the class under the pointer."""
        if self.class_name.text() == name and bool(name) == (color is not None):
            return
        self.class_name.setText(name)
        if color is None:
            self.swatch.clear()
        else:
            self.swatch.setPixmap(swatch(color, size=_SWATCH).pixmap(_SWATCH, _SWATCH))

    def show_zoom(self, scale: float) -> None:
        """``scale`` is screen pixels per image pixel."""
        percent = scale * 100
        text = f"{percent:.0f}" if percent >= 10 else f"{percent:.1f}"
        self.zoom.setText(f"{text}\N{NO-BREAK SPACE}%")

    def show_saved(self, pending: bool, *, failed: bool = False) -> None:
        """Say whether everything is in the project."""
        if failed:
            self.saved.setText(tr("Not saved – trying again"))
        else:
            self.saved.setText(tr("Saving …") if pending else tr("Saved"))
        self.saved.setProperty("role", "danger" if failed else "muted")
        self.saved.style().unpolish(self.saved)
        self.saved.style().polish(self.saved)


def _fixed(widest: str) -> QLabel:
    """Return a label whose place does not jump with its digits."""
    made = label("")
    made.setFixedWidth(made.fontMetrics().horizontalAdvance(widest) + GRID // 2)
    return made
