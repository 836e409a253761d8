"""The way of a model to the line as a strip of stages, each with where it stands and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from app.look.icons import icon, pixmap
from app.look.theme import GRID, tokens
from app.look.translation import tr, translated
from app.panels.base import StepState
from core.system.messages import Message

_MARK = 16
_ARROW = 12


class Stage(IntEnum):
    """What is done one after the other; any of them can be looked at at any time."""

    MODEL = 0
    TRY = 1
    VERIFY = 2
    RULES = 3
    EXPORT = 4


@dataclass(frozen=True, slots=True)
class StageStatus:
    """Where a stage stands, and one short sentence that says why."""

    state: StepState
    reason: Message


class StageBar(QFrame):
    """One button a stage; the arrow keys move between them."""

    stage_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._statuses: dict[Stage, StageStatus] = {}
        self._group = QButtonGroup(self)
        self.buttons: list[QToolButton] = []
        self._between: list[QLabel] = []
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for stage, title in zip(Stage, _titles(), strict=True):
            if stage:
                arrow = QLabel()
                arrow.setFixedWidth(_ARROW)
                self._between.append(arrow)
                layout.addWidget(arrow)
            made = QToolButton()
            made.setObjectName(f"stage_{stage.name.lower()}")
            made.setText(f" {title}")
            made.setCheckable(True)
            made.setProperty("role", "step")
            made.setIconSize(QSize(_MARK, _MARK))
            made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            made.setFixedHeight(GRID * 4)
            self._group.addButton(made, stage)
            self.buttons.append(made)
            layout.addWidget(made)
        layout.addStretch(1)
        self.setAccessibleName(tr("Stages of shipping"))
        self._group.idClicked.connect(self.stage_requested)
        self.show_stage(Stage.MODEL)
        self.renew_colors()

    def show_stage(self, stage: Stage) -> None:
        """Mark the stage that is shown."""
        self.buttons[stage].setChecked(True)

    def set_statuses(self, statuses: Mapping[Stage, StageStatus]) -> None:
        """Show where each stage stands."""
        self._statuses = dict(statuses)
        words = {
            StepState.DONE: tr("done"),
            StepState.NEXT: tr("next"),
            StepState.BLOCKED: tr("blocked"),
            StepState.WARNING: tr("needs attention"),
        }
        for stage, status in self._statuses.items():
            button = self.buttons[stage]
            reason = translated(status.reason)
            button.setToolTip(reason)
            button.setAccessibleName(f"{button.text().strip()}: {words[status.state]}")
            button.setAccessibleDescription(reason)
        self.renew_colors()

    def renew_colors(self) -> None:
        """Draw the marks in the current theme."""
        theme = tokens()
        marks = {
            StepState.DONE: ("check", theme.success),
            StepState.NEXT: ("next", theme.accent),
            StepState.BLOCKED: ("lock", theme.muted),
            StepState.WARNING: ("warning", theme.warning),
        }
        for stage, button in enumerate(self.buttons):
            status = self._statuses.get(Stage(stage))
            name, color = marks[StepState.BLOCKED if status is None else status.state]
            button.setIcon(icon(name, color=color))
        ratio = self.devicePixelRatio()
        for arrow in self._between:
            arrow.setPixmap(pixmap("chevron-right", _ARROW, color=theme.muted, ratio=ratio))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Left and right go to the neighbour."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        self._go(self._group.checkedId() + step)

    @Slot(int)
    def _go(self, place: int) -> None:
        if 0 <= place < len(self.buttons):
            self.buttons[place].setFocus()
            self.buttons[place].click()


def _titles() -> tuple[str, ...]:
    return (tr("Model"), tr("Try it"), tr("Verify"), tr("Rules"), tr("Export"))
