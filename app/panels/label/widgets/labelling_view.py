"""The parts of the Labelling panel and their places."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from app.canvas.actions import Actions
from app.canvas.editor import Editor
from app.canvas.view import CanvasView
from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr
from app.panels.label import key_actions as keys
from app.panels.label.widgets.book_view import BookView
from app.panels.label.widgets.canvas_status import CanvasStatus
from app.panels.label.widgets.image_strip import ImageStrip
from app.panels.label.widgets.mask_look import MaskLook
from app.panels.label.widgets.question_bar import QuestionBar
from app.panels.label.widgets.tool_bar import ToolBar
from app.widgets.elided_label import ElidedLabel
from app.widgets.empty_state import EmptyState
from app.widgets.layout import label, line
from app.widgets.notice_bar import NoticeBar
from app.widgets.thumbnails import ThumbnailLoader

_AFTER = (
    (keys.UNDO, keys.REDO),
    (keys.FIT, keys.ACTUAL, keys.MASKS),
    (keys.BOOK, keys.SHORTCUTS),
)
"""Buttons right of the image's name, in groups."""


_WIDE = GRID * 80


class LabellingView(QStackedWidget):
    """Hint, tool bar, canvas, status line and image strip; or what to do without images."""

    def __init__(
        self,
        editor: Editor,
        loader: ThumbnailLoader,
        actions: Actions,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.canvas = CanvasView(editor)
        self.name = ElidedLabel("", "heading")
        self.place = label("", "muted")
        self.hint = ElidedLabel("", "muted", mode=Qt.TextElideMode.ElideRight)
        self.status = CanvasStatus()
        self.look = MaskLook()
        self.book = BookView(actions)
        self.notice = NoticeBar()
        self.question = QuestionBar()
        self.strip = ImageStrip(loader)
        self.empty = EmptyState(
            "label",
            tr("Nothing to label yet"),
            tr("Drag images or folders onto the window, or import them; masks are painted here."),
            action=tr("Import images…"),
        )
        page = QWidget()
        self.addWidget(page)
        self.addWidget(self.empty)
        header = QFrame()
        header.setProperty("role", "bar")
        bar = QHBoxLayout(header)
        bar.setContentsMargins(GRID // 2, GRID // 2, GRID, GRID // 2)
        bar.setSpacing(2)
        for action in actions.of(keys.PREVIOUS, keys.NEXT, keys.NEXT_UNLABELLED, keys.ACCEPT):
            bar.addWidget(_button(action))
        bar.addSpacing(GRID)
        bar.addWidget(self.name, 1)
        bar.addWidget(self.place)
        bar.addSpacing(GRID)
        for place, group in enumerate(_AFTER):
            if place:
                bar.addSpacing(GRID * 2)
            for action in actions.of(*group):
                bar.addWidget(_button(action))
            if keys.MASKS in group:
                bar.addWidget(_menu_button("contrast", tr("How masks are drawn"), self.look))
        told_by_tool = QFrame()
        told_by_tool.setProperty("role", "bar")
        hint = QHBoxLayout(told_by_tool)
        hint.setContentsMargins(GRID * 2, 2, GRID * 2, 2)
        hint.addWidget(self.hint)
        work = QHBoxLayout()
        work.setContentsMargins(0, 0, 0, 0)
        work.setSpacing(0)
        for part in (ToolBar(actions), line(vertical=True)):
            work.addWidget(part)
        picture = QGridLayout()  # the notice lies over the picture, which must not jump
        picture.addWidget(self.canvas, 0, 0)
        told = QVBoxLayout()
        told.setSpacing(0)
        told.addWidget(self.question)
        told.addWidget(self.notice)
        told.addStretch(1)
        picture.addLayout(told, 0, 0)
        work.addLayout(picture, 1)
        work.addWidget(self.book)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(header)
        layout.addWidget(line())
        layout.addWidget(told_by_tool)
        layout.addWidget(line())
        layout.addLayout(work, 1)
        below: tuple[QWidget, ...] = (line(), self.status, line(), self.strip)
        for widget in below:
            layout.addWidget(widget)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Where there is little room, it is for the image's name."""
        super().resizeEvent(event)
        self.place.setVisible(self.width() >= _WIDE)

    @property
    def footer_height(self) -> int:
        """How high what lies below the canvas is, in pixels, with a little air."""
        return self.strip.sizeHint().height() + self.status.sizeHint().height() + GRID * 2

    def show_empty(self, empty: bool) -> None:
        """Show what to do first, or the work; a page that was put in front of that stays."""
        if empty or self.currentWidget() is self.empty:
            self.setCurrentIndex(1 if empty else 0)

    def show_work(self) -> None:
        """Show the canvas again."""
        self.setCurrentIndex(0)


def _menu_button(sign: str, text: str, content: QWidget) -> QToolButton:
    """Return a button that shows a widget below it."""
    made = QToolButton()
    set_icon(made, sign)
    made.setIconSize(QSize(20, 20))
    made.setToolTip(text)
    made.setAccessibleName(text)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    menu = QMenu(made)
    action = QWidgetAction(menu)
    action.setDefaultWidget(content)
    menu.addAction(action)
    made.setMenu(menu)
    return made


def _button(action: QAction) -> QToolButton:
    made = QToolButton()
    made.setDefaultAction(action)
    made.setIconSize(QSize(20, 20))
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made
