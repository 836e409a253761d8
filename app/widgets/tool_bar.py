"""The canvas's tools as a column of buttons."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QToolButton, QVBoxLayout, QWidget

from app.theme import GRID
from app.widgets.layout import line

_SIDE = GRID * 5


class ToolBar(QFrame):
    """One checked button, as the actions' own group has it; a None among them draws a line."""

    def __init__(self, actions: Sequence[QAction | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID // 2, GRID, GRID // 2, GRID)
        layout.setSpacing(2)
        for action in actions:
            if action is None:
                layout.addSpacing(GRID // 2)
                layout.addWidget(line())
                layout.addSpacing(GRID // 2)
                continue
            button = QToolButton()
            button.setDefaultAction(action)
            button.setIconSize(QSize(20, 20))
            button.setFixedSize(_SIDE, _SIDE - GRID // 2)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            layout.addWidget(button)
        layout.addStretch(1)
