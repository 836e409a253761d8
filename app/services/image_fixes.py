"""What can be done about images that are gone or cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.look.translation import tr, trn
from app.services.notices import Notice

if TYPE_CHECKING:
    from app.services.context import AppContext
    from core.project import ImageSubset, Project
    from core.project.relocation import Relocation


class ImageFixes:
    """Changes the open project; what was done is told in one line, with the way back.

    Args:
        context: the project, and who is told.
    """

    def __init__(self, context: AppContext) -> None:
        self._context = context

    def leave_out(self, files: Sequence[Path], then: Callable[[], object] | None = None) -> None:
        """Take images out of all subsets, so that no job reads them.

        Args:
            files: of the images; others are no concern of the project.
            then: called once it is done.
        """
        project = self._context.project
        if project is None:
            return
        wanted = set(files)

        def work() -> dict[int, ImageSubset]:
            found = {row.id: row.subset for row in project.images() if row.path in wanted}
            project.set_subset(found, "none")
            return found

        def done(before: dict[int, ImageSubset]) -> None:
            self._changed(
                project,
                trn("{count} image is left out.", "{count} images are left out.", len(before)),
                undo=lambda: _put_back(project, before),
            )
            if then is not None:
                then()

        self._context.tasks.start(
            lambda _progress: work(), on_done=done, on_failed=self._context.error_occurred.emit
        )

    def locate(self, folder: Path, then: Callable[[], object] | None = None) -> None:
        """Look for all images that are gone in a folder.

        Args:
            folder: where they are now, or above it.
            then: called if none is missing any more.
        """
        project = self._context.project
        if project is None:
            return

        def done(result: Relocation) -> None:
            self._changed(project, _told(result, folder), passing=not result.missing)
            if then is not None and result.found and not result.missing:
                then()

        self._context.tasks.start(
            lambda progress: project.relocate_images(folder, check=progress.check),
            on_done=done,
            on_failed=self._context.error_occurred.emit,
            key="locate",
        )

    def remove(self, ids: Sequence[int]) -> None:
        """Take images off the project's list, with the way back."""
        project = self._context.project
        if project is None:
            return
        try:
            removed = project.remove_images(ids)
        except Exception as error:
            self._context.error_occurred.emit(error)
            return
        self._changed(
            project,
            trn(
                "{count} image was removed from the project.",
                "{count} images were removed from the project.",
                removed.count,
            ),
            undo=lambda: project.restore_images(removed),
        )

    def _changed(
        self,
        project: Project,
        text: str,
        *,
        undo: Callable[[], object] | None = None,
        passing: bool = True,
    ) -> None:
        def take_back() -> None:
            if undo is None or project is not self._context.project:
                return
            try:
                undo()
            except Exception as error:
                self._context.error_occurred.emit(error)
                return
            self._context.dataset_changed.emit()

        self._context.dataset_changed.emit()
        self._context.notice_requested.emit(
            Notice(text, tr("Undo") if undo else "", take_back, passing=passing)
        )


def _put_back(project: Project, before: dict[int, ImageSubset]) -> None:
    for subset in set(before.values()):
        project.set_subset([id_ for id_, was in before.items() if was == subset], subset)


def _told(result: Relocation, folder: Path) -> str:
    if not result.found:
        return tr("None of the missing images is in {folder}.", folder=folder)
    found = trn("{count} image was found.", "{count} images were found.", result.found)
    if not result.missing:
        return found
    left = trn("{count} is still missing.", "{count} are still missing.", len(result.missing))
    return f"{found} {left}"
