"""Drawing where labels count: in all images, or in one."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QToolButton, QVBoxLayout, QWidget

from app.look.theme import GRID, set_role
from app.look.translation import tr
from app.regions.drawing_page import DrawingPage
from app.regions.region_state import RegionState
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import row


class RegionPage(QWidget):
    """Whose regions are drawn stands above the canvas on which they are.

    Attributes:
        state: the regions that are drawn.
        drawing: canvas and tools.
    """

    scope_chosen = Signal(bool)
    """(for all images)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = RegionState(self)
        self.drawing = DrawingPage(self.state)
        self.for_all = _choice(tr("All images"))
        self.for_one = _choice(tr("This image"))
        group = QButtonGroup(self)
        for made in (self.for_all, self.for_one):
            group.addButton(made)
            made.clicked.connect(lambda: self.scope_chosen.emit(self.for_all.isChecked()))
        self.summary = ElidedLabel("", "muted", mode=Qt.TextElideMode.ElideRight)
        head = row(self.for_all, self.for_one, self.summary, spacing=GRID // 2)
        head.setStretch(2, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        layout.setSpacing(GRID // 2)
        layout.addLayout(head)
        layout.addWidget(self.drawing, 1)

    def show_scope(self, *, for_all: bool, summary: str) -> None:
        """Mark whose regions are drawn, and say what that means."""
        (self.for_all if for_all else self.for_one).setChecked(True)
        self.summary.setText(summary)


def _choice(text: str) -> QToolButton:
    made = QToolButton()
    made.setText(text)
    made.setCheckable(True)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    set_role(made, "tile")
    return made
