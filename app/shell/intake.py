"""Takes images in that were dropped onto the window, or that a new project is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from app.look.translation import tr, trn
from app.services.background import BackgroundTasks, Progress
from app.services.context import AppContext
from app.services.notices import Notice
from app.services.targets import LabelImage
from app.widgets.file_drops import DropHint, FileDrops
from core.data.found_data import FoundData, find_data
from core.project import ImportReport, Project
from core.project.project_folder import is_project


class Intake(QObject):
    """Images go into the open project at once; labels are shown before they are taken over."""

    project_wanted = Signal(object)
    """(Path): open this project."""
    new_project_wanted = Signal(object)
    """(list of Path): ask for a project to be made of them."""
    import_wanted = Signal(object)
    """(Path): show what an import of it would bring in."""

    def __init__(
        self,
        window: QWidget,
        context: AppContext,
        holds_back: Callable[[Callable[[], object]], bool],
    ) -> None:
        super().__init__(window)
        self._context = context
        self._holds_back = holds_back
        self._tasks = BackgroundTasks(self)
        self._hint = DropHint(window)
        context.project_changed.connect(self._on_project_changed)
        drops = FileDrops(window)
        drops.entered.connect(self._on_entered)
        drops.left.connect(self._hint.hide)
        drops.dropped.connect(self.take)

    @property
    def busy(self) -> bool:
        """Whether images are being taken in."""
        return self._tasks.busy

    @Slot(object)
    def take(self, paths: Sequence[Path]) -> None:
        """Open a project, add images to the one that is open, or make one of them."""
        project_folders = [folder for path in paths if (folder := _project_of(path)) is not None]
        project = self._context.project
        if project_folders:
            self.project_wanted.emit(project_folders[0])
        elif project is None:
            self.new_project_wanted.emit(paths)
        elif project.read_only:
            self._context.notice_requested.emit(
                Notice(tr("The project is open for reading only; images cannot be added."))
            )
        elif not self._holds_back(lambda: self.take(paths)):
            self.add(paths)

    def add(self, paths: Sequence[Path], *, first: bool = False) -> None:
        """Look at files and folders and add what they hold to the open project.

        Args:
            paths: what was dropped or chosen.
            first: the project is new; go on to what comes next.
        """
        project = self._context.project
        if project is None or not paths:
            return
        self._tell(tr("Looking at the images …"), passing=False)

        def work(progress: Progress) -> tuple[FoundData, ImportReport | None]:
            found = find_data(paths, check=progress.check)
            if not found.images:
                return found, None
            return found, project.add_images(
                found.images, progress=lambda _done, _total: progress.check()
            )

        self._tasks.start(
            work,
            on_done=lambda result: self._on_added(project, *result, first=first),
            on_failed=self._on_failed,
        )

    def shut_down(self) -> None:
        """Cancel and wait, for good."""
        self._tasks.shut_down()

    def _on_added(
        self, project: Project, found: FoundData, report: ImportReport | None, *, first: bool
    ) -> None:
        if project is not self._context.project:
            return
        added = 0 if report is None else report.added
        if added:
            self._context.dataset_changed.emit()
        if report is not None:
            self._tell_added(project, report)
        elif found.left and not found.labelled:
            self._tell(tr("There is no image in {place}.", place=found.left[0].name))
        else:
            self._tell("")
        if found.labelled:
            self.import_wanted.emit(found.labelled[0])
        elif first and added:
            self._context.navigate(LabelImage())

    def _tell_added(self, project: Project, report: ImportReport) -> None:
        parts = []
        if report.added:
            parts.append(trn("{count} image added.", "{count} images added.", report.added))
        if report.unchanged:
            parts.append(
                trn("{count} was there already.", "{count} were there already.", report.unchanged)
            )
        if report.lost:
            parts.append(
                trn("{count} could not be read.", "{count} could not be read.", len(report.lost))
            )
        undo = report.added > 0
        self._context.notice_requested.emit(
            Notice(
                " ".join(parts),
                tr("Undo") if undo else "",
                (lambda: self._undo(project)) if undo else None,
            )
        )

    def _undo(self, project: Project) -> None:
        if project is not self._context.project or self._holds_back(lambda: self._undo(project)):
            return
        self._tasks.start(
            lambda _progress: project.undo_last_import(),
            on_done=lambda _report: self._context.dataset_changed.emit(),
            on_failed=self._context.error_occurred.emit,
        )

    def _on_failed(self, error: Exception) -> None:
        self._tell("")
        self._context.error_occurred.emit(error)

    def _tell(self, text: str, *, passing: bool = True) -> None:
        self._context.notice_requested.emit(Notice(text, passing=passing))

    @Slot()
    def _on_project_changed(self) -> None:
        """The project is about to be closed."""
        self._tasks.cancel_and_wait()

    @Slot()
    def _on_entered(self) -> None:
        if self._context.project is None:
            self._hint.say(tr("Drop images to make a project of them, or a project to open it"))
        else:
            self._hint.say(tr("Drop images to add them to the project"))


def _project_of(path: Path) -> Path | None:
    """Return the project that a folder is, or that a file ``project.db`` belongs to."""
    folder = path.parent if path.name == "project.db" else path
    return folder if folder.is_dir() and is_project(folder) else None
