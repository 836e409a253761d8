"""What went wrong, said where it went wrong, with buttons that put it right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from app.look.icons import pixmap, set_icon
from app.look.theme import GRID, set_role, tokens
from app.look.translation import tr
from app.widgets.flow_layout import FlowLayout
from app.widgets.layout import button, clear_layout, column, label, row

_ICON = 20
_DETAILS_HEIGHT = GRID * 18
_MOST = 3


@dataclass(frozen=True, slots=True)
class Fix:
    """A button that puts something right.

    Attributes:
        text: what it says.
        act: what it does; the bar is closed first.
        hint: more about it, for its tool tip.
    """

    text: str
    act: Callable[[], object]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not work, in the user's language.

    Attributes:
        text: what happened.
        advice: what to do about it.
        name: what people call the run that it is about, "" where it is about none.
        details: what to copy for whoever helps; asked for when they are opened.
        fixes: the buttons; the first one leads.
        panel: key of the panel concerned; None: the one in front.
        is_warning: nothing failed, but something must be known.
    """

    text: str
    advice: str = ""
    name: str = ""
    details: Callable[[], str] | None = None
    fixes: tuple[Fix, ...] = ()
    panel: str | None = None
    is_warning: bool = False


class ProblemBar(QFrame):
    """One problem; hidden until ``show_problem``.

    Args:
        closable: whether it can be closed; not where it stays true.
        parent: owner.
    """

    closed = Signal()

    def __init__(self, *, closable: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "problem")
        self.problem: Problem | None = None
        self.icon = QLabel()
        self.name = label("", "heading", wrap=True)
        self.text = label("", wrap=True)
        self.advice = label("", "muted", wrap=True)
        for told in (self.text, self.advice):
            told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details_button = QToolButton()
        self.details_button.setText(tr("Details"))
        self.details_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.details_button.setCheckable(True)
        set_icon(self.details_button, "chevron-right")
        self.details_button.toggled.connect(self._on_details)
        self.copy_button = button(
            tr("Copy"), "link", tooltip=tr("Copy the sentence and the details, to send them on")
        )
        self.copy_button.clicked.connect(self._on_copy)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setFixedHeight(_DETAILS_HEIGHT)
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setTabChangesFocus(True)
        self.details.setAccessibleName(tr("Details"))
        self.details.hide()
        self.close_button = QToolButton()
        set_icon(self.close_button, "close")
        self.close_button.setToolTip(tr("Close this message"))
        self.close_button.setAccessibleName(tr("Close this message"))
        self.close_button.setVisible(closable)
        self.close_button.clicked.connect(self.clear)
        self._fixes = FlowLayout(spacing=GRID)
        self.buttons: list[QWidget] = []
        texts = column(self.name, self.text, self.advice, spacing=2)
        texts.addSpacing(GRID // 2)
        texts.addLayout(self._fixes)
        texts.addWidget(self.details)
        both = row(spacing=GRID)
        both.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignTop)
        both.addLayout(texts, 1)
        both.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        both.setContentsMargins(GRID + GRID // 2, GRID, GRID, GRID)
        self.setLayout(both)
        self.hide()

    def show_problem(self, problem: Problem) -> None:
        """Say it, in place of what was said before."""
        if problem == self.problem and not self.isHidden():
            return
        self.problem = problem
        self.name.setText(problem.name)
        self.name.setVisible(bool(problem.name))
        self.text.setText(problem.text)
        self.advice.setText(problem.advice)
        self.advice.setVisible(bool(problem.advice))
        self.details_button.setChecked(False)
        self.copy_button.setText(tr("Copy"))
        self._lay_buttons(problem)
        told = (problem.name, problem.text, problem.advice)
        self.setAccessibleName(" ".join(part for part in told if part))
        self.renew_colors()
        self.show()

    @Slot()
    def clear(self) -> None:
        """Say nothing."""
        if self.problem is not None:
            self.problem = None
            self.hide()
            self.closed.emit()

    def renew_colors(self) -> None:
        """Draw the mark in the current theme."""
        if self.problem is None:
            return
        theme, is_warning = tokens(), self.problem.is_warning
        name, color = ("warning", theme.warning) if is_warning else ("error", theme.danger)
        self.icon.setPixmap(pixmap(name, _ICON, color=color, ratio=self.devicePixelRatio()))
        set_role(self, "caution" if is_warning else "problem")

    def as_text(self) -> str:
        """Return what is copied."""
        problem = self.problem
        if problem is None:
            return ""
        details = "" if problem.details is None else problem.details()
        parts = (problem.name, problem.text, problem.advice, details)
        return "\n".join(part for part in parts if part) + "\n"

    def _lay_buttons(self, problem: Problem) -> None:
        self._fixes.removeWidget(self.details_button)
        self._fixes.removeWidget(self.copy_button)
        clear_layout(self._fixes)
        self.buttons = []
        for place, fix in enumerate(problem.fixes):
            made = button(fix.text, "" if place else "primary", tooltip=fix.hint)
            made.setAccessibleDescription(problem.text)
            made.clicked.connect(lambda _checked=False, act=fix.act: self._do(act))
            self.buttons.append(made)
            self._fixes.addWidget(made)
        for last in (self.details_button, self.copy_button):
            self._fixes.addWidget(last)
        has_details = problem.details is not None
        self.details_button.setVisible(has_details)
        self.copy_button.setVisible(has_details)

    def _do(self, act: Callable[[], object]) -> None:
        if not self.close_button.isHidden():
            self.clear()
        act()

    @Slot(bool)
    def _on_details(self, opened: bool) -> None:
        set_icon(self.details_button, "chevron-down" if opened else "chevron-right")
        problem = self.problem
        if opened and problem is not None and problem.details is not None:
            self.details.setPlainText(problem.details())
        self.details.setVisible(opened)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.as_text())
        self.copy_button.setText(tr("Copied"))


class ProblemArea(QWidget):
    """The newest problems of one place, the last one on top; takes no room while there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(GRID * 2, GRID, GRID * 2, 0)
        self._layout.setSpacing(GRID)
        self.hide()

    @property
    def bars(self) -> list[ProblemBar]:
        """What is shown, from top to bottom."""
        items = [self._layout.itemAt(place) for place in range(self._layout.count())]
        widgets = [None if item is None else item.widget() for item in items]
        return [one for one in widgets if isinstance(one, ProblemBar)]

    def show_problem(self, problem: Problem) -> None:
        """Say it; what says the same already is renewed in its place."""
        for bar in self.bars:
            known = bar.problem
            if known is not None and (known.name, known.text) == (problem.name, problem.text):
                bar.show_problem(problem)
                return
        made = ProblemBar()
        made.closed.connect(self._on_closed)
        self._layout.insertWidget(0, made)
        made.show_problem(problem)
        for old in self.bars[_MOST:]:
            old.clear()
        self.show()

    def clear(self) -> None:
        """Say nothing."""
        for bar in self.bars:
            bar.clear()

    def renew_colors(self) -> None:
        """Draw the marks in the current theme."""
        for bar in self.bars:
            bar.renew_colors()

    @Slot()
    def _on_closed(self) -> None:
        bar = self.sender()
        if isinstance(bar, ProblemBar):
            self._layout.removeWidget(bar)
            bar.deleteLater()
        self.setVisible(bool(self.bars))
