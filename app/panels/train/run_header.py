"""What a run is doing right now, in numbers, and the buttons that steer it."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import set_icon
from app.look.theme import GRID, set_role, tokens
from app.look.translation import tr
from app.widgets.duration_text import duration_text
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import button, label, row
from app.widgets.problem_bar import Problem, ProblemBar
from app.widgets.run_states import state_color, state_text
from app.widgets.verdict_box import VerdictBox
from core.models.model_verdict import Verdict
from core.runs.history import RunHistory

_STEPS = 1000
_ALIVE = ("queued", "running", "paused")
_RESUMABLE = ("interrupted", "cancelled", "failed")


class RunHeader(QWidget):
    """Name, state, facts and buttons of one run, and a box that says why it failed."""

    pause_requested = Signal()
    continue_requested = Signal()
    stop_requested = Signal()
    resume_requested = Signal()
    inspect_requested = Signal()
    more_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = ElidedLabel("", "title")
        self.chip = QLabel()
        self.pause_button = button(
            tr("Pause"),
            icon="pause",
            tooltip=tr("Wait after the current step; the memory stays in use (Ctrl+Shift+P)"),
        )
        self.continue_button = button(
            tr("Continue"), "primary", tooltip=tr("Go on with the next step")
        )
        self.stop_button = button(
            tr("Stop"),
            icon="stop",
            tooltip=tr("End after the current step and save; it can be resumed (Ctrl+Shift+X)"),
        )
        self.resume_button = button(
            tr("Resume"),
            "primary",
            tooltip=tr("Go on from the last saved state with the same data and settings"),
        )
        self.inspect_button = button(tr("Inspect the result"), tooltip=tr("Measure the best model"))
        for made, signal in (
            (self.pause_button, self.pause_requested),
            (self.continue_button, self.continue_requested),
            (self.stop_button, self.stop_requested),
            (self.resume_button, self.resume_requested),
            (self.inspect_button, self.inspect_requested),
        ):
            made.clicked.connect(signal)
            made.hide()
        self.more_button = QToolButton()
        set_icon(self.more_button, "more")
        self.more_button.setToolTip(tr("Rename, pin, save, delete …"))
        self.more_button.setAccessibleName(tr("More that can be done with this run"))
        self.more_button.clicked.connect(self.more_requested)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _STEPS)
        self.bar.setAccessibleName(tr("Progress of the run"))
        self.facts: dict[str, QLabel] = {}
        self.failure = ProblemBar(closable=False)
        self.verdict = VerdictBox()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        self._titles = row(self.name, self.chip, 1)
        self._buttons = row(
            self.pause_button,
            self.continue_button,
            self.stop_button,
            self.resume_button,
            self.inspect_button,
            self.more_button,
        )
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.setSpacing(GRID)
        self._top.addLayout(self._titles, 1)
        self._top.addLayout(self._buttons)
        layout.addLayout(self._top)
        layout.addWidget(self.bar)
        layout.addLayout(self._make_facts())
        layout.addWidget(self.failure)
        layout.addWidget(self.verdict)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Give the buttons a line of their own, or take it back."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Where name and buttons do not fit beside each other, they stand below."""
        needed = self._titles.sizeHint().width() + self._buttons.sizeHint().width() + GRID
        ways, has_two = QBoxLayout.Direction, needed > self.width()
        self._top.setDirection(ways.TopToBottom if has_two else ways.LeftToRight)
        side = Qt.AlignmentFlag.AlignLeft if has_two else Qt.AlignmentFlag(0)
        self._top.setAlignment(self._buttons, side)

    def show_run(
        self,
        name: str,
        state: str,
        history: RunHistory,
        *,
        has_model: bool,
        verdict: Verdict | None = None,
        problem: Problem | None = None,
        waits: bool = True,
        stopping: bool = False,
    ) -> None:
        """Show a run as it is now.

        Args:
            name: what people call it.
            state: as in ``RunFolder.state``.
            history: what it told.
            has_model: whether there is a best model to inspect.
            verdict: what was said of it.
            problem: why it failed.
            waits: whether a queued run really waits for its turn; one that was left behind by an
                earlier window does not.
            stopping: whether it was asked to end, which takes until its step is over.
        """
        self.name.setText(name)
        self._show_state(state, verdict, has_model=has_model, waits=waits)
        if stopping:
            self.chip.setText(tr("stopping…"))
        self.stop_button.setEnabled(not stopping)  # once is enough
        self.verdict.show_verdict(verdict)
        self._show_resume(state, has_started=history.started is not None, waits=waits)
        progress = history.training
        share = 0.0 if progress is None else progress.step / max(1, progress.steps)
        self.bar.setValue(_STEPS if state == "done" else round(share * _STEPS))
        self.bar.setVisible(state in _ALIVE)
        facts = self.facts
        facts["epoch"].setText("–" if progress is None else f"{progress.epoch} / {progress.epochs}")
        speed = history.images_per_second
        facts["speed"].setText("–" if speed is None else f"{speed:.1f}")
        best = history.final_miou
        facts["best"].setText("–" if best is None else f"{best:.3f}")
        self.show_clock(state, history)
        self._show_failure(state, problem)
        self._arrange()

    def show_clock(self, state: str, history: RunHistory) -> None:
        """Renew what changes with time alone."""
        now = time.time() if state in _ALIVE else history.last_time
        elapsed = history.elapsed(now)
        self.facts["elapsed"].setText(duration_text(elapsed) if elapsed else "–")
        eta = history.progress.eta_s if history.progress is not None else None
        known = eta is not None and state in ("running", "paused")
        self.facts["left"].setText(duration_text(eta) if known and eta is not None else "–")

    def _show_state(
        self, state: str, verdict: Verdict | None, *, has_model: bool, waits: bool
    ) -> None:
        color = state_color(state, tokens(), verdict)
        is_left = state == "queued" and not waits
        self.chip.setText(tr("queued, not started") if is_left else state_text(state, verdict))
        self.chip.setStyleSheet(f"color: {color}; font-weight: 600;")
        self.pause_button.setVisible(state == "running")
        self.continue_button.setVisible(state == "paused")
        self.inspect_button.setVisible(has_model and state not in ("running", "paused"))
        set_role(self.inspect_button, "primary" if state == "done" else "")

    def _show_resume(self, state: str, *, has_started: bool, waits: bool) -> None:
        """Offer to go on; a run that never began can only be started."""
        is_left = state == "queued" and not waits
        self.resume_button.setVisible(state in _RESUMABLE or is_left)
        self.stop_button.setVisible(state in _ALIVE and not is_left)
        self.resume_button.setText(tr("Resume") if has_started else tr("Start"))
        self.resume_button.setToolTip(
            tr("Go on from the last saved state with the same data and settings")
            if has_started
            else tr("This run has not begun yet")
        )

    def _show_failure(self, state: str, problem: Problem | None) -> None:
        if problem is not None and state == "failed":
            self.failure.show_problem(problem)
        elif state == "interrupted":
            self.failure.show_problem(
                Problem(
                    tr("This run ended from outside: the program or the computer was shut down."),
                    tr("Nothing that was saved is lost. Resume goes on from the last saved state."),
                    is_warning=True,
                )
            )
        else:
            self.failure.clear()

    def _make_facts(self) -> QHBoxLayout:
        cells = row(spacing=GRID * 3)
        for key, title in (
            ("epoch", tr("Epoch")),
            ("best", tr("Best mIoU")),
            ("speed", tr("Images/s")),
            ("elapsed", tr("Elapsed")),
            ("left", tr("Remaining")),
        ):
            value = label("–", "heading")
            value.setAccessibleName(title)
            cell = QVBoxLayout()
            cell.setSpacing(0)
            cell.addWidget(label(title, "muted"))
            cell.addWidget(value)
            self.facts[key] = value
            cells.addLayout(cell)
        cells.addStretch(1)
        return cells
