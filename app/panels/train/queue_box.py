"""What waits for its turn: in which order, and what an earlier window left waiting."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import QFrame, QScrollArea, QToolButton, QVBoxLayout, QWidget

from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr, trn
from app.services.context import AppContext
from app.services.shown_job import job_name
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import button, clear_layout, label, row
from core.project.rows import RunRow

_MOST_ROWS = 4
_ROW = GRID * 3 + 2
_ICON = 14


class QueueBox(QFrame):
    """Hidden while nothing waits."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._context = context
        self._shown: tuple[object, ...] = ()
        self.title = label("", "heading", wrap=True)
        self.hint = label("", "muted", wrap=True)
        self.start_button = button(
            tr("Start them"), icon="play", tooltip=tr("One after the other, in this order")
        )
        self.start_button.clicked.connect(self._on_start)
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(0)
        inside = QWidget()
        inside.setProperty("role", "scrolled")
        inside.setLayout(self._rows)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID // 2)
        for part in (self.title, self.hint, self._scroll, self.start_button):
            layout.addWidget(part)
        self.hide()
        context.runs_changed.connect(self.refresh)
        context.project_changed.connect(self.refresh)

    @Slot()
    def refresh(self) -> None:
        """Show what waits now."""
        context = self._context
        ids = context.jobs.queued
        runs = {str(run.id): run for run in context.runs()} if ids else {}
        waiting = [runs[id_] for id_ in ids if id_ in runs]
        left = context.queue.left()
        shown = (tuple(waiting), tuple(left))
        if shown == self._shown:
            return
        self._shown = shown
        self.setVisible(bool(waiting or left))
        self.title.setText(
            trn("{count} job waits", "{count} jobs wait", len(waiting))
            if waiting
            else tr("Queued, not started")
        )
        self.hint.setText(tr("Left by an earlier window."))
        self.hint.setVisible(bool(left) and not waiting)
        self.start_button.setVisible(bool(left))
        clear_layout(self._rows)
        for place, run in enumerate(waiting):
            self._rows.addWidget(self._waiting_row(run, place, len(waiting)))
        for run in left:
            self._rows.addWidget(self._left_row(run))
        self._rows.addStretch(1)
        self._scroll.setFixedHeight(_ROW * min(_MOST_ROWS, len(waiting) + len(left)) + 2)

    def _waiting_row(self, run: RunRow, place: int, count: int) -> QWidget:
        run_id, name = str(run.id), job_name(run)
        up = _tool("chevron-up", tr("Begin {name} earlier", name=name))
        up.setEnabled(place > 0)
        up.clicked.connect(lambda: self._context.queue.move(run_id, -1))
        down = _tool("chevron-down", tr("Begin {name} later", name=name))
        down.setEnabled(place < count - 1)
        down.clicked.connect(lambda: self._context.queue.move(run_id, 1))
        remove = _tool("close", tr("Take {name} out of the queue", name=name))
        remove.clicked.connect(lambda: self._context.jobs.stop(run_id))
        return _line(f"{place + 1}. {name}", [up, down, remove])

    def _left_row(self, run: RunRow) -> QWidget:
        name = job_name(run)
        start = _tool("play", tr("Start {name}", name=name))
        start.clicked.connect(lambda: self._context.resume_run(str(run.id)))
        remove = _tool("close", tr("Take {name} out of the queue", name=name))
        remove.clicked.connect(lambda: self._context.queue.cancel_left(str(run.id)))
        return _line(name, [start, remove])

    @Slot()
    def _on_start(self) -> None:
        self._context.queue.start_left()


def _line(text: str, tools: list[QToolButton]) -> QWidget:
    made = QWidget()
    made.setFixedHeight(_ROW)
    both = row(spacing=0)
    both.addWidget(ElidedLabel(text, mode=Qt.TextElideMode.ElideRight), 1)
    for tool in tools:
        both.addWidget(tool)
    made.setLayout(both)
    return made


def _tool(icon: str, text: str) -> QToolButton:
    made = QToolButton()
    set_icon(made, icon)
    made.setIconSize(QSize(_ICON, _ICON))
    made.setToolTip(text)
    made.setAccessibleName(text)
    return made
