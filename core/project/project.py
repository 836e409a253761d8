"""The project as the window and the command line use it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock

from core.project import project_folder
from core.project.audit_trail import FILE_NAME, AuditTrail
from core.project.class_table import with_background
from core.project.data_exchange import DataExchange
from core.project.database import Database
from core.project.defect_book import DefectBook
from core.project.deleted_runs import empty_trash
from core.project.labelled_images import LabelledImages
from core.project.mask_store import MaskStore
from core.project.paths import PathResolver
from core.project.rows import GarbageReport
from core.project.runs import ProjectRuns
from core.project.storage import Storage
from core.system.errors import InputError
from core.system.messages import message


class Project(LabelledImages, DataExchange, ProjectRuns):
    """A folder with ``project.db``, ``masks/``, ``runs/`` and, for copied ones, ``images/``.

    All methods may be called from any thread. One process at a time has a project open for
    writing; any number may read it. Made by ``create`` or ``open``; a context manager.
    """

    def __init__(self, folder: Path, database: Database, lock: FileLock | None) -> None:
        moved = project_folder.remember_move(database, folder)
        self._storage = Storage(
            folder,
            database,
            MaskStore(folder / "masks"),
            PathResolver(folder, moved),
            AuditTrail(folder / FILE_NAME, writable=lock is not None),
        )
        self._lock = lock

    @classmethod
    def create(
        cls,
        folder: Path | str,
        name: str | None = None,
        *,
        labels: Iterable[str] = (),
        background: bool = True,
    ) -> Self:
        """Make a project in a new or empty folder and open it for writing.

        Args:
            folder: where to.
            name: what people call it; the folder's name by default.
            labels: class names; imports add theirs.
            background: class 0 is the background, which is added where ``labels`` has others only;
                False: every pixel belongs to one of ``labels``, the first of which is class 0.

        Raises:
            InputError: the folder is not empty, a project already, or not writable.
        """
        path = project_folder.absolute(folder)
        names = list(labels)
        if names and background:
            names = with_background(names)
        project_folder.create_folder(path, {"name": (name or "").strip() or path.name})
        project = cls.open(path)
        project.trail.note(message("The project was made."))
        try:
            for label in names:
                project.add_class(label)
        except BaseException:
            project.close()
            raise
        return project

    @classmethod
    def open(cls, folder: Path | str, *, read_only: bool = False) -> Self:
        """Open a project; nothing but the project file is touched, however many images it has.

        Raises:
            InputError: no project, damaged, from a newer version, or (for writing) open in another
                window.
        """
        path = project_folder.absolute(folder)
        project_folder.require_project(path)
        lock = None if read_only else project_folder.lock_folder(path)
        try:
            return cls(path, project_folder.open_database(path, read_only=read_only), lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def close(self) -> None:
        """Close the project; other threads must be done with it."""
        self._database.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def collect_garbage(self) -> GarbageReport:
        """Delete earlier masks that nothing needs, runs in the trash, deleted examples."""
        runs = empty_trash(self._storage)  # first: their revisions may have held masks
        masks = super().collect_garbage()
        files, size = DefectBook(self.folder).remove_unused()
        return GarbageReport(masks.files + runs.files + files, masks.size + runs.size + size)

    @property
    def read_only(self) -> bool:
        """Whether every change is refused."""
        return self._database.read_only

    @property
    def name(self) -> str:
        """What people call the project."""
        return str(self._database.value("SELECT value FROM setting WHERE key = 'name'"))

    def rename(self, name: str) -> None:
        """Change the project's name; the folder keeps its own."""
        if not name.strip():
            raise InputError("A project needs a name.")
        with self._database.transaction() as connection:
            connection.execute("UPDATE setting SET value = ? WHERE key = 'name'", (name.strip(),))
