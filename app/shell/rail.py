"""The left rail: the steps of the work, each with where it stands and why."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import pixmap, set_icon
from app.look.theme import GRID, set_role, tokens
from app.look.translation import tr, translated
from app.panels.base import StepState, StepStatus
from app.widgets.layout import button, label
from core.system.messages import Message

WIDTH = GRID * 26
_MARK_SIZE = 16
_REASON_MARGIN = GRID * 5


@dataclass(frozen=True, slots=True)
class RailStep:
    """One entry: ``key`` is what ``step_requested`` carries."""

    key: str
    title: Message
    icon: str


class Rail(QFrame):
    """Vertical list of steps; the one in front is checked."""

    step_requested = Signal(str)

    def __init__(self, steps: list[RailStep], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.setFixedWidth(WIDTH)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._entries: dict[str, _Entry] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID * 2, GRID, GRID * 2)
        layout.setSpacing(GRID * 2)
        for number, step in enumerate(steps, start=1):
            entry = _Entry(step, number)
            self._group.addButton(entry.button)
            self._entries[step.key] = entry
            layout.addWidget(entry)
        layout.addStretch(1)
        self.next_button = button("", "primary")
        self.next_button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.next_button.clicked.connect(self._on_next_clicked)
        self.next_button.hide()
        layout.addWidget(self.next_button)
        self._next: str | None = None
        self._group.buttonClicked.connect(self._on_clicked)

    def set_current(self, key: str) -> None:
        """Check the entry of ``key``; none for an unknown key."""
        self._group.setExclusive(False)
        for name, entry in self._entries.items():
            entry.button.setChecked(name == key)
        self._group.setExclusive(True)

    def set_status(self, key: str, status: StepStatus) -> None:
        """Show where the step stands."""
        self._entries[key].set_status(status)

    def set_next(self, key: str | None, offered: str | None) -> None:
        """Mark the step to go to now, and offer one that is not in front; None for none."""
        self._next = offered
        self.next_button.setVisible(offered is not None)
        for name, entry in self._entries.items():
            entry.set_next(name == key)
        if offered is not None:
            entry = self._entries[offered]
            self.next_button.setText(tr("Next: {step}", step=entry.title))
            self.next_button.setToolTip(entry.reason.text())
            self.next_button.setAccessibleDescription(entry.reason.text())

    @Slot()
    def _on_next_clicked(self) -> None:
        if self._next is not None:
            self.step_requested.emit(self._next)

    def renew_colors(self) -> None:
        """Draw the marks in the current theme."""
        for entry in self._entries.values():
            entry.renew_colors()

    def _on_clicked(self, button: QAbstractButton) -> None:
        for key, entry in self._entries.items():
            if entry.button is button:
                self.step_requested.emit(key)


class _Entry(QWidget):
    def __init__(self, step: RailStep, number: int) -> None:
        super().__init__()
        title = translated(step.title)
        shortcut = QKeySequence(f"Ctrl+{number}")
        self._status: StepStatus | None = None
        self.title = title
        self._is_next = False
        self._shortcut = shortcut.toString(QKeySequence.SequenceFormat.NativeText)
        self.button = QToolButton()
        self.button.setText(f" {title}")  # Qt leaves too little room beside the icon
        set_icon(self.button, step.icon)
        self.button.setIconSize(QSize(20, 20))
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setFixedHeight(GRID * 4)
        self.button.setMinimumWidth(WIDTH - GRID * 2)
        self.button.setShortcut(shortcut)
        self.button.setProperty("role", "step")
        self._mark = QLabel(self.button)
        mark_layout = QHBoxLayout(self.button)
        mark_layout.setContentsMargins(0, 0, GRID, 0)
        mark_layout.addStretch(1)
        mark_layout.addWidget(self._mark)
        self.reason = label("", "muted")
        self.reason.setWordWrap(True)
        reason_row = QHBoxLayout()
        reason_row.setContentsMargins(_REASON_MARGIN, 0, GRID, 0)
        reason_row.addWidget(self.reason)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.button)
        layout.addLayout(reason_row)

    def set_status(self, status: StepStatus) -> None:
        self._status = status
        reason = translated(status.reason)
        self.reason.setText(reason)
        self.button.setToolTip(f"{reason}\n{self._shortcut}".strip())
        state = {
            StepState.DONE: tr("done"),
            StepState.NEXT: tr("next"),
            StepState.BLOCKED: tr("blocked"),
            StepState.WORKING: tr("at work"),
            StepState.WARNING: tr("needs attention"),
        }[status.state]
        self.button.setAccessibleName(f"{self.title}: {state}")
        self.button.setAccessibleDescription(reason)
        self.renew_colors()

    def set_next(self, is_next: bool) -> None:
        """Mark the step to go to now: its sentence stands out."""
        if is_next != self._is_next:
            self._is_next = is_next
            set_role(self.reason, "" if is_next else "muted")
            self.renew_colors()

    def renew_colors(self) -> None:
        if self._status is None:
            return
        t = tokens()
        name, color = {
            StepState.DONE: ("check", t.success),
            StepState.NEXT: ("next", t.accent if self._is_next else t.muted),
            StepState.BLOCKED: ("lock", t.muted),
            StepState.WORKING: ("play", t.accent),
            StepState.WARNING: ("warning", t.warning),
        }[self._status.state]
        ratio = self.devicePixelRatio()
        self._mark.setPixmap(pixmap(name, _MARK_SIZE, color=color, ratio=ratio))
