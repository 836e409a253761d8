"""The canvas's tools as a column of buttons."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.widgets.layout import line

_SIDE = GRID * 5
_LEAST = GRID * 2 + 6


class ToolBar(QFrame):
    """One checked button, as the actions' own group has it; a None among them draws a line."""

    def __init__(self, actions: Sequence[QAction | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID // 2, GRID // 2, GRID // 2, GRID // 2)
        layout.setSpacing(2)
        for action in actions:
            if action is None:
                layout.addSpacing(GRID // 4)
                layout.addWidget(line())
                layout.addSpacing(GRID // 4)
                continue
            button = _Button()
            button.setDefaultAction(action)
            button.setIconSize(QSize(20, 20))
            button.setFixedWidth(_SIDE)
            button.setMinimumHeight(_LEAST)
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            layout.addWidget(button)
        layout.addStretch(1)


class _Button(QToolButton):
    """As high as there is room, so that all of them are seen in a low window."""

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size where there is room."""
        return QSize(_SIDE, _SIDE - GRID // 2)
