"""The large view of one image in the Dataset panel: which image, read in the background."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from app.look.translation import tr
from app.panels.data.project_queries import MOST_PIXELS, OpenedImage, open_image
from app.panels.data.thumbnail_grid import ThumbnailGrid
from app.panels.data.viewer_page import ViewerPage
from app.services.background import BackgroundTasks
from core.project import ImageRow, Project

_TASK = "image"


class LargeView(QObject):
    """Connects the grid with the page that shows one of its images."""

    opened = Signal()
    """An image was asked for; the page should be in front."""
    closed = Signal()
    """The user is done with it."""
    failed = Signal(object)
    """(Exception)."""

    def __init__(
        self, page: ViewerPage, grid: ThumbnailGrid, tasks: BackgroundTasks, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._page = page
        self._grid = grid
        self._tasks = tasks
        self._project: Project | None = None
        self._shown: int | None = None
        grid.opened.connect(self.open)
        page.viewer.closed.connect(self._on_closed)
        page.viewer.step_requested.connect(self._on_step_requested)

    def set_project(self, project: Project | None) -> None:
        """Show images of this project."""
        self._project = project
        self._shown = None
        self._page.viewer.clear()

    def refresh(self) -> None:
        """Read the image that is shown again: its mask was changed elsewhere, or it is gone."""
        project, shown = self._project, self._shown
        if project is None or shown is None:
            return
        row = next(iter(project.images_by_id([shown])), None)
        if row is None:
            self._page.viewer.closed.emit()
        else:
            self._read(row, fit=False)

    @Slot(int)
    def open(self, image_id: int) -> None:
        """Show an image as soon as it is read."""
        project = self._project
        if project is None:
            return
        self._grid.select_image(image_id)
        try:
            row = project.image(image_id)
        except Exception as error:
            self.failed.emit(error)
            return
        self._page.name.setText(row.name)
        if row.width * row.height > MOST_PIXELS:  # takes seconds
            self._page.name.setText(tr("{name} · loading …", name=row.name))
            self._page.viewer.clear()
        self._shown = image_id
        self.opened.emit()
        self._page.viewer.setFocus()
        self._read(row, fit=True)

    def _read(self, row: ImageRow, *, fit: bool) -> None:
        assert self._project is not None
        self._tasks.start(
            open_image(self._project, row),
            on_done=lambda opened: self._on_image_read(opened, fit=fit),
            on_failed=self._on_image_failed,
            key=_TASK,
        )

    @Slot()
    def open_current(self) -> None:
        """Show the image chosen in the grid."""
        row = self._grid.current_row()
        if row is not None:
            self.open(row.id)

    def _on_image_read(self, opened: OpenedImage, *, fit: bool) -> None:
        name, halved = opened.row.name, opened.size[0] > opened.bgr.shape[1]
        if halved:
            part = round(opened.size[0] / opened.bgr.shape[1])
            name = tr("{name} · shown at 1/{part} of its size", name=name, part=part)
        self._page.name.setText(name)
        self._page.viewer.show_image(opened.bgr, opened.label_map, size=opened.size, fit=fit)

    def _on_image_failed(self, error: Exception) -> None:
        row = self._grid.current_row()
        self._page.name.setText("" if row is None else row.name)
        self._page.viewer.clear()
        self.failed.emit(error)

    @Slot(int)
    def _on_step_requested(self, step: int) -> None:
        row = self._grid.images.row(self._grid.currentIndex().row() + step)
        if row is not None:
            self.open(row.id)

    @Slot()
    def _on_closed(self) -> None:
        self._shown = None
        self._tasks.cancel(_TASK)
        self.closed.emit()
