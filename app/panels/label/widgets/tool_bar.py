"""The canvas's tools as a column of buttons."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.canvas.actions import Actions
from app.canvas.tools import TOOLS
from app.look.theme import GRID
from app.panels.label.key_actions import REGIONS, tool_key
from app.widgets.layout import line

_SIDE = GRID * 5
_LEAST = GRID * 2 + 6


class ToolBar(QFrame):
    """One checked button, as the actions' own group has it; lines set groups of tools apart.

    Below the tools stands what is no tool, but is drawn all the same: regions.
    """

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID // 2, GRID // 2, GRID // 2, GRID // 2)
        layout.setSpacing(2)
        for place, group in enumerate(TOOLS):
            if place:
                layout.addSpacing(GRID // 4)
                layout.addWidget(line())
                layout.addSpacing(GRID // 4)
            for action in actions.of(*map(tool_key, group)):
                layout.addWidget(_button(action))
        layout.addSpacing(GRID // 4)
        layout.addWidget(line())
        layout.addSpacing(GRID // 4)
        layout.addWidget(_button(actions[REGIONS.key]))
        layout.addStretch(1)


def _button(action: QAction) -> QToolButton:
    made = _Button()
    made.setDefaultAction(action)
    made.setIconSize(QSize(20, 20))
    made.setFixedWidth(_SIDE)
    made.setMinimumHeight(_LEAST)
    made.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    action.visibleChanged.connect(lambda: made.setVisible(action.isVisible()))
    if not action.isVisible():  # to be shown before it lies in the bar would open a window
        made.hide()
    return made


class _Button(QToolButton):
    """As high as there is room, so that all of them are seen in a low window."""

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size where there is room."""
        return QSize(_SIDE, _SIDE - GRID // 2)
