"""One image, large, with a bar above it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr
from app.panels.data.image_viewer import ImageViewer
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import label


class ViewerPage(QWidget):
    """An ``ImageViewer`` with the image's name and the way back."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = ImageViewer()
        self.name = ElidedLabel("", "heading")
        self.back_button = self._tool("back", tr("Back to the grid (Esc)"), self._on_back)
        fit_button = self._tool("fit", tr("Fit to the window (0)"), self.viewer.fit)
        bar = QHBoxLayout()
        bar.setContentsMargins(GRID, 0, GRID * 2, GRID)
        bar.addWidget(self.back_button)
        bar.addWidget(self.name, 1)
        bar.addWidget(label(tr("Wheel: zoom · drag: move · ← →: other images"), "muted"))
        bar.addWidget(fit_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self.viewer, 1)

    def _tool(self, icon: str, tooltip: str, slot: Callable[[], None]) -> QToolButton:
        made = QToolButton()
        set_icon(made, icon)
        made.setToolTip(tooltip)
        made.setAccessibleName(tooltip)
        made.clicked.connect(slot)
        return made

    @Slot()
    def _on_back(self) -> None:
        self.viewer.closed.emit()
