"""Training monitor: the runs, and what the chosen one is learning, live or afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.base import Panel, StepState, StepStatus
from app.panels.train.actions_on_runs import RunActions
from app.panels.train.list_side import ListSide
from app.panels.train.mask_panel import MaskPanel
from app.panels.train.resume_banner import ResumeBanner
from app.panels.train.run_header import RunHeader
from app.panels.train.run_inspector import RunInspector
from app.panels.train.steering import RunSteering
from app.panels.train.work_status import work_status
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.run_reader import RunReader, open_run
from app.services.targets import InspectModel, SetUpTraining, ShowTraining, Target
from app.services.timers import single_shot
from app.widgets.empty_state import EmptyState
from app.widgets.log_view import LogView
from app.widgets.problem_bar import Problem
from app.widgets.problem_fixes import describe
from app.widgets.run_charts import CompareRun, RunCharts
from core.models.model_verdict import Verdict
from core.project import Project
from core.project.rows import RunRow
from core.runs.events import Event, Failed, MaskPreview
from core.system.messages import message

_READ_MS = 100
_CLOCK_MS = 1000
_ROOMY_WIDTH = GRID * 110
_CHARTS_HEIGHT, _MASKS_HEIGHT = 290, 360
_ALIVE = ("running", "paused")


class MonitorPanel(Panel):
    """Shows a run from its folder alone, so a restarted window shows the same picture."""

    key = "monitor"
    title = message("Runs")
    icon = "train"
    guide = "training.md"

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._tasks = BackgroundTasks(self, max_threads=2)
        self._project: Project | None = None
        self._run: RunRow | None = None
        self._reader: RunReader | None = None
        self._states: dict[int, str] = {}
        self._described: tuple[tuple[int, Failed], Problem] | None = None
        self.side = ListSide(context)
        self.run_list, self.undo = self.side.run_list, self.side.undo
        self.header = RunHeader()
        self.charts = RunCharts()
        self.masks = MaskPanel()
        self.log = LogView()
        self.steering = RunSteering(context, self.header, self.masks, self)
        self.banner = ResumeBanner(context)
        self.doing = RunActions(context, self)
        self.tabs = QTabWidget()
        self._stack = QStackedWidget()
        self._inspector = RunInspector()
        self._build()
        self._read_timer = single_shot(self, _READ_MS, self._on_read_due)
        self._clock = QTimer(self)
        self._clock.setInterval(_CLOCK_MS)
        self._clock.timeout.connect(self._on_clock)
        self._connect()

    # The panel's contract

    def set_project(self, project: Project | None) -> None:
        """Show the project's runs, the newest first."""
        self._project = project
        self._states.clear()
        self._forget_run()
        self.undo.forget()
        self.run_list.clear()
        self._refresh_list()
        self._choose_first()

    def job_event(self, run_id: str, event: Event) -> None:
        """Something was appended to a run; what it was is read from the run's file."""
        if self._run is not None and run_id == str(self._run.id):
            if not self._read_timer.isActive():
                self._read_timer.start()
            if isinstance(event, MaskPreview):
                self.steering.masks_came()

    def status(self) -> StepStatus:
        """Done once a run has finished; free once the project has images."""
        if self._project is None:
            return StepStatus(StepState.BLOCKED, message("Open a project first."))
        runs = self._project.runs("train")
        if (at_work := work_status(self.context, runs)) is not None:
            return at_work
        if self.context.verdicts.all_warn(runs):
            return StepStatus(StepState.WARNING, message("No model finds anything yet."))
        if self.context.interrupted_training() is not None:
            return StepStatus(StepState.NEXT, message("A training was interrupted: resume it."))
        if any(run.state == "done" for run in runs):
            return StepStatus(StepState.DONE, message("A model is trained."))
        return StepStatus(StepState.NEXT, message("Ready to train."))

    def inspector(self) -> QWidget | None:
        """How the curves are drawn, and the run's settings."""
        return self._inspector

    def navigate(self, target: Target) -> None:
        """Show the run of ``ShowTraining``."""
        if isinstance(target, ShowTraining) and target.run_id is not None:
            self._refresh_list()
            self.run_list.select(target.run_id)

    def theme_changed(self) -> None:
        """Draw the curves in the new colours."""
        self.banner.renew_colors()
        self.header.failure.renew_colors()
        self.charts.renew_colors()
        self._show_run()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """In a small window the list of runs gives way to the curves."""
        super().resizeEvent(event)
        self.side.give_room(event.size().width() >= _ROOMY_WIDTH)

    def shut_down(self) -> None:
        """Wait for what reads in the background."""
        self._inspector.note.save()
        self._project = None  # it may be closed before the last queued signal arrives
        self._inspector.resources.shut_down()
        self.doing.shut_down()
        self._clock.stop()
        self._read_timer.stop()
        self._tasks.shut_down()
        self.masks.strip.shut_down()
        self.charts.shut_down()

    @property
    def busy(self) -> bool:
        """Whether a run or its pictures are still being read."""
        parts = (self._tasks, self.masks.strip, self.doing)
        return any(part.busy for part in parts) or self._read_timer.isActive()

    # Showing

    @Slot()
    def _refresh_list(self) -> None:
        runs = [] if self._project is None else self._project.runs("train")
        runs.sort(key=lambda run: not run.pinned)  # stable: the newest first below
        verdicts = self.context.verdicts
        left = {run.id for run in self.context.queue.left()}
        self.run_list.set_runs(runs, {run.id: verdicts.of(run) for run in runs}, left)
        self._inspector.set_runs([run for run in runs if run != self._run])
        self._stack.setCurrentIndex(1 if runs else 0)

    def _choose_first(self) -> None:
        """Show the newest run, whichever is pinned above it."""
        rows = self.run_list.rows
        if self._run is None and rows:
            self.run_list.select(max(run.id for run in rows))

    def _forget_run(self) -> None:
        self._tasks.cancel_all()
        self._run, self._reader = None, None
        self.steering.steer(None)
        self.log.set_folder(None)
        self._inspector.resources.follow(None)

    def _state(self) -> str:
        if self._run is None:
            return "queued"
        return self._states.get(self._run.id, self._run.state)

    @Slot(int)
    def _on_run_selected(self, run_id: int) -> None:
        if self._project is None or (self._run is not None and self._run.id == run_id):
            return
        self._forget_run()
        run = self._project.run(run_id)
        self._run = run
        self.steering.steer(str(run.id))
        self._refresh_list()
        self.banner.leave_out(run.id)
        self.header.name.setText(run.name)
        self._tasks.start(
            lambda progress: open_run(run.folder, progress),
            on_done=self._on_opened,
            on_failed=self.context.error_occurred.emit,
            key="open",
        )

    def _on_opened(self, reader: RunReader) -> None:
        self._reader = reader
        spec = reader.spec
        self.charts.reset(reader.labels, reader.colors)
        self.masks.strip.reset(reader.preview_count, reader.labels, reader.colors)
        self._inspector.show_spec(spec)
        self._show_note()
        self.log.set_folder(reader.folder)
        self._apply_display()
        self._on_read_due()
        self._show_all()
        self._on_compare_changed()

    @Slot()
    def _on_read_due(self) -> None:
        if self._reader is not None and self._reader.read_new():
            self._show_all()
            training = self._reader.history.training
            if training is not None:
                self.steering.redraw_if_due(training.step)

    def _show_all(self) -> None:
        if self._reader is None:
            return
        self.charts.update_from(self._reader.history)
        for index, files in self._reader.previews().items():
            self.masks.strip.show_preview(index, files)
        self._inspector.show_warnings(self._reader.history.warnings)
        self._show_run()

    @Slot()
    def _show_run(self) -> None:
        if self._run is None or self._reader is None:
            return
        state = self._state()
        history = self._reader.history
        self.header.show_run(
            self._run.name,
            state,
            history,
            has_model=history.best_miou is not None,
            verdict=self._verdict(),
            problem=self._problem(state),
            waits=str(self._run.id) in (*self.context.jobs.queued, *self.context.jobs.running),
            stopping=self.context.jobs.is_stopping(str(self._run.id)),
        )
        self.masks.set_alive(state in _ALIVE)
        started = history.started
        works = state in ("running", "paused") and started is not None
        self._inspector.resources.follow(started.pid if works and started is not None else None)
        if state in _ALIVE and not self._clock.isActive():
            self._clock.start()
        elif state not in _ALIVE:
            self._clock.stop()

    def _problem(self, state: str) -> Problem | None:
        """Return why the run failed, the same one until it is begun again."""
        reader, run = self._reader, self._run
        ended = None if reader is None else reader.history.ended
        if run is None or state != "failed" or not isinstance(ended, Failed):
            return None
        if self._described is None or self._described[0] != (run.id, ended):
            problem = describe(ended, self.context, self, run_id=str(run.id))
            self._described = (run.id, ended), replace(problem, name="")
        return self._described[1]

    def _verdict(self) -> Verdict | None:
        """What was said of the run's model, once it is over."""
        run = self._run
        if run is None or self._state() in ("queued", *_ALIVE):
            return None
        return self.context.verdicts.of_ended(run)

    @Slot()
    def _on_clock(self) -> None:
        if self._reader is not None:
            self.header.show_clock(self._state(), self._reader.history)

    @Slot()
    def _on_inspect(self) -> None:
        if self._run is not None:
            self.context.navigate(InspectModel(self._run.id))

    @Slot(str)
    def _on_run_started(self, run_id: str) -> None:
        self._refresh_list()
        self.run_list.select(int(run_id))

    @Slot(str, str)
    def _on_run_state_changed(self, run_id: str, state: str) -> None:
        if not run_id.isdigit():
            return
        self._states[int(run_id)] = state
        self.steering.state_changed()
        if self._run is not None and run_id == str(self._run.id):
            self._on_read_due()
            self._show_run()
        self.status_changed.emit()

    @Slot()
    def _on_runs_changed(self) -> None:
        known = {} if self._project is None else {run.id: run for run in self.run_list.rows}
        self._refresh_list()
        rows = {run.id: run for run in self.run_list.rows}
        if self._run is not None and self._run.id not in rows:  # it was deleted
            self._forget_run()
        self._choose_first()
        run = None if self._run is None else rows.get(self._run.id)
        if run is not None and run != known.get(run.id):
            self._run = run
            self._show_note()
            self._show_run()
        self.status_changed.emit()

    def _show_note(self) -> None:
        run, project = self._run, self._project
        self._inspector.note.setReadOnly(project is None or project.read_only)
        self._inspector.note.show_note(
            None if run is None else run.id, "" if run is None else run.note
        )

    # What can be done besides

    @Slot(int, QPoint)
    def _on_menu_requested(self, run_id: int, place: QPoint) -> None:
        for run in self.run_list.rows:
            if run.id == run_id:
                self.doing.menu(run, in_list=False).popup(place)

    @Slot()
    def _on_more(self) -> None:
        if self._run is not None:
            corner = self.header.more_button.rect().bottomLeft()
            self._on_menu_requested(self._run.id, self.header.more_button.mapToGlobal(corner))

    @Slot()
    def _on_delete(self) -> None:
        project = self._project
        if self._run is not None and project is not None and not project.read_only:
            self.doing.delete([self._run])

    @Slot()
    def _on_csv(self) -> None:
        if self._run is not None:
            self.doing.save_csv([self._run])

    @Slot()
    def _on_picture(self) -> None:
        if self._run is not None:
            self.doing.save_picture([self._run], self.charts)

    @Slot()
    def _on_board(self) -> None:
        if self._run is not None:
            self.doing.open_board([self._run])

    @Slot()
    def _on_folder(self) -> None:
        if self._run is not None:
            self.doing.open_folder(self._run)

    # Display

    @Slot()
    def _apply_display(self) -> None:
        self.charts.set_smoothing(self._inspector.smoothing)
        self.charts.set_in_epochs(self._inspector.in_epochs)

    @Slot()
    def _on_compare_changed(self) -> None:
        run = self._inspector.compared
        if run is None:
            self._tasks.cancel("compare")
            self.charts.set_other(None)
            return
        folder: Path = run.folder
        self._tasks.start(
            lambda progress: open_run(folder, progress).history,
            on_done=lambda history: self.charts.set_other(CompareRun(run.name, history)),
            on_failed=self.context.error_occurred.emit,
            key="compare",
        )

    @Slot()
    def _on_new_run(self) -> None:
        self.context.navigate(SetUpTraining())

    # Building

    def _connect(self) -> None:
        self.side.new_button.clicked.connect(self._on_new_run)
        self.run_list.run_selected.connect(self._on_run_selected)
        self.header.inspect_requested.connect(self._on_inspect)
        self.steering.stop_asked.connect(self._show_run)
        self._inspector.display_changed.connect(self._apply_display)
        self._inspector.compare_changed.connect(self._on_compare_changed)
        self._inspector.csv_requested.connect(self._on_csv)
        self._inspector.picture_requested.connect(self._on_picture)
        self._inspector.board_requested.connect(self._on_board)
        self._inspector.folder_requested.connect(self._on_folder)
        self._inspector.note.written.connect(self.doing.write_note)
        self.header.more_requested.connect(self._on_more)
        self.run_list.menu_requested.connect(self._on_menu_requested)
        self.run_list.renamed.connect(self.doing.rename)
        self.run_list.edit_ended.connect(self._refresh_list)
        self.run_list.delete_requested.connect(self._on_delete)
        self.doing.rename_requested.connect(self.run_list.begin_rename)
        self.doing.deleted.connect(self.undo.show_deleted)
        self.doing.board_starting.connect(self._inspector.show_board_starting)
        self.undo.undo_requested.connect(self.doing.undo_delete)
        self.context.run_started.connect(self._on_run_started)
        self.context.run_state_changed.connect(self._on_run_state_changed)
        self.context.runs_changed.connect(self._on_runs_changed)

    def _build(self) -> None:
        empty = EmptyState(
            "train",
            tr("No run yet"),
            tr("Choose a network and start a run; its curves and masks will appear here."),
            action=tr("Set up a run"),
        )
        empty.action_requested.connect(self._on_new_run)
        self._stack.addWidget(empty)
        self._stack.addWidget(self._make_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)

    def _make_page(self) -> QWidget:
        work = QWidget()
        column = QVBoxLayout(work)
        column.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID)
        column.setSpacing(GRID)
        column.addWidget(self.banner)
        column.addWidget(self.header)
        column.addWidget(self.steering.hint)
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.masks, tr("Masks"))
        self.tabs.addTab(self.log, tr("Log"))
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(GRID)
        split.setProperty("role", "gap")
        split.addWidget(self.charts)
        split.addWidget(self.tabs)
        split.setSizes([_CHARTS_HEIGHT, _MASKS_HEIGHT])
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        column.addWidget(split, 1)
        page = QWidget()
        both = QHBoxLayout(page)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(0)
        both.addWidget(self.side)
        both.addWidget(work, 1)
        return page
