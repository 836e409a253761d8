"""What the window shows between being closed and the moment its last job has saved."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import button, label

_WIDTH = GRID * 50


class ClosingPage(QWidget):
    """Says what is waited for, and offers not to wait."""

    hurried = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = label(tr("Saving the training…"), "title")
        text = label(
            tr("The window closes by itself as soon as the current step is saved."), "muted"
        )
        bar = QProgressBar()
        bar.setTextVisible(False)
        bar.setRange(0, 0)
        bar.setFixedWidth(_WIDTH)
        bar.setAccessibleName(self.title.text())
        self.button = button(
            tr("Close now"), tooltip=tr("The run can then be resumed from its last saved epoch")
        )
        self.button.clicked.connect(self.hurried)
        layout = QVBoxLayout(self)
        layout.setSpacing(GRID * 2)
        layout.addStretch(2)
        for widget in (self.title, text, bar, self.button):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
