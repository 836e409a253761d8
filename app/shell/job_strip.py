"""The bottom strip: what is running now, in every panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from app.look.icons import pixmap, set_icon
from app.look.theme import GRID, set_role, tokens
from app.look.translation import tr, trn
from app.widgets.duration_text import duration_text
from app.widgets.layout import button, keep_place, label
from core.models.model_verdict import Verdict
from core.runs.events import Done, Event, Metric, Progress

HEIGHT = GRID * 5
_BAR_WIDTH = GRID * 24
_BAR_STEPS = 1000


@dataclass(slots=True)
class _Job:
    run_id: str
    name: str
    state: str = "queued"
    progress: Progress | None = None
    miou: float | None = None
    has_started: bool = True
    is_useless: bool = False
    is_stopping: bool = False


class JobStrip(QFrame):
    """Shows one job; the window decides which."""

    pause_requested = Signal(str)
    resume_requested = Signal(str)
    stop_requested = Signal(str)
    log_requested = Signal(str)
    opened = Signal(str)
    """(run_id): the job's name was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.setFixedHeight(HEIGHT)
        self._job: _Job | None = None
        self._waiting = 0
        self._dot = QLabel()
        self.name_button = button("", "link", tooltip=tr("Show this run"))
        self.name_button.clicked.connect(lambda: self._emit(self.opened))
        self.text = label("", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _BAR_STEPS)
        self.bar.setFixedWidth(_BAR_WIDTH)
        self.bar.setAccessibleName(tr("Progress of the job"))
        self.facts = label("", "")
        self.waiting_label = label("", "muted")
        self.pause_button = self._tool("pause", tr("Pause"), "Ctrl+Shift+P", self._on_pause)
        self.stop_button = self._tool("stop", tr("Stop"), "Ctrl+Shift+X", self._on_stop)
        self.log_button = self._tool("log", tr("Log"), "Ctrl+Shift+G", self._on_log)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID * 2, 0, GRID, 0)
        layout.setSpacing(GRID * 2)
        for widget in (self._dot, self.name_button, self.text, self.bar, self.facts):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addStretch(1)
        layout.addWidget(self.waiting_label)
        keep_place(self.stop_button)  # or a second click on Resume would hit it
        for tool in (self.pause_button, self.stop_button, self.log_button):
            layout.addWidget(tool)
        self._refresh()

    def show_job(
        self,
        run_id: str | None,
        name: str = "",
        state: str = "",
        *,
        has_started: bool = True,
        miou: float | None = None,
        is_useless: bool = False,
    ) -> None:
        """Show another job; None: nothing runs.

        Args:
            run_id: which one.
            name: what people call it.
            state: as in ``RunFolder.state``.
            has_started: whether it ever began, so that there is something to resume.
            miou: the best so far, where it is known.
            is_useless: whether it is over and what it made cannot be used.
        """
        if run_id is None:
            self._job = None
        elif self._job is None or self._job.run_id != run_id:
            self._job = _Job(run_id, name, state or "queued")
        elif state:
            self._job.is_stopping &= state == self._job.state
            self._job.state = state
        if self._job is not None:
            self._job.has_started = has_started
            if self._job.miou is None:
                self._job.miou = miou
            self._job.is_useless |= is_useless
        self._refresh()

    def show_stopping(self, run_id: str) -> None:
        """Say that the job was asked to end, until it has."""
        if self._job is not None and self._job.run_id == run_id:
            self._job.is_stopping = True
            self._refresh()

    def set_waiting(self, count: int) -> None:
        """Say how many jobs wait behind the one shown."""
        self._waiting = count
        self._refresh()

    def add_event(self, run_id: str, event: Event) -> None:
        """Take in an event; those of other runs are ignored."""
        if self._job is None or run_id != self._job.run_id:
            return
        if isinstance(event, Progress):
            self._job.progress = event
        elif isinstance(event, Metric) and event.tag == "val/miou":
            known = [one for one in (self._job.miou, event.value) if one is not None]
            self._job.miou = max(known, default=None)  # the model that is kept is the best one
        elif isinstance(event, Done):
            verdict = Verdict.from_dict(event.result.get("verdict"))
            self._job.is_useless = verdict is not None and verdict.is_warning
        else:
            return
        self._refresh()

    def renew_colors(self) -> None:
        """Draw the state's mark in the current theme."""
        self._refresh()

    def _refresh(self) -> None:
        job = self._job
        for widget in (self.name_button, self.facts, self.bar):
            widget.setVisible(job is not None)
        self.waiting_label.setText(
            trn("{count} job waits", "{count} jobs wait", self._waiting) if self._waiting else ""
        )
        for tool in (self.pause_button, self.stop_button, self.log_button):
            tool.setVisible(job is not None)
        if job is None:
            self._dot.setPixmap(pixmap("check", 16, color=tokens().muted))
            self.text.setText(tr("No job is running"))
            return
        self.name_button.setText(job.name)
        self._show_state(job)
        self._show_progress(job)

    def _show_state(self, job: _Job) -> None:
        t = tokens()
        name, color, text = {
            "queued": ("log", t.muted, tr("waiting")),
            "left": ("log", t.muted, tr("queued, not started")),
            "running": ("play", t.accent, ""),
            "paused": ("pause", t.warning, tr("paused")),
            "done": ("warning", t.warning, tr("done: not usable"))
            if job.is_useless
            else ("check", t.success, tr("done")),
            "cancelled": ("stop", t.muted, tr("stopped")),
            "failed": ("error", t.danger, tr("failed")),
            "interrupted": ("warning", t.warning, tr("interrupted")),
        }[job.state]
        ratio = self.devicePixelRatio()
        self._dot.setPixmap(pixmap(name, 16, color=color, ratio=ratio))
        progress = job.progress
        if job.is_stopping:
            text = tr("stopping…")
        parts = [text] if text else []
        if progress is not None and progress.epochs and job.state != "done":
            parts.append(tr("epoch {epoch}/{epochs}", epoch=progress.epoch, epochs=progress.epochs))
        elif progress is not None and progress.stage == "prepare" and job.state == "running":
            parts.append(tr("downloading weights"))
        elif not parts and (progress is None or not progress.step):
            parts.append(tr("starting…"))
        self.text.setText(" · ".join(parts))
        resumable = job.state in ("paused", "interrupted", "cancelled", "failed", "left")
        set_icon(self.pause_button, "play" if resumable else "pause")
        caption = tr("Pause")
        if resumable:
            caption = tr("Resume") if job.has_started else tr("Start")
        shortcut = self.pause_button.shortcut()
        keys = shortcut.toString(QKeySequence.SequenceFormat.NativeText)
        self.pause_button.setToolTip(f"{caption} ({keys})")
        self.pause_button.setAccessibleName(caption)
        is_next = job.state in ("interrupted", "left")  # what one would look for: in words
        self.pause_button.setText(caption)
        self.pause_button.setShortcut(shortcut)  # a new text takes it away
        self.pause_button.setToolButtonStyle(
            Qt.ToolButtonStyle.ToolButtonTextBesideIcon
            if is_next
            else Qt.ToolButtonStyle.ToolButtonIconOnly
        )
        self.pause_button.setVisible(resumable or job.state == "running")
        self.stop_button.setEnabled(not job.is_stopping)
        self.stop_button.setVisible(job.state in ("running", "paused", "queued"))

    def _show_progress(self, job: _Job) -> None:
        progress = job.progress
        over = job.state in ("done", "cancelled", "failed")
        self.bar.setVisible(not over)
        share = progress.step / max(progress.steps, 1) if progress is not None else 0.0
        self.bar.setValue(round(share * _BAR_STEPS))
        facts = [] if over else [tr("{percent:.0f} %", percent=share * 100)]
        if progress is not None and progress.eta_s is not None and job.state == "running":
            facts.append(tr("{duration} left", duration=duration_text(progress.eta_s)))
        if job.miou is not None:
            facts.append(tr("mIoU {miou:.3f}", miou=job.miou))
        self.facts.setText(" · ".join(facts))
        set_role(self.facts, "muted" if job.state != "running" else "")

    def _tool(self, icon: str, text: str, keys: str, slot: Callable[[], None]) -> QToolButton:
        made = QToolButton()
        set_icon(made, icon)
        made.setIconSize(QSize(20, 20))
        made.setShortcut(QKeySequence(keys))
        native = made.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        made.setToolTip(f"{text} ({native})")
        made.setAccessibleName(text)
        made.clicked.connect(slot)
        return made

    def _emit(self, signal: SignalInstance) -> None:
        if self._job is not None:
            signal.emit(self._job.run_id)

    @Slot()
    def _on_pause(self) -> None:
        if self._job is not None:
            running = self._job.state == "running"
            self._emit(self.pause_requested if running else self.resume_requested)

    @Slot()
    def _on_stop(self) -> None:
        self._emit(self.stop_requested)

    @Slot()
    def _on_log(self) -> None:
        self._emit(self.log_requested)
