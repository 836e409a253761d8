"""The project as the window and the command line use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock

from core.errors import InputError
from core.images import Color
from core.project import images, labelling, labels, location, masks, revision, runs, undo
from core.project.data_folder import DataItem, export_folder
from core.project.database import Database
from core.project.importing import Incoming, ProgressCallback, take_over
from core.project.masks import LabelMap, MaskStore
from core.project.paths import PathResolver
from core.project.revision import Revision
from core.project.rows import (
    GarbageReport,
    ImageCounts,
    ImageQuery,
    ImageRow,
    ImportReport,
    LabelClass,
    MaskVersion,
    RunRow,
    RunState,
    State,
    Subset,
    UndoReport,
)
from core.project.store import Store
from core.project.undo import ImportInfo

_EVERYTHING = ImageQuery()
_TRAINED: tuple[Subset, ...] = ("train", "val")


class Project:
    """A folder with ``project.db``, ``masks/``, ``runs/`` and, for copied ones, ``images/``.

    All methods may be called from any thread. One process at a time has a project open for
    writing; any number may read it. Made by ``create`` or ``open``; a context manager.
    """

    def __init__(self, folder: Path, database: Database, lock: FileLock | None) -> None:
        moved = location.remember_move(database, folder)
        self._store = Store(
            folder, database, MaskStore(folder / "masks"), PathResolver(folder, moved)
        )
        self._database = database
        self._lock = lock

    @classmethod
    def create(
        cls, folder: Path | str, name: str | None = None, *, labels: Iterable[str] = ()
    ) -> Self:
        """Make a project in a new or empty folder and open it for writing.

        Args:
            folder: where to.
            name: what people call it; the folder's name by default.
            labels: class names, background first by convention; imports add theirs.

        Raises:
            InputError: the folder is not empty, a project already, or not writable.
        """
        path = location.absolute(folder)
        location.create_folder(path, {"name": (name or "").strip() or path.name})
        project = cls.open(path)
        try:
            for label in labels:
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
        path = location.absolute(folder)
        location.require_project(path)
        lock = None if read_only else location.lock_folder(path)
        try:
            return cls(path, location.open_database(path, read_only=read_only), lock)
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

    @property
    def folder(self) -> Path:
        """Absolute path of the project's folder."""
        return self._store.folder

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

    # Classes

    def labels(self) -> tuple[LabelClass, ...]:
        """Return the classes in the order of the list."""
        return labels.read_labels(self._database)

    def add_class(self, name: str, color: Color | None = None) -> LabelClass:
        """Append a class; raises ``InputError`` for an empty or taken name."""
        with self._database.transaction() as connection:
            return labels.add_class(connection, name, color)

    def rename_class(self, class_id: int, name: str) -> None:
        """Rename a class; raises ``InputError`` for an empty or taken name."""
        with self._database.transaction() as connection:
            labels.rename_class(connection, class_id, name)

    def recolor_class(self, class_id: int, color: Color) -> None:
        """Give a class another colour (red, green, blue; 0 … 255)."""
        with self._database.transaction() as connection:
            labels.recolor_class(connection, class_id, color)

    def order_classes(self, class_ids: Sequence[int]) -> None:
        """Change the order of the list; ids stay."""
        with self._database.transaction() as connection:
            labels.order_classes(connection, class_ids)

    # Images

    def images(
        self, query: ImageQuery = _EVERYTHING, *, limit: int | None = None, offset: int = 0
    ) -> list[ImageRow]:
        """Return a page of the images that a query finds, in its order."""
        return images.select(
            self._database, self._store.resolver, query, limit=limit, offset=offset
        )

    def image_ids(self, query: ImageQuery = _EVERYTHING) -> list[int]:
        """Return the ids of all images that a query finds, in its order."""
        return images.select_ids(self._database, query)

    def images_by_id(self, ids: Sequence[int]) -> list[ImageRow]:
        """Return the images with these ids, in their order; unknown ids are left out."""
        return images.select_by_ids(self._database, self._store.resolver, ids)

    def image(self, image_id: int) -> ImageRow:
        """Return one image; raises ``InputError`` if it was removed."""
        rows = self.images_by_id([image_id])
        if not rows:
            raise InputError("The image {id} is not in the project any more.", id=image_id)
        return rows[0]

    def find_image(self, path: Path | str) -> int | None:
        """Return the id of the image at ``path``, or that was copied from there."""
        return images.find(self._database, self._store.resolver.store(Path(path)))

    def counts(self, query: ImageQuery = _EVERYTHING) -> ImageCounts:
        """Count the images that a query finds, by subset and state."""
        return images.count(self._database, query)

    def class_counts(self, query: ImageQuery = _EVERYTHING) -> dict[int, int]:
        """Return in how many of the images each class id occurs (255: ignored pixels)."""
        return images.count_classes(self._database, query)

    def set_subset(self, ids: Iterable[int], subset: Subset) -> None:
        """Move images into a subset."""
        self._set(ids, "subset", subset)

    def set_state(self, ids: Iterable[int], state: State) -> None:
        """Change how far the labelling of images is."""
        self._set(ids, "state", state)

    def set_comment(self, image_id: int, comment: str) -> None:
        """Note something about an image."""
        self._set([image_id], "comment", comment)

    def set_flagged(self, ids: Iterable[int], flagged: bool) -> None:
        """Mark images, or unmark them."""
        self._set(ids, "flagged", int(flagged))

    def set_group(self, ids: Iterable[int], group: str | None) -> None:
        """Tie images together: a split keeps those of one group in one subset."""
        self._set(ids, "group_key", group)

    def set_scores(self, scores: Mapping[int, float | None]) -> None:
        """Remember the mIoU (0 … 1) of images by id; ``order="worst"`` sorts by it."""
        with self._database.transaction() as connection:
            images.update_each(connection, "score", scores)

    def add_images(
        self,
        paths: Iterable[Path | str],
        *,
        copy: bool = False,
        subset: Subset = "none",
        progress: ProgressCallback | None = None,
    ) -> ImportReport:
        """Add images without masks; undone like any import.

        Args:
            paths: image files.
            copy: copy them into the project's ``images/`` instead of using them where they are.
            subset: where they belong.
            progress: called with (done, total).
        """
        incoming = [Incoming(location.absolute(path), subset, _no_mask) for path in paths]
        source = str(incoming[0].image.parent) if incoming else ""
        return take_over(self._store, incoming, source=source, copy=copy, progress=progress)

    def remove_images(self, ids: Iterable[int]) -> None:
        """Take images off the list; image files, masks, revisions and runs stay."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM image WHERE id = ?", [(id_,) for id_ in ids])

    def _set(self, ids: Iterable[int], column: str, value: str | int | None) -> None:
        with self._database.transaction() as connection:
            images.update(connection, ids, column, value)

    # Imports

    def last_import(self) -> ImportInfo | None:
        """Return what ``undo_last_import`` would undo."""
        return undo.last_import(self._store)

    def undo_last_import(self) -> UndoReport | None:
        """Undo the newest import as one step; None if there is none.

        New images go, images that got a mask get back what they had, new classes go unless used.
        Images whose mask or comment was changed since stay as they are. Files stay.
        """
        return undo.undo_last_import(self._store)

    # Masks

    def label_map(self, image_id: int) -> LabelMap | None:
        """Return the mask (H, W) uint8 of class ids, 255 ignored; None where there is none.

        Raises:
            InputError: the image was removed, or the mask's file deleted from outside.
        """
        return labelling.label_map(self._store, image_id)

    def save_label_map(self, image_id: int, mask: LabelMap, *, state: State | None = None) -> str:
        """Save a mask; it survives whatever happens once this returns. The old one is kept.

        Args:
            image_id: whose mask.
            mask: uint8 (H, W) of class ids, 255 ignored; the image's size.
            state: how far the labelling is now; by default an unlabelled image becomes labelled
                and others keep their state.

        Returns:
            The mask's hash.

        Raises:
            InputError: another size than the image, a value that is no class, disk full.
        """
        return labelling.save_label_map(self._store, image_id, mask, state=state)

    def clear_label_map(self, image_id: int) -> None:
        """Leave an image without a mask; the old one stays in its history."""
        labelling.clear_label_map(self._store, image_id)

    def mask_history(self, image_id: int) -> list[MaskVersion]:
        """Return the earlier masks of an image, newest first; ``mask`` reads one."""
        return labelling.history(self._store, image_id)

    def mask(self, mask_hash: str) -> LabelMap:
        """Return a stored mask (H, W) uint8; raises ``InputError`` if its file is gone."""
        return self._store.masks.read(mask_hash)

    def mask_path(self, mask_hash: str) -> Path:
        """Return where a stored mask's PNG is."""
        return self._store.masks.path(mask_hash)

    def collect_garbage(self) -> GarbageReport:
        """Delete earlier versions of masks, except where a revision or an undo needs them."""
        store = self._store.masks
        with self._database.transaction() as connection:
            masks.forget_unused(connection, store.in_flight())
            known = {row[0] for row in connection.execute("SELECT hash FROM mask")}
        return store.remove_unless(known)

    # Revisions

    def create_revision(self, *, needed: Sequence[Subset] = _TRAINED) -> Revision:
        """Freeze the labelled and reviewed images that belong to a subset; drafts stay out.

        The same content gives the stored revision again.

        Raises:
            InputError: fewer than two classes, or a ``needed`` subset has no labelled image.
        """
        return revision.freeze(
            self._database, self._store.resolver, self._store.masks, self.labels(), needed=needed
        )

    def revision(self, revision_id: int) -> Revision:
        """Return a stored revision; raises ``KeyError``."""
        return revision.load(self._database, self._store.resolver, self._store.masks, revision_id)

    def export_paddlex(self, folder: Path | str) -> Path:
        """Copy all images that have a mask into a new or empty folder in PaddleX's SEG layout.

        Raises:
            InputError: the folder is not empty, or an image is gone.
        """
        items = [
            DataItem(row.path, self.mask_path(row.mask_hash), row.subset)
            for row in self.images()
            if row.mask_hash is not None
        ]
        return export_folder(location.absolute(folder), items, self.labels())

    # Runs

    def new_run(
        self,
        kind: str,
        model: str,
        *,
        revision: Revision | None = None,
        parent: int | None = None,
        name: str | None = None,
    ) -> RunRow:
        """Reserve a run and its folder, such as ``runs/0001-FastSCNN``; state ``queued``.

        Args:
            kind: the spec's kind, such as ``train``.
            model: the network's name.
            revision: what it learns from or is measured on.
            parent: the id of the run that it goes on from.
            name: what people call it; the folder's name by default.
        """
        return runs.add(
            self._database,
            self.folder,
            kind=kind,
            model=model,
            revision_id=None if revision is None else revision.id,
            parent_id=parent,
            name=name,
        )

    def runs(self, kind: str | None = None) -> list[RunRow]:
        """Return the runs, newest first."""
        return runs.select(self._database, self.folder, kind=kind)

    def run(self, run_id: int) -> RunRow:
        """Return one run; raises ``KeyError``."""
        return runs.get(self._database, self.folder, run_id)

    def find_run(self, folder: Path | str) -> RunRow | None:
        """Return the run whose folder this is."""
        return runs.find(self._database, self.folder, Path(folder))

    def rename_run(self, run_id: int, name: str) -> None:
        """Give a run another name; its folder keeps its own."""
        if not name.strip():
            raise InputError("A run needs a name.")
        with self._database.transaction() as connection:
            connection.execute("UPDATE run SET name = ? WHERE id = ?", (name.strip(), run_id))

    def set_run_state(
        self, run_id: int, state: RunState, *, best_miou: float | None = None
    ) -> None:
        """Remember a run's state, and its best mIoU (0 … 1) unless None."""
        with self._database.transaction() as connection:
            runs.set_state(connection, run_id, state, best_miou)

    def refresh_run_states(self) -> list[RunRow]:
        """Look at the folders of runs that were not over and remember their state.

        Returns:
            The runs whose state changed, such as those interrupted with the last window.
        """
        changed = []
        for run in runs.unfinished(self.runs()):
            state, best = runs.observe(run)
            if (state, best) != (run.state, run.best_miou):
                self.set_run_state(run.id, state, best_miou=best)
                changed.append(self.run(run.id))
        return changed

    def delete_runs(self, run_ids: Iterable[int]) -> list[Path]:
        """Take runs off the list and move their folders into the project's ``trash/``.

        Returns:
            Where the folders are now.

        Raises:
            InputError: one of them is still working.
        """
        return runs.delete(self._database, self.folder, [self.run(id_) for id_ in run_ids])


def _no_mask() -> LabelMap | None:
    return None
