"""The window: wires the bars, the panels and the context; computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import retint_icons
from app.look.theme import GRID, configure_plots, styled_at_once
from app.look.translation import tr, trn
from app.panels.base import Panel
from app.panels.data.import_dialog import ImportDialog
from app.services.context import AppContext
from app.services.notices import Notice
from app.services.targets import ShowDataset, ShowTraining, Target
from app.shell.closing_page import ClosingPage
from app.shell.focus_keeper import FocusKeeper
from app.shell.help_center import HelpCenter
from app.shell.home import HomePage
from app.shell.intake import Intake
from app.shell.interrupted_work import InterruptedWork
from app.shell.job_strip import JobStrip
from app.shell.log_dialog import LogDialog
from app.shell.new_project_dialog import NewProject, NewProjectDialog
from app.shell.start_page import StartPage
from app.shell.top_bar import TopBar
from app.shell.update_notice import UpdateNotice
from app.shell.window_place import place_window
from app.shell.work_area import WorkArea
from app.widgets import dialogs
from app.widgets.layout import line
from app.widgets.problem_bar import Fix, Problem
from app.widgets.problem_fixes import ask_folder, describe
from core.project import GarbageReport, Project
from core.project.project_folder import is_project
from core.runs.events import Event, Failed
from core.system.errors import ReadOnlyError

_MINIMUM_SIZE = QSize(GRID * 120, GRID * 75)


class MainWindow(QMainWindow):
    """One window of the program.

    Attributes:
        context: project, jobs and settings; outlives the window when the language changes.
        intake: takes in what is dropped.
        start_page: shown while no project is open.
        help: answers the help menu.
    """

    language_requested = Signal(str)
    theme_requested = Signal(str)
    demo_requested = Signal()

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.context = context
        self._closing_silently = False
        self._is_closing = False
        place_window(self, QSize(*context.settings.window_size), _MINIMUM_SIZE)
        self.top_bar = TopBar()
        self.home = HomePage(context.settings)
        self._interrupted = InterruptedWork(context, self.home, self.open_project, self)
        self._work_area: WorkArea | None = None
        self.notice = UpdateNotice()
        self.job_strip = JobStrip()
        self._stack = QStackedWidget()
        self.start_page = StartPage(self.home)
        self._stack.addWidget(self.start_page)
        self.intake = Intake(self, context, self.holds_back)
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in (self.top_bar, self.notice, line(), self._stack, line(), self.job_strip):
            layout.addWidget(widget)
        layout.setStretchFactor(self._stack, 1)
        self.setCentralWidget(central)
        self._connect_top_bar()
        self._connect_home()
        self._connect_intake()
        self._connect_context()
        self._connect_jobs()
        FocusKeeper(self, self.panel_in_front)
        self.help = HelpCenter(self, self)
        self.top_bar.set_recent(context.settings)
        self.top_bar.set_devices(context.devices)
        self.top_bar.renew_colors()
        self._show_project(context.project)
        self._refresh_job()

    @property
    def work_area(self) -> WorkArea:
        """Rail, panels and inspector; made when first needed, so that the start page is quick."""
        if self._work_area is None:
            from app.shell.steps import STEPS

            configure_plots()
            with styled_at_once():
                self._work_area = area = WorkArea(self.context, STEPS)
                self._stack.addWidget(area)
            area.banner.write_requested.connect(self._on_write_requested)
            self.context.dataset_changed.connect(area.refresh_status)
            self.context.runs_changed.connect(area.refresh_status)
            area.panel_changed.connect(self._on_panel_changed)
        return self._work_area

    def show_work(self, shown: bool) -> None:
        """Show the work area, or the start page."""
        self._stack.setCurrentWidget(self.work_area if shown else self.start_page)
        if not shown:
            self.home.new_button.setFocus()

    def panel_in_front(self) -> Panel | None:
        """Return the panel that is seen, None on the start page."""
        area = self._work_area
        return None if area is None or not area.isVisible() else area.current_panel

    def show_new_project(self, images: Sequence[Path] = ()) -> NewProjectDialog:
        """Ask for a new project, made of these files and folders if there are any."""
        dialog = NewProjectDialog(
            self.context.projects_dir(), self, images_folder=self.context.images_dir()
        )
        dialog.set_images(images)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.project_chosen.connect(self._on_project_chosen)
        dialog.open()
        return dialog

    def show_import(self, folder: Path | None = None) -> ImportDialog:
        """Ask what to import into the open project."""
        dialog = ImportDialog(self.context, self)
        self.help.explain(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        if folder is not None:
            dialog.set_folder(folder)
        return dialog

    def open_project(self, folder: Path, then: Callable[[], None] | None = None) -> None:
        """Open a project unless something of the current one stands in the way.

        Args:
            folder: the project's.
            then: called once it is open.
        """

        def open_it() -> None:
            if not is_project(folder):
                self._show_gone(folder)
                return
            self._open_project(folder)
            project = self.context.project
            if then is not None and project is not None and project.folder == folder.absolute():
                then()

        self._leave_project(open_it)

    def _open_project(self, folder: Path) -> None:
        with self._opening(folder.name):
            try:
                self.context.open_project(folder)
            except ReadOnlyError as error:  # the banner says it
                self.context.open_for_reading(error, folder)

    @contextmanager
    def _opening(self, name: str) -> Iterator[None]:
        """Say what keeps the window busy: with the first project, every panel is made."""
        QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        self.start_page.say_now(tr("Opening {name} …", name=name))
        try:
            yield
        finally:
            self.start_page.notice.clear()
            QGuiApplication.restoreOverrideCursor()

    def _show_gone(self, folder: Path) -> None:
        """Say that there is no project in a folder, which may have been moved."""

        def locate() -> None:
            found = ask_folder(self, tr("Where is {folder} now?", folder=folder.name), folder)
            if found is not None:
                self._on_forget_requested(folder)
                self.open_project(found)

        fixes = [Fix(tr("Locate the folder…"), locate, tr("Choose where the project is now"))]
        if folder in self.context.settings.recent_projects:
            fixes.append(Fix(tr("Remove from the list"), lambda: self._on_forget_requested(folder)))
        text = tr("There is no project in {folder} any more: it has no project.db.", folder=folder)
        self.show_problem(Problem(text, fixes=tuple(fixes)))

    def show_problem(self, problem: Problem) -> None:
        """Say what went wrong: in the panel concerned, or on the start page."""
        if self.context.project is None:
            self.start_page.problems.show_problem(problem)
        else:
            self.work_area.show_problem(problem)

    def show_error(self, error: BaseException) -> None:
        """Say what went wrong, with what can be done about it."""
        self.show_problem(describe(error, self.context, self))

    def tell(self, notice: Notice) -> None:
        """Say something in one line, whether or not a project is open."""
        if self.context.project is None:
            self.start_page.tell(notice)
        else:
            self.work_area.tell(notice)

    def holds_back(self, then: Callable[[], object]) -> bool:
        """Ask the panel in front whether to wait; see ``Panel.holds_back``."""
        return self._work_area is not None and self._work_area.holds_back(then)

    def close_silently(self) -> None:
        """Close without asking and without ending jobs: another window or nobody needs them."""
        self._closing_silently = True
        self.close()

    def shut_down(self) -> None:
        """End background work of dialogs and panels; idempotent."""
        for dialog in self.findChildren(QDialog):
            dialog.close()
        self.intake.shut_down()
        self.help.shut_down()
        self._remember_geometry()
        if self._work_area is not None:
            self._work_area.shut_down()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Ask before labels or a running job would be lost; stay in sight until all is saved."""
        if not self._closing_silently and self.holds_back(self.close):
            event.ignore()
            return
        if not self._closing_silently and self.context.jobs_running():
            event.ignore()
            if not self._is_closing and self._may_end_jobs():
                self._close_after_jobs()
            return
        self.shut_down()
        super().closeEvent(event)

    def renew_colors(self) -> None:
        """Draw in the current theme what neither palette nor style sheet reaches."""
        retint_icons(self)
        self.top_bar.renew_colors()
        self.job_strip.renew_colors()
        self.start_page.problems.renew_colors()
        if self._work_area is not None:
            self._work_area.renew_colors()

    def _connect_top_bar(self) -> None:
        bar = self.top_bar
        bar.new_requested.connect(lambda: self.show_new_project())
        bar.open_requested.connect(self._on_open_requested)
        bar.recent_requested.connect(self._on_recent_requested)
        bar.import_requested.connect(self._on_import_requested)
        bar.undo_import_requested.connect(self._on_undo_import_requested)
        bar.cleanup_requested.connect(self._on_cleanup_requested)
        bar.audit_requested.connect(self._on_audit_requested)
        bar.close_requested.connect(self._on_close_project)
        bar.quit_requested.connect(self.close)
        bar.search_changed.connect(self._on_search_changed)
        bar.search.returnPressed.connect(self._on_search_done)
        bar.theme_requested.connect(self.theme_requested)
        bar.language_requested.connect(self.language_requested)
        bar.settings_requested.connect(self._on_settings_requested)

    def _connect_home(self) -> None:
        self.home.new_requested.connect(lambda: self.show_new_project())
        self.home.open_requested.connect(self._on_open_requested)
        self.home.recent_requested.connect(self._on_recent_requested)
        self.home.forget_requested.connect(self._on_forget_requested)
        self.home.demo_requested.connect(self.demo_requested)

    def _connect_intake(self) -> None:
        self.intake.project_wanted.connect(self.open_project)
        self.intake.new_project_wanted.connect(self.show_new_project)
        self.intake.import_wanted.connect(self.show_import)

    def _connect_context(self) -> None:
        context = self.context
        context.project_changed.connect(self._show_project)
        context.navigate_requested.connect(self._on_navigate_requested)
        context.import_requested.connect(self._on_import_requested)
        context.search_wanted.connect(self.top_bar.search.setText)
        context.error_occurred.connect(self._on_error_occurred)
        context.devices_changed.connect(self._on_devices_changed)
        context.job_event.connect(self._on_job_event)
        context.run_state_changed.connect(self._on_run_state_changed)
        context.runs_changed.connect(self._refresh_job)
        context.dataset_changed.connect(self._offer_search)

    def _connect_jobs(self) -> None:
        strip = self.job_strip
        strip.pause_requested.connect(self.context.jobs.pause)
        strip.resume_requested.connect(self.context.resume_run)
        strip.stop_requested.connect(self.context.jobs.stop)
        strip.log_requested.connect(self._on_log_requested)
        strip.opened.connect(self._on_job_opened)
        self.context.jobs.stop_asked.connect(strip.show_stopping)

    @Slot(object)
    def _show_project(self, project: Project | None) -> None:
        name = "" if project is None else project.name
        if project is not None and project.read_only:
            name = tr("{name} (only for reading)", name=name)
        self.setWindowTitle(f"{name} – Maskwright" if name else "Maskwright")
        self.top_bar.set_project_name(name)
        self._offer_search()
        self.top_bar.set_recent(self.context.settings)
        self.home.set_recent(self.context.settings)
        self.start_page.clear()
        if project is not None or self._work_area is not None:
            self.work_area.set_project(project)
        self.show_work(project is not None)
        if project is None:
            self.home.new_button.setFocus()
            self._interrupted.look()
        self._refresh_job()

    @Slot()
    def _refresh_job(self) -> None:
        shown = self.context.job_to_show()
        if shown is None:
            self.job_strip.show_job(None)
        else:
            self.job_strip.show_job(
                shown.run_id,
                shown.name,
                shown.state,
                has_started=shown.has_started,
                miou=shown.miou,
                is_useless=shown.is_useless,
            )
            if shown.progress is not None:
                self.job_strip.add_event(shown.run_id, shown.progress)
        self.job_strip.set_waiting(self.context.waiting_jobs())

    @Slot(str, object)
    def _on_job_event(self, run_id: str, event: Event) -> None:
        self.job_strip.add_event(run_id, event)
        self.work_area.job_event(run_id, event)
        if isinstance(event, Failed):
            self._show_failure(run_id, event)

    def _show_failure(self, run_id: str, failed: Failed) -> None:
        """Say in the panel of its kind that a job failed; a training says so itself."""
        panel = self.context.run_panel(run_id)
        problem = replace(describe(failed, self.context, self, run_id=run_id), panel=panel)
        asked = self.context.was_asked_for(run_id)
        if panel != ShowTraining.panel:
            self.work_area.show_problem(problem, quietly=not asked)
        elif asked and self.work_area.current_panel.key != panel:
            self.work_area.tell(
                Notice(
                    f"{problem.name}: {problem.text}",
                    tr("Show"),
                    lambda: self.context.show_run(run_id),
                    passing=False,
                )
            )

    @Slot(str, str)
    def _on_run_state_changed(self, _run_id: str, _state: str) -> None:
        self._refresh_job()

    @Slot(str)
    def _on_log_requested(self, run_id: str) -> None:
        run = self.context.run_folder(run_id)
        if run is not None:
            LogDialog(run, self.context.run_name(run_id), self).show()

    @Slot(str)
    def _on_job_opened(self, run_id: str) -> None:
        self.context.show_run(run_id)

    @Slot(object)
    def _on_navigate_requested(self, target: Target) -> None:
        if self.context.project is not None:
            self.work_area.show_target(target)

    @Slot(str)
    def _on_panel_changed(self, _key: str) -> None:
        self.work_area.current_panel.search(self.top_bar.search.text())

    @Slot(str)
    def _on_search_changed(self, text: str) -> None:
        if self.context.project is None:
            return
        if text and not self.work_area.current_panel.searches:
            self.work_area.show_target(ShowDataset())
        self.work_area.current_panel.search(text)

    @Slot()
    def _on_search_done(self) -> None:
        if self.context.project is not None:
            self.work_area.current_panel.search_done()

    @Slot()
    def _offer_search(self) -> None:
        """There is nothing to find before there are images."""
        project = self.context.project
        self.top_bar.search.setEnabled(project is not None and bool(project.images(limit=1)))

    @Slot(object)
    def _on_error_occurred(self, error: BaseException | Failed) -> None:
        if isinstance(error, Failed):  # a job's, which its event tells
            return
        self.show_error(error)

    @Slot()
    def _on_write_requested(self) -> None:
        try:
            self.context.open_for_writing()
        except ReadOnlyError as error:
            self.work_area.banner.show_state(read_only=True, reason=error.why)
            self.tell(Notice(tr("It still can be opened for reading only.")))
        except Exception as error:
            self.show_error(error)

    @Slot(object)
    def _on_devices_changed(self) -> None:
        self.top_bar.set_devices(self.context.devices)

    @Slot()
    def _on_open_requested(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, tr("Open a project's folder"), str(self.context.projects_dir())
        )
        if folder:
            self.open_project(Path(folder))

    @Slot(object)
    def _on_recent_requested(self, folder: Path) -> None:
        self.open_project(folder)

    @Slot()
    def _on_import_requested(self) -> None:
        project = self.context.project
        if project is None or self.holds_back(self._on_import_requested):
            return
        if project.read_only:
            self.tell(Notice(tr("This project is open for reading only; nothing can be imported.")))
        else:
            self.show_import()

    @Slot()
    def _on_undo_import_requested(self) -> None:
        project = self.context.project
        info = None if project is None else project.last_import()
        if project is None or info is None or self.holds_back(self._on_undo_import_requested):
            return
        when = QLocale().toString(
            QDateTime.fromSecsSinceEpoch(int(info.created)), QLocale.FormatType.ShortFormat
        )
        if dialogs.ask(
            self,
            tr("Undo the import of {source} ({when})?", source=info.source, when=when),
            details=tr("Images changed since then stay; no image file is deleted."),
            yes=tr("Undo the import"),
            no=tr("Keep it"),
            dangerous=True,
        ):
            self.context.tasks.start(
                lambda _progress: project.undo_last_import(),
                on_done=lambda _report: self.context.dataset_changed.emit(),
                on_failed=self.context.error_occurred.emit,
            )

    @Slot()
    def _on_cleanup_requested(self) -> None:
        project = self.context.project
        if project is not None and dialogs.ask(
            self,
            tr("Remove earlier versions of masks, and deleted runs?"),
            details=tr(
                "Masks as they are now stay, and those that runs or the undo of an import need. "
                "Deleted runs cannot be brought back any more. This frees space on the disk and "
                "cannot be undone."
            ),
            yes=tr("Remove"),
            no=tr("Keep them"),
            dangerous=True,
        ):
            self.context.tasks.start(
                lambda _progress: project.collect_garbage(),
                on_done=self._on_cleaned_up,
                on_failed=self.context.error_occurred.emit,
            )

    def _on_cleaned_up(self, report: GarbageReport) -> None:
        self.tell(
            Notice(
                trn(
                    "{count} file was removed ({size}).",
                    "{count} files were removed ({size}).",
                    report.files,
                    size=QLocale().formattedDataSize(report.size),
                )
            )
        )

    @Slot(object)
    def _on_forget_requested(self, folder: Path) -> None:
        self.context.settings.remove_recent(folder)
        self.context.store.save()
        self.home.set_recent(self.context.settings)
        self.top_bar.set_recent(self.context.settings)

    @Slot(object)
    def _on_project_chosen(self, chosen: NewProject) -> None:
        def create() -> None:
            if chosen.images:
                self.context.settings.images_dir = chosen.images[0].parent  # saved on opening
            with self._opening(chosen.name):
                self.context.create_project(
                    chosen.folder,
                    chosen.name,
                    labels=chosen.labels,
                    background=chosen.background,
                )
            self.intake.add(chosen.images, first=True)

        self._leave_project(create)

    @Slot()
    def _on_audit_requested(self) -> None:
        from app.shell.audit_dialog import AuditDialog  # not before the window is up

        project = self.context.project
        if project is not None:
            dialog = AuditDialog(project.trail, project.folder, self)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()

    @Slot()
    def _on_close_project(self) -> None:
        self._leave_project(self.context.close_project)

    @Slot()
    def _on_settings_requested(self) -> None:
        from app.shell.settings_dialog import SettingsDialog  # not before the window is up

        dialog = self.findChild(SettingsDialog)
        if dialog is None:  # it stays open beside the work, and once is enough
            dialog = SettingsDialog(self)
            self.help.explain(dialog)
            dialog.device_changed.connect(self.context.find_devices)
        dialog.show()
        dialog.activateWindow()

    def _leave_project(self, action: Callable[[], None]) -> None:
        """Run ``action``, which leaves the project, once its labels and jobs are safe."""
        if self.holds_back(lambda: self._leave_project(action)):
            return
        if self.context.jobs_running() and not dialogs.ask(
            self,
            tr("A job of this project is running."),
            details=tr("Leaving stops it; you can resume it from its last checkpoint."),
            yes=tr("Stop and leave"),
            no=tr("Stay"),
            dangerous=True,
        ):
            return

        def leave() -> None:
            try:
                action()
            except Exception as error:
                self._on_error_occurred(error)

        self.context.stop_jobs(then=leave)

    def _close_after_jobs(self) -> None:
        """Stop the jobs and close when the last one has saved, or when told not to wait."""
        self._is_closing = True
        page = ClosingPage()
        page.hurried.connect(self._on_hurried)
        self._stack.addWidget(page)
        self._stack.setCurrentWidget(page)
        self.top_bar.setEnabled(False)
        self.job_strip.setEnabled(False)
        self.context.finish_jobs(then=self.close_silently)

    @Slot()
    def _on_hurried(self) -> None:
        self.context.end_jobs_at_once()
        self.close_silently()

    def _may_end_jobs(self) -> bool:
        return dialogs.ask(
            self,
            tr("A job is running."),
            details=tr("Closing the window stops it; it can be resumed next time."),
            yes=tr("Stop and close"),
            no=tr("Keep the window"),
            dangerous=True,
        )

    def _remember_geometry(self) -> None:
        settings = self.context.settings
        settings.window_maximized = self.isMaximized()
        if not self.isMaximized():
            settings.window_size = (self.width(), self.height())
        if self._work_area is not None and self._work_area.isVisible():
            settings.inspector_width = self._work_area.inspector_width()
        self.context.store.save()
