"""The left side of the monitor: a new run, what waits, the runs, what was deleted."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.train.queue_box import QueueBox
from app.panels.train.run_list_view import RunList
from app.panels.train.undo_bar import UndoBar
from app.services.context import AppContext
from app.widgets.layout import button

_WIDTH, _NARROW_WIDTH = GRID * 26, GRID * 19


class ListSide(QWidget):
    """Only the parts and their places; the panel connects them."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.new_button = button(
            tr("New run…"), icon="add", tooltip=tr("Choose a network and settings")
        )
        self.queue = QueueBox(context)
        self.run_list = RunList()
        self.undo = UndoBar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID * 2, 0, GRID)
        layout.addWidget(self.new_button)
        layout.addWidget(self.queue)
        layout.addWidget(self.run_list, 1)
        layout.addWidget(self.undo)
        self.give_room(True)

    def give_room(self, roomy: bool) -> None:
        """Be as wide as the window allows."""
        self.setFixedWidth(_WIDTH if roomy else _NARROW_WIDTH)
