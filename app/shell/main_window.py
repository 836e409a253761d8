"""The window: wires the bars, the panels and the context; computes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.look.icons import retint_icons
from app.look.theme import GRID, configure_plots, styled_at_once
from app.look.translation import tr
from app.panels.base import Panel
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
from app.shell.project_actions import ProjectActions
from app.shell.project_opening import ProjectOpening
from app.shell.start_page import StartPage
from app.shell.top_bar import TopBar
from app.shell.update_notice import UpdateNotice
from app.shell.window_place import place_window
from app.shell.work_area import WorkArea
from app.widgets import dialogs
from app.widgets.layout import line
from app.widgets.problem_bar import Problem
from app.widgets.problem_fixes import describe
from core.project import Project
from core.runs.events import Event, Failed
from core.system.errors import ReadOnlyError

_MINIMUM_SIZE = QSize(GRID * 120, GRID * 75)


class MainWindow(QMainWindow):
    """One window of the program.

    Attributes:
        context: project, jobs and settings; outlives the window when the language changes.
        intake: takes in what is dropped.
        projects: opens, makes and leaves them.
        project_actions: what the menu offers for the open one.
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
        self._work_area: WorkArea | None = None
        self.notice = UpdateNotice()
        self.job_strip = JobStrip()
        self._stack = QStackedWidget()
        self.start_page = StartPage(self.home)
        self._stack.addWidget(self.start_page)
        self.intake = Intake(self, context, self.holds_back)
        self.projects = ProjectOpening(
            self,
            context,
            start_page=self.start_page,
            intake=self.intake,
            holds_back=self.holds_back,
        )
        self._interrupted = InterruptedWork(context, self.home, self.projects.open_project, self)
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in (self.top_bar, self.notice, line(), self._stack, line(), self.job_strip):
            layout.addWidget(widget)
        layout.setStretchFactor(self._stack, 1)
        self.setCentralWidget(central)
        FocusKeeper(self, self.panel_in_front)
        self.help = HelpCenter(self, self)
        self.project_actions = ProjectActions(
            self, context, holds_back=self.holds_back, explain=self.help.explain
        )
        self._connect_top_bar()
        self._connect_projects()
        self._connect_context()
        self._connect_jobs()
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
        bar, projects, actions = self.top_bar, self.projects, self.project_actions
        bar.new_requested.connect(lambda: projects.show_new_project())
        bar.open_requested.connect(projects.ask_project)
        bar.recent_requested.connect(projects.open_project)
        bar.import_requested.connect(actions.import_images)
        bar.undo_import_requested.connect(actions.undo_import)
        bar.cleanup_requested.connect(actions.clean_up)
        bar.audit_requested.connect(actions.show_audit_trail)
        bar.close_requested.connect(projects.close_project)
        bar.quit_requested.connect(self.close)
        bar.search_changed.connect(self._on_search_changed)
        bar.search.returnPressed.connect(self._on_search_done)
        bar.theme_requested.connect(self.theme_requested)
        bar.language_requested.connect(self.language_requested)
        bar.settings_requested.connect(self._on_settings_requested)

    def _connect_projects(self) -> None:
        home, intake, projects = self.home, self.intake, self.projects
        projects.problem_found.connect(self.show_problem)
        projects.failed.connect(self.show_error)
        projects.recent_changed.connect(self._show_recent)
        home.new_requested.connect(lambda: projects.show_new_project())
        home.open_requested.connect(projects.ask_project)
        home.recent_requested.connect(projects.open_project)
        home.forget_requested.connect(projects.forget)
        home.demo_requested.connect(self.demo_requested)
        intake.project_wanted.connect(projects.open_project)
        intake.new_project_wanted.connect(projects.show_new_project)
        intake.import_wanted.connect(self.project_actions.show_import)

    def _connect_context(self) -> None:
        context = self.context
        context.project_changed.connect(self._show_project)
        context.navigate_requested.connect(self._on_navigate_requested)
        context.import_requested.connect(self.project_actions.import_images)
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
        self._show_recent()
        self.start_page.clear()
        if project is not None or self._work_area is not None:
            self.work_area.set_project(project)
        self.show_work(project is not None)
        if project is None:
            self.home.new_button.setFocus()
            self._interrupted.look()
        self._refresh_job()

    @Slot()
    def _show_recent(self) -> None:
        self.top_bar.set_recent(self.context.settings)
        self.home.set_recent(self.context.settings)

    @Slot()
    def _refresh_job(self) -> None:
        shown = self.context.shown_job.view()
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
        self.job_strip.set_waiting(len(self.context.jobs.queued))

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
    def _on_settings_requested(self) -> None:
        from app.shell.settings_dialog import SettingsDialog  # not before the window is up

        dialog = self.findChild(SettingsDialog)
        if dialog is None:  # it stays open beside the work, and once is enough
            dialog = SettingsDialog(self)
            self.help.explain(dialog)
            dialog.device_changed.connect(self.context.find_devices)
        dialog.show()
        dialog.activateWindow()

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
