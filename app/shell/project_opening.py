"""Making, finding, opening and leaving projects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.look.translation import tr
from app.services.context import AppContext
from app.shell.intake import Intake
from app.shell.new_project_dialog import NewProject, NewProjectDialog
from app.shell.start_page import StartPage
from app.widgets import dialogs
from app.widgets.problem_bar import Fix, Problem
from app.widgets.problem_fixes import ask_folder
from core.project.project_folder import is_project
from core.system.errors import ReadOnlyError


class ProjectOpening(QObject):
    """Opens another project once the labels and jobs of the open one are safe.

    Args:
        window: parent of the dialogs.
        context: the projects and the jobs.
        start_page: says what keeps the window busy.
        intake: takes in what a new project is made of.
        holds_back: asks the panel in front whether to wait; see ``Panel.holds_back``.
    """

    problem_found = Signal(object)
    """(Problem): there is no project where one was."""
    failed = Signal(object)
    """(Exception): a project could not be opened, made or left."""
    recent_changed = Signal()
    """A project was taken off the list of recent ones."""

    def __init__(
        self,
        window: QWidget,
        context: AppContext,
        *,
        start_page: StartPage,
        intake: Intake,
        holds_back: Callable[[Callable[[], object]], bool],
    ) -> None:
        super().__init__(window)
        self._window, self._context = window, context
        self._start_page, self._intake = start_page, intake
        self._holds_back = holds_back

    def show_new_project(self, images: Sequence[Path] = ()) -> NewProjectDialog:
        """Ask for a new project, made of these files and folders if there are any."""
        dialog = NewProjectDialog(
            self._context.projects_dir(), self._window, images_folder=self._context.images_dir()
        )
        dialog.set_images(images)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.project_chosen.connect(self._on_project_chosen)
        dialog.open()
        return dialog

    @Slot()
    def ask_project(self) -> None:
        """Ask which project to open."""
        folder = QFileDialog.getExistingDirectory(
            self._window, tr("Open a project's folder"), str(self._context.projects_dir())
        )
        if folder:
            self.open_project(Path(folder))

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
            project = self._context.project
            if then is not None and project is not None and project.folder == folder.absolute():
                then()

        self._leave_project(open_it)

    @Slot()
    def close_project(self) -> None:
        """Go back to the start page."""
        self._leave_project(self._context.close_project)

    @Slot(object)
    def forget(self, folder: Path) -> None:
        """Take a project off the list of recent ones."""
        self._context.settings.remove_recent(folder)
        self._context.store.save()
        self.recent_changed.emit()

    def _open_project(self, folder: Path) -> None:
        with self._opening(folder.name):
            try:
                self._context.open_project(folder)
            except ReadOnlyError as error:  # the banner says it
                self._context.open_for_reading(error, folder)

    @contextmanager
    def _opening(self, name: str) -> Iterator[None]:
        """Say what keeps the window busy: with the first project, every panel is made."""
        QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        self._start_page.say_now(tr("Opening {name} …", name=name))
        try:
            yield
        finally:
            self._start_page.notice.clear()
            QGuiApplication.restoreOverrideCursor()

    def _show_gone(self, folder: Path) -> None:
        """Say that there is no project in a folder, which may have been moved."""

        def locate() -> None:
            found = ask_folder(
                self._window, tr("Where is {folder} now?", folder=folder.name), folder
            )
            if found is not None:
                self.forget(folder)
                self.open_project(found)

        fixes = [Fix(tr("Locate the folder…"), locate, tr("Choose where the project is now"))]
        if folder in self._context.settings.recent_projects:
            fixes.append(Fix(tr("Remove from the list"), lambda: self.forget(folder)))
        text = tr("There is no project in {folder} any more: it has no project.db.", folder=folder)
        self.problem_found.emit(Problem(text, fixes=tuple(fixes)))

    @Slot(object)
    def _on_project_chosen(self, chosen: NewProject) -> None:
        def create() -> None:
            if chosen.images:
                self._context.settings.images_dir = chosen.images[0].parent  # saved on opening
            with self._opening(chosen.name):
                self._context.create_project(
                    chosen.folder,
                    chosen.name,
                    labels=chosen.labels,
                    background=chosen.background,
                )
            self._intake.add(chosen.images, first=True)

        self._leave_project(create)

    def _leave_project(self, action: Callable[[], None]) -> None:
        """Run ``action``, which leaves the project, once its labels and jobs are safe."""
        if self._holds_back(lambda: self._leave_project(action)):
            return
        if self._context.jobs_running() and not dialogs.ask(
            self._window,
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
                self.failed.emit(error)

        self._context.stop_jobs(then=leave)
