"""What all panels share: the open project, the jobs, the settings, and ways to reach each other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QStandardPaths, Signal, Slot

from app.services.background import BackgroundTasks, Progress
from app.services.curve_board import CurveBoard
from app.services.follow_ups import FollowUps
from app.services.job_queue import JobQueue
from app.services.new_labels import NewLabels
from app.services.settings import Settings, SettingsStore
from app.services.shown_job import ShownJob
from app.services.targets import ShowTraining, Target, run_target
from app.services.workers import JobController
from core.project import Project, RunRow, RunState
from core.project.best_model import BestModels
from core.project.interrupted_runs import interrupted_training
from core.project.run_start import prepare_run
from core.project.run_verdicts import RunVerdicts
from core.project.runs import best_miou
from core.runs import events
from core.runs.kind_lookup import find_kind
from core.runs.run_folder import RunFolder
from core.system.devices import DeviceInfo
from core.system.engine_devices import training_devices
from core.system.errors import InputError, ReadOnlyError
from core.system.messages import Message

_log = logging.getLogger(__name__)
_SHUTDOWN_WAIT_S = 45.0


class AppContext(QObject):
    """The window's state, without widgets.

    Run ids are ``str(RunRow.id)`` but in targets, which hold the number.

    Attributes:
        project: the open project or None.
        jobs: starts, pauses and stops the worker processes.
        devices: what can train here, the best first; empty until ``devices_changed``.
        store: the settings file; ``settings`` are its values.
        tasks: background work of the context itself.
        verdicts: what was said of the project's models.
        new_labels: gives them subsets.
        best_models: which training's model is taken unless another is chosen.
        board: shows curves in the browser.
        queue: what waits, and what an earlier window left.
        shown_job: the job at the window's lower edge.
        read_only_reason: why the open project is for reading only; None where nothing forced it.
        image_in_hand: id of the image that was last opened or chosen by hand and not taken up by
            another panel yet; None for none.
    """

    project_changed = Signal(object)
    """(Project | None): another project was opened, or it was closed."""
    dataset_changed = Signal()
    """Images, masks, labels or subsets of the project changed; emit it after changing them."""
    counts_changed = Signal(object)
    """(ImageCounts): images are being labelled; ``dataset_changed`` follows when that is done."""
    subsets_changed = Signal()
    """Images got other subsets while they are being labelled, and nothing else changed."""
    notice_requested = Signal(object)
    """(Notice): say it once in one line over the work."""
    runs_changed = Signal()
    """A run was added or removed, or the state of one changed."""
    run_started = Signal(str)
    """(run_id): a run that somebody asked for was created and handed to ``jobs``."""
    run_state_changed = Signal(str, str)
    """(run_id, state), states as in ``RunFolder.state``."""
    job_event = Signal(str, object)
    """(run_id, Event)."""
    navigate_requested = Signal(object)
    """(Target): show its panel, and there what it names."""
    import_requested = Signal()
    """The window should ask what to import."""
    search_wanted = Signal(str)
    """(text): the window should search for this, or for nothing."""
    devices_changed = Signal()
    """``devices`` is known."""
    error_occurred = Signal(object)
    """(Exception): something the user must be told; the panel in front shows it."""
    diagnosis_requested = Signal()
    """The window should ask where to save a diagnostic bundle."""

    def __init__(self, store: SettingsStore | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = store if store is not None else SettingsStore()
        self.project: Project | None = None
        self.devices: tuple[DeviceInfo, ...] = ()
        self.jobs = JobController(self)
        self.tasks = BackgroundTasks(self)
        self.verdicts = RunVerdicts()
        self.new_labels = NewLabels(lambda: self.project, self)
        self.best_models = BestModels(self.verdicts)
        self.board = CurveBoard(self)
        self.queue = JobQueue(lambda: self.project, self.jobs, start=self._start, parent=self)
        self.shown_job = ShownJob(
            runs=self.runs,
            find_run=self._row,
            jobs=self.jobs,
            queue=self.queue,
            verdicts=self.verdicts,
        )
        self._follow_ups = FollowUps(
            self.tasks, start=self._start_follow_up, hold=self.jobs.hold, parent=self
        )
        self.read_only_reason: Message | None = None
        self.image_in_hand: int | None = None
        self._refused: tuple[object, Mapping[str, Any]] | None = None
        self._then: Callable[[], None] | None = None
        self._connect_new_labels()
        self.jobs.job_event.connect(self._on_job_event)
        self.jobs.run_state_changed.connect(self._on_run_state_changed)
        self.jobs.active_changed.connect(self._on_active_changed)
        self.queue.run_state_changed.connect(self._on_run_state_changed)
        self.queue.changed.connect(self.runs_changed)

    @property
    def settings(self) -> Settings:
        """The preferences in use; call ``store.save()`` after changing them."""
        return self.store.settings

    def _connect_new_labels(self) -> None:
        parts = self.new_labels
        for changed in (self.project_changed, self.dataset_changed, self.counts_changed):
            changed.connect(parts.look)
        parts.subsets_changed.connect(self.subsets_changed)
        parts.counts_changed.connect(self.counts_changed)
        parts.notice_requested.connect(self.notice_requested)
        parts.failed.connect(self.error_occurred)

    # Projects

    def projects_dir(self) -> Path:
        """Where folder dialogs start."""
        return self.settings.projects_dir or Path.home()

    def images_dir(self) -> Path:
        """Where dialogs for images start: beside the last ones, else with the user's pictures."""
        pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        known = (self.settings.images_dir, Path(pictures) if pictures else None)
        return next((folder for folder in known if folder and folder.is_dir()), Path.home())

    def create_project(
        self, folder: Path, name: str, *, labels: Iterable[str] = (), background: bool = True
    ) -> None:
        """Create a project and open it in place of the current one; see ``Project.create``."""
        self._take_over(Project.create(folder, name, labels=labels, background=background))

    def open_project(self, folder: Path, *, read_only: bool = False) -> None:
        """Open the project in ``folder`` in place of the current one.

        Raises:
            ReadOnlyError: another window has it, or the disk refuses; ``read_only`` would do.
            InputError: it cannot be opened.
        """
        if self.project is not None and self.project.folder == folder.absolute():
            return
        self._take_over(Project.open(folder, read_only=read_only))

    def open_for_reading(self, error: ReadOnlyError, folder: Path) -> None:
        """Open a project that refused to be opened for writing with ``error``.

        Raises:
            InputError: as ``open_project``.
        """
        project = Project.open(folder, read_only=True)
        self.close_project()
        self.read_only_reason = error.why
        self._take_over(project)

    def open_for_writing(self) -> None:
        """Open the project that is open for reading again, for writing.

        Raises:
            ReadOnlyError: it still cannot be written; the project stays open for reading.
            InputError: it cannot be opened any more.
        """
        if self.project is not None and self.project.read_only:
            self._take_over(Project.open(self.project.folder))

    def close_project(self) -> None:
        """Close the project; its jobs must have ended (see ``stop_jobs``)."""
        old = self.project
        if old is None:
            return
        self.tasks.cancel_all()
        self.jobs.hold(False)  # what held it may have been cancelled
        self.new_labels.forget()
        self.project, self.read_only_reason = None, None
        self.shown_job.last, self._refused = None, None
        self.project_changed.emit(None)  # panels let go of it before it is closed
        self._close(old)

    def _take_over(self, project: Project) -> None:
        reason = self.read_only_reason if self.project is None and project.read_only else None
        self.close_project()
        self.project, self.read_only_reason = project, reason
        self._follow_ups.forget()
        self.settings.add_recent(project.folder)
        self.settings.projects_dir = project.folder.parent
        self.store.save()
        if not project.read_only:
            project.refresh_run_states()
        self._watch_others()
        self.project_changed.emit(project)
        self.runs_changed.emit()

    def _watch_others(self) -> None:
        """Follow runs that a worker of an earlier window still works on."""
        for run in self.runs():
            if run.state in ("running", "paused"):
                self.jobs.watch(str(run.id), run.folder)

    def _close(self, project: Project) -> None:
        self.new_labels.forget()  # what panels did on the way may have woken it
        self.tasks.cancel_and_wait()  # not for good: another project may follow
        self.board.close()
        for run_id in self.jobs.watched:
            self.jobs.unwatch(run_id)
        project.close()

    # Runs

    def start_run(
        self, fields: Mapping[str, Any], *, then: Callable[[str], None] | None = None
    ) -> None:
        """Freeze the dataset and start a job on it; ``run_started`` tells its id.

        ``fields`` are those of a job's spec including ``kind`` but without ``data_dir``, which
        becomes the revision's folder. Writing the revision happens in the background; errors
        arrive through ``error_occurred``. ``then`` is called with the id once it is queued.
        """
        project = self.project
        if project is None:
            raise RuntimeError("no project is open")
        wanted = dict(fields)

        def prepare(progress: Progress) -> RunRow:
            progress.check()
            return prepare_run(project, wanted)

        self.tasks.start(
            prepare,
            on_done=lambda row: self._on_run_prepared(project, row, then),
            on_failed=lambda error: self._on_run_refused(error, wanted),
        )

    def refused_fields(self, error: object) -> Mapping[str, Any] | None:
        """The fields of the run that could not be begun because of ``error``."""
        refused = self._refused
        return refused[1] if refused is not None and refused[0] is error else None

    def restart_run(self, run_id: str, changes: Mapping[str, Any] | None = None) -> None:
        """Start a new run that is asked for what another one was, on the data as they are now.

        A training goes on from the checkpoint that the other one left, if any.

        Args:
            run_id: the other one.
            changes: fields of its spec that are to be others.
        """
        row = self._row(run_id)
        if row is None:
            return
        folder = RunFolder(row.folder)
        try:
            fields = folder.spec.model_dump(exclude={"data_dir"})
        except InputError as error:
            self.error_occurred.emit(error)
            return
        if row.kind == "train" and folder.last_checkpoint is not None:
            fields["resume"] = folder.last_checkpoint
        self.start_run({**fields, **(changes or {})}, then=self.show_run)

    @Slot(str)
    def resume_run(self, run_id: str) -> None:
        """Go on with a paused run, or from the last checkpoint of one that ended early."""
        if self.jobs.resume(run_id):
            return
        row = self._row(run_id)
        if row is not None:
            self._start(row)

    def runs(self, kind: str | None = None) -> list[RunRow]:
        """The project's runs, newest first."""
        return [] if self.project is None else self.project.runs(kind)

    def run_name(self, run_id: str) -> str:
        """What people call the run."""
        row = self._row(run_id)
        return "" if row is None else row.name

    def run_folder(self, run_id: str) -> RunFolder | None:
        """The run's folder; a new reader for each caller."""
        row = self._row(run_id)
        return None if row is None else RunFolder(row.folder)

    def jobs_running(self) -> bool:
        """Whether a job of this window is at work or waits."""
        return bool(self.jobs.running or self.jobs.queued)

    def interrupted_training(self) -> RunRow | None:
        """The newest training that was interrupted, unless one was finished after it."""
        return interrupted_training(self.runs("train"))

    def was_asked_for(self, run_id: str) -> bool:
        """Whether somebody asked for a run; False: it followed another by itself."""
        return run_id not in self._follow_ups

    def stop_jobs(self, *, then: Callable[[], None]) -> None:
        """Stop all jobs, as interrupted, and call ``then`` when the last one has ended.

        Those that wait stay queued.
        """
        if not self.jobs_running():
            then()
            return
        self._then = then
        self.jobs.leave_all()

    def finish_jobs(self, *, then: Callable[[], None]) -> None:
        """Stop the jobs for good, those that wait stay queued; ``then`` as in ``stop_jobs``."""
        self._then = then
        self.jobs.begin_shutdown()

    def end_jobs_at_once(self) -> None:
        """Kill the jobs without letting them save; they can be resumed from what is saved."""
        self._then = None
        self.jobs.shutdown(0.0)

    # The rest

    def navigate(self, target: Target) -> None:
        """Bring the panel that shows ``target`` to the front and let it show it."""
        self.navigate_requested.emit(target)

    def show_run(self, run_id: str) -> None:
        """Bring the panel to the front that shows a run."""
        self.navigate(run_target(self.run_panel(run_id), int(run_id)))

    def run_panel(self, run_id: str) -> str:
        """Key of the panel that shows a run."""
        row = self._row(run_id)
        kind = None if row is None else find_kind(row.kind)
        return ShowTraining.panel if kind is None else kind.panel

    def find_devices(self) -> None:
        """Look for devices in the background; ``devices_changed`` follows."""
        self.tasks.start(
            lambda _progress: training_devices(),
            on_done=self._on_devices_found,
            on_failed=self.error_occurred.emit,
            key="devices",
        )

    def shut_down(self) -> None:
        """End jobs and background work, close the project; blocks until they have ended."""
        self.tasks.shut_down()
        self.new_labels.shut_down()
        self.board.shut_down()
        self.jobs.shutdown(_SHUTDOWN_WAIT_S)
        project, self.project = self.project, None
        if project is not None:
            if not project.read_only:
                project.refresh_run_states()
            project.close()
        self.store.save()

    def _row(self, run_id: str) -> RunRow | None:
        if self.project is None:
            return None
        try:
            return self.project.run(int(run_id))
        except KeyError:
            return None

    def _on_run_prepared(
        self, project: Project, run: RunRow, then: Callable[[str], None] | None
    ) -> None:
        if self.project is not project:
            return
        self._start(run)
        if then is not None:
            then(str(run.id))

    def _on_run_refused(self, error: Exception, fields: Mapping[str, Any]) -> None:
        self._refused = error, fields
        self.error_occurred.emit(error)

    def _start(self, run: RunRow) -> None:
        run_id = str(run.id)
        try:
            self.jobs.start(run_id, run.folder)
        except ValueError as error:
            self.error_occurred.emit(error)
            return
        self.shown_job.last = run_id
        self.queue.remember()
        self.run_started.emit(run_id)
        self.runs_changed.emit()

    def _start_follow_up(self, run: RunRow) -> None:
        try:
            self.jobs.start(str(run.id), run.folder, first=True)
        except ValueError:  # the window is being closed
            _log.warning("%s cannot be started any more", run.name)
            return
        self.queue.remember()
        self.runs_changed.emit()

    def _on_devices_found(self, devices: tuple[DeviceInfo, ...]) -> None:
        self.devices = devices
        self.devices_changed.emit()

    @Slot(str, object)
    def _on_job_event(self, run_id: str, event: events.Event) -> None:
        if self.project is not None:
            self.job_event.emit(run_id, event)

    @Slot(str, str)
    def _on_run_state_changed(self, run_id: str, state: RunState) -> None:
        row = self._row(run_id)
        if row is None or self.project is None:
            return
        if self.was_asked_for(run_id):
            self.shown_job.last = run_id
        if not self.project.read_only:
            best = None
            if state not in ("queued", "running", "paused"):
                best = best_miou(RunFolder(row.folder))
            self.project.set_run_state(row.id, state, best_miou=best)
        self.run_state_changed.emit(run_id, state)
        self.runs_changed.emit()
        if state == "done" and self._then is None:
            self._follow_ups.run_ended(self.project, row.id)

    @Slot()
    def _on_active_changed(self) -> None:
        if self._then is not None and not self.jobs_running():
            then, self._then = self._then, None
            then()
        self.runs_changed.emit()
