"""Trainings side by side: their figures, their curves over each other, what was set differently."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.base import Panel, StepState, StepStatus
from app.panels.train.actions_on_runs import RunActions
from app.panels.train.comparing.compare_inspector import CompareInspector
from app.panels.train.comparing.overlaid_curves import OverlaidCurves
from app.panels.train.comparing.run_facts import FactsReader, RunFacts, read_facts
from app.panels.train.comparing.runs_table import RunsTable
from app.panels.train.comparing.settings_table import SettingsTable
from app.panels.train.undo_bar import UndoBar
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.targets import InspectModel, SetUpTraining, ShowTraining
from app.services.timers import single_shot
from app.widgets.empty_state import EmptyState
from core.project import Project
from core.project.rows import RunRow
from core.runs.events import Event, Metric
from core.system.messages import message

_READ_MS = 1000
_FIRST_TICKED = 4
_TABLE_HEIGHT, _CURVES_HEIGHT = 240, 360


class ComparePanel(Panel):
    """Everything it shows is read from the run folders, in the background."""

    key = "compare"
    title = message("Compare")
    icon = "compare"
    guide = "training.md"

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._tasks = BackgroundTasks(self, max_threads=1)  # one reader, one thread
        self._project: Project | None = None
        self._reader = FactsReader()
        self._stale = True
        self._was_ticked = self._was_chosen = False
        self.table = RunsTable()
        self.curves = OverlaidCurves()
        self.settings = SettingsTable()
        self.tabs = QTabWidget()
        self.undo = UndoBar()
        self.choices = CompareInspector()
        self.actions_on_runs = RunActions(context, self)
        self._stack = QStackedWidget()
        self._soon = single_shot(self, _READ_MS, self._refresh)
        self._build()
        self._connect()

    # The panel's contract

    def set_project(self, project: Project | None) -> None:
        """Compare the runs of another project."""
        self._tasks.cancel_and_wait()
        self._soon.stop()
        self._project = project
        self._reader = FactsReader()
        self._was_ticked = self._was_chosen = False
        self.undo.forget()
        self._on_read([])
        self._refresh_if_seen()

    def activated(self) -> None:
        """Read what has changed meanwhile."""
        if self._stale:
            self._refresh()

    def job_event(self, run_id: str, event: Event) -> None:
        """A curve has grown: it is drawn soon, while it is seen."""
        if isinstance(event, Metric) and not self._soon.isActive():
            self._stale = True
            if self.isVisible():
                self._soon.start()

    def status(self) -> StepStatus:
        """Nothing has to be done here: as the runs themselves."""
        runs = [] if self._project is None else self._project.runs("train")
        if any(run.state == "done" for run in runs):
            return StepStatus(StepState.DONE, message("A model is trained."))
        return StepStatus(StepState.DONE, message("Ready to train."))

    def inspector(self) -> QWidget | None:
        """What can be done with the chosen run and with those that are ticked."""
        return self.choices

    def theme_changed(self) -> None:
        """Draw in the new colours."""
        self.curves.renew_colors()
        self.settings.renew_colors()
        self._show_ticked()

    def shut_down(self) -> None:
        """Wait for what reads in the background."""
        self.choices.note.save()
        self._project = None  # it may be closed before the last queued signal arrives
        self._soon.stop()
        self._tasks.shut_down()
        self.actions_on_runs.shut_down()
        self.curves.shut_down()

    @property
    def busy(self) -> bool:
        """Whether runs are still being read or written."""
        return self._tasks.busy or self._soon.isActive() or self.actions_on_runs.busy

    # Reading

    @Slot()
    def _refresh_if_seen(self) -> None:
        self._stale = True
        if self.isVisible():
            self._refresh()

    @Slot()
    def _refresh(self) -> None:
        project, reader = self._project, self._reader
        self._stale = False
        if project is None:
            return
        runs = sorted(project.runs("train"), key=lambda run: not run.pinned)  # stable: newest first
        self._tasks.start(
            lambda progress: read_facts(reader, runs, progress),
            on_done=self._on_read,
            on_failed=self.context.error_occurred.emit,
            key="read",
        )

    def _on_read(self, facts: list[RunFacts]) -> None:
        verdicts = {one.run.id: self.context.verdicts.of(one.run) for one in facts}
        self.table.set_facts(facts, verdicts, self._left())
        self._stack.setCurrentIndex(1 if facts else 0)
        if facts and not self._was_ticked:
            finished = [one.run.id for one in facts if one.run.state == "done"]
            self._was_ticked = bool(finished)
            self.table.rows.tick(finished[:_FIRST_TICKED])
        if facts and not self._was_chosen:  # not by Qt, which takes the first row
            self._was_chosen = True
            self.table.select(self._first_chosen(facts))
        self._show_ticked()
        self._show_chosen()

    def _first_chosen(self, facts: list[RunFacts]) -> int:
        best = None if self._project is None else self.context.best_models.best(self._project)
        return facts[0].run.id if best is None else best.id

    def _left(self) -> set[int]:
        return {run.id for run in self.context.queue.left()}

    # Showing

    def _ticked(self) -> list[RunFacts]:
        return [one for one in self.table.rows.items if one.run.id in self.table.rows.ticked]

    @Slot()
    def _show_ticked(self) -> None:
        facts = self._ticked()
        self.curves.show_runs(facts)
        self.settings.show_runs(facts)
        self.choices.show_ticked(len(facts))

    @Slot()
    def _show_chosen(self) -> None:
        run = self._chosen()
        editable = self._project is not None and not self._project.read_only
        verdict = None if run is None else self.context.verdicts.of(run)
        waits = run is None or run.id not in self._left()
        self.choices.show_run(run, verdict, editable=editable, waits=waits)

    def _chosen(self) -> RunRow | None:
        return None if self.table.current is None else self.table.current.run

    # Doing

    @Slot()
    def _on_show(self) -> None:
        if (run := self._chosen()) is not None:
            self.context.navigate(ShowTraining(run.id))

    @Slot(int)
    def _on_opened(self, run_id: int) -> None:
        self.context.navigate(ShowTraining(run_id))

    @Slot()
    def _on_inspect(self) -> None:
        if (run := self._chosen()) is not None:
            self.context.navigate(InspectModel(run.id))

    @Slot()
    def _on_resume(self) -> None:
        if (run := self._chosen()) is not None:
            self.context.resume_run(str(run.id))
            self.context.navigate(ShowTraining(run.id))

    @Slot()
    def _on_delete(self) -> None:
        run = self._chosen()
        if run is not None and self.choices.delete_button.isEnabled():
            self.actions_on_runs.delete([run])

    @Slot()
    def _on_csv(self) -> None:
        self.actions_on_runs.save_csv([one.run for one in self._ticked()])

    @Slot()
    def _on_picture(self) -> None:
        runs = [one.run for one in self._ticked()]
        self.tabs.setCurrentWidget(self.curves)
        self.actions_on_runs.save_picture(runs, self.curves)

    @Slot()
    def _on_board(self) -> None:
        self.actions_on_runs.open_board([one.run for one in self._ticked()])

    @Slot(int)
    def _on_rename_requested(self, run_id: int) -> None:
        self.table.select(run_id)
        self.table.edit(self.table.currentIndex().siblingAtColumn(0))

    @Slot(int, QPoint)
    def _on_menu_requested(self, run_id: int, place: QPoint) -> None:
        for one in self.table.rows.items:
            if one.run.id == run_id:
                self.actions_on_runs.menu(one.run, in_list=True).popup(place)

    @Slot()
    def _on_new_run(self) -> None:
        self.context.navigate(SetUpTraining())

    # Building

    def _connect(self) -> None:
        rows, doing, choices = self.table.rows, self.actions_on_runs, self.choices
        rows.ticks_changed.connect(self._show_ticked)
        rows.renamed.connect(doing.rename)
        self.curves.colors_changed.connect(rows.set_colors)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self._on_opened)
        self.table.menu_requested.connect(self._on_menu_requested)
        choices.note.written.connect(doing.write_note)
        choices.show_requested.connect(self._on_show)
        choices.inspect_requested.connect(self._on_inspect)
        choices.resume_requested.connect(self._on_resume)
        choices.delete_requested.connect(self._on_delete)
        choices.csv_requested.connect(self._on_csv)
        choices.picture_requested.connect(self._on_picture)
        choices.board_requested.connect(self._on_board)
        doing.deleted.connect(self.undo.show_deleted)
        doing.rename_requested.connect(self._on_rename_requested)
        doing.board_starting.connect(choices.show_board_starting)
        self.undo.undo_requested.connect(doing.undo_delete)
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.table)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._on_delete)
        self.context.runs_changed.connect(self._refresh_if_seen)

    def _build(self) -> None:
        empty = EmptyState(
            "compare",
            tr("Nothing to compare yet"),
            tr("Each training becomes a row here, with its figures, curves and settings."),
            action=tr("Set up a run"),
        )
        empty.action_requested.connect(self._on_new_run)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID)
        column.setSpacing(GRID)
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.curves, tr("Curves"))
        self.tabs.addTab(self.settings, tr("Settings"))
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(GRID)
        split.setProperty("role", "gap")
        split.addWidget(self.table)
        split.addWidget(self.tabs)
        split.setSizes([_TABLE_HEIGHT, _CURVES_HEIGHT])
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        column.addWidget(split, 1)
        column.addWidget(self.undo)
        self._stack.addWidget(empty)
        self._stack.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
