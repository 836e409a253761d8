"""The inspector of the Labelling panel: tool, classes, look of the mask, state of the image."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.canvas.editor import Editor
from app.canvas.option_box import OptionBox
from app.theme import GRID
from app.translation import tr
from app.widgets.class_palette import ClassPalette
from app.widgets.draft_box import DraftBox
from app.widgets.layout import label, let_shrink, line
from app.widgets.mask_look import MaskLook, WindowBox
from app.widgets.review_box import ReviewBox

_COLUMNS = 2
_HALF = GRID * 14


class LabellingInspector(QWidget):
    """Only a column of parts; the panel connects them."""

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tool_title = label("", "heading")
        self.options = OptionBox(editor)
        self._tool_actions = QWidget()
        self._grid = QGridLayout(self._tool_actions)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GRID // 2)
        self.classes = ClassPalette()
        self.look = MaskLook()
        self.window_box = WindowBox(editor)
        self.window_title = label(tr("Grey values"), "heading")
        self.review = ReviewBox()
        self.draft = DraftBox()
        self._window_line = line()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID + GRID // 2)
        for part in (
            label(tr("Classes"), "heading"),
            self.classes,
            self.look,
            line(),
            self.tool_title,
            self.options,
            self._tool_actions,
            line(),
            label(tr("Model draft"), "heading"),
            self.draft,
            line(),
            label(tr("Image"), "heading"),
            self.review,
            self._window_line,
            self.window_title,
            self.window_box,
        ):
            layout.addWidget(part)
        layout.addStretch(1)
        let_shrink(self)
        self.show_window(False)

    def set_tool_actions(self, actions: Sequence[QAction]) -> None:
        """Offer what can be done with a selection."""
        line_, column = 0, 0  # a text too long for half the width gets the whole
        for action in actions:
            made = QToolButton()
            made.setDefaultAction(action)
            made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            made.setProperty("role", "tile")
            made.ensurePolished()
            span = 1 if made.sizeHint().width() <= _HALF else _COLUMNS
            if column + span > _COLUMNS:
                line_, column = line_ + 1, 0
            self._grid.addWidget(made, line_, column, 1, span)
            line_, column = divmod(line_ * _COLUMNS + column + span, _COLUMNS)

    def show_tool(self, title: str, options: Sequence[str], *, with_actions: bool) -> None:
        """Show what the tool in hand is set to."""
        self.tool_title.setText(title)
        self.options.show_options(options)
        self._tool_actions.setVisible(with_actions)

    def show_window(self, useful: bool) -> None:
        """Show or hide the part about grey values."""
        for part in (self._window_line, self.window_title, self.window_box):
            part.setVisible(useful)
