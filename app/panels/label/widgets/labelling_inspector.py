"""The inspector of the Labelling panel: tool, classes, look of the mask, state of the image."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QFont, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.canvas.actions import Actions
from app.canvas.editor import Editor
from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr
from app.panels.label import key_actions as keys
from app.panels.label.widgets.class_palette import ClassPalette
from app.panels.label.widgets.draft_box import DraftBox
from app.panels.label.widgets.mask_look import WindowBox
from app.panels.label.widgets.option_box import OptionBox
from app.panels.label.widgets.review_box import ReviewBox
from app.widgets.focus_policy import TabFocusInputs
from app.widgets.layout import label, let_shrink, line, row

_COLUMNS = 2
_HALF = GRID * 14
_TOOL_ACTIONS = (
    keys.FILL_HOLES,
    keys.REMOVE_SPECKS,
    keys.SMOOTH,
    keys.DILATE,
    keys.ERODE,
    keys.CHANGE_CLASS,
    keys.DELETE_PARTS,
    keys.COPY,
    keys.PASTE,
    keys.COPY_TO_NEXT,
)


class LabellingInspector(QWidget):
    """Only a column of parts; the panel connects them."""

    draft_folded = Signal(bool)
    """(folded): the part about models was folded or unfolded."""
    left = Signal()
    """The user is done here: the keys belong to the canvas again."""

    def __init__(self, editor: Editor, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tool_title = label("", "heading")
        self.options = OptionBox(editor)
        self._tool_actions = QWidget()
        self._grid = QGridLayout(self._tool_actions)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GRID // 2)
        self.classes = ClassPalette()
        self.window_box = WindowBox(editor)
        self.window_title = label(tr("Grey values"), "heading")
        self.review = ReviewBox()
        self.draft = DraftBox()
        self.draft_title = QToolButton()
        self.draft_title.setText(tr("Model draft"))
        self.draft_title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.draft_title.setProperty("role", "fold")
        font = self.draft_title.font()
        font.setWeight(QFont.Weight.DemiBold)
        self.draft_title.setFont(font)
        self.draft_title.clicked.connect(self._on_draft_title_clicked)
        self._window_line = line()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        layout.setSpacing(GRID * 3 // 4)
        # What is as high with every tool and class comes first, so that nothing jumps.
        for part in (
            self.review,
            line(),
            self._title_row(),
            self.draft,
            line(),
            label(tr("Classes"), "heading"),
            self.classes,
            line(),
            self.tool_title,
            self.options,
            self._tool_actions,
            self._window_line,
            self.window_title,
            self.window_box,
        ):
            layout.addWidget(part)
        layout.addStretch(1)
        let_shrink(self)
        TabFocusInputs(self)
        self.classes.edited.connect(self.left)
        self._tool_buttons = [self._tool_button(one) for one in actions.of(*_TOOL_ACTIONS)]
        self.draft.set_actions(actions)
        self.show_draft(True)
        self.show_window(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Return and Esc, which inputs pass on, end the typing."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _title_row(self) -> QWidget:
        """Return the title of the part about models, with what is rarely wanted of them."""
        holder = QWidget()
        holder.setLayout(row(self.draft_title, 1, self.draft.more))
        return holder

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Give the buttons room for their texts: how wide those are is known under the style."""
        super().showEvent(event)
        if not self._grid.count():
            self._place_tool_buttons()

    def _tool_button(self, action: QAction) -> QToolButton:
        """Return what does something with a selection."""
        made = QToolButton(self._tool_actions)
        made.setDefaultAction(action)
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        made.setProperty("role", "tile")
        return made

    def _place_tool_buttons(self) -> None:
        line_, column = 0, 0  # a text too long for half the width gets the whole
        for made in self._tool_buttons:
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

    @Slot()
    def _on_draft_title_clicked(self) -> None:
        self.show_draft(self.draft.isHidden())

    def show_draft(self, shown: bool) -> None:
        """Unfold or fold the part about models."""
        set_icon(self.draft_title, "chevron-down" if shown else "chevron-right")
        self.draft.setVisible(shown)
        self.draft_folded.emit(not shown)

    def show_window(self, useful: bool) -> None:
        """Show or hide the part about grey values."""
        for part in (self._window_line, self.window_title, self.window_box):
            part.setVisible(useful)
