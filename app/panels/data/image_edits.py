"""What the Dataset panel changes in the project: subsets, notes, the list of images."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QObject, Slot

from app.panels.data.dataset_inspector import DatasetInspector
from app.panels.data.split_box import SplitChoice
from app.panels.data.thumbnail_grid import ThumbnailGrid
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.image_fixes import ImageFixes
from app.services.targets import LabelImage
from core.project import ImageSubset, Project


class DatasetEdits(QObject):
    """Carries out what is chosen in the inspector, for the images selected in the grid."""

    def __init__(
        self,
        context: AppContext,
        grid: ThumbnailGrid,
        inspector: DatasetInspector,
        tasks: BackgroundTasks,
    ) -> None:
        super().__init__(grid)
        self._context = context
        self._grid = grid
        self._tasks = tasks
        self._inspector = inspector
        facts = inspector.facts
        facts.subset_chosen.connect(self._on_subset_chosen)
        facts.comment_edited.connect(self._on_comment_edited)
        facts.flag_changed.connect(self._on_flag_changed)
        facts.label_requested.connect(self._on_label_requested)
        facts.remove_requested.connect(self._on_remove_requested)
        inspector.split.split_requested.connect(self._on_split_requested)

    @Slot()
    def split_anew(self) -> None:
        """Divide the images as the split box has it."""
        self._on_split_requested(self._inspector.split.choice())

    @Slot(object)
    def _on_split_requested(self, choice: SplitChoice) -> None:
        project = self._context.project
        if project is None:
            return
        kept: tuple[ImageSubset, ...] = ("test",) if choice.keep_test else ()
        self._tasks.start(
            lambda progress: project.split(
                val=choice.val,
                test=choice.test,
                group=choice.group,
                keep=kept,
                find_groups=True,
                check=progress.check,
            ),
            on_done=self._context.new_labels.tell,
            on_failed=self._context.error_occurred.emit,
            key="split",
        )

    @Slot(str)
    def _on_subset_chosen(self, subset: str) -> None:
        ids = self._grid.selected_ids()
        self._change(lambda project: project.set_subset(ids, cast("ImageSubset", subset)))

    @Slot(bool)
    def _on_flag_changed(self, flagged: bool) -> None:
        ids = self._grid.selected_ids()
        self._change(lambda project: project.set_flagged(ids, flagged))

    @Slot(int, str)
    def _on_comment_edited(self, image_id: int, comment: str) -> None:
        self._change(lambda project: project.set_comment(image_id, comment))

    @Slot()
    def _on_label_requested(self) -> None:
        row = self._grid.current_row()
        if row is not None:
            self._context.navigate(LabelImage(row.id))

    @Slot()
    def _on_remove_requested(self) -> None:
        ids = self._grid.selected_ids()
        if ids:
            ImageFixes(self._context).remove(ids)
            self._grid.images.refresh()

    def _change(self, change: Callable[[Project], None]) -> None:
        project = self._context.project
        if project is None:
            return
        try:
            change(project)
        except Exception as error:
            self._context.error_occurred.emit(error)
            return
        self._grid.images.refresh()
        self._context.dataset_changed.emit()
