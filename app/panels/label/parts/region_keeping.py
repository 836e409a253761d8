"""Where labels count: shown on the canvas, drawn on a page of its own, kept in the project."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.look.translation import tr
from app.panels.label import key_actions as keys
from app.panels.label.widgets.region_page import RegionPage
from app.panels.label.workspace import Workspace
from core.portable.cleaning import InspectedArea
from core.system.errors import InputError

_MOST_IMAGES = 200


class RegionKeeping(QObject):
    """The page is made when it is first wanted.

    Attributes:
        is_drawing: whether it is in front; the keys are its own then.
    """

    changed = Signal()
    """Other pixels count than before."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._page: RegionPage | None = None
        self._image_id: int | None = None
        self._for_all = True
        self.is_drawing = False
        self._draw = workspace.actions.connect(keys.REGIONS, self.open)

    @property
    def busy(self) -> bool:
        """Whether an image is being read to draw on."""
        return self._page is not None and self._page.drawing.busy

    @property
    def page(self) -> RegionPage:
        """Canvas and tools."""
        if self._page is None:
            self._page = page = RegionPage()
            self._workspace.view.addWidget(page)
            page.scope_chosen.connect(self._on_scope)
            page.state.changed.connect(self._on_changed)
            page.drawing.done_requested.connect(self.close)
        return self._page

    def show_project(self) -> None:
        """Draw in another project."""
        self.close()
        if self._page is not None:
            self._page.state.forget()
        self.show_opened()

    def show_opened(self) -> None:
        """Another image is open, or none: show what of it does not count."""
        row = self._workspace.session.row
        self._draw.setEnabled(row is not None)
        if self.is_drawing and (row is None or row.id != self._image_id):
            self.close()
        project, ignored = self._workspace.project, None
        if project is not None and row is not None:
            try:
                included = project.counted_area(row.id).included((row.height, row.width))
            except InputError as error:
                self._workspace.context.error_occurred.emit(error)
                included = None
            ignored = None if included is None else ~included
        self._workspace.view.canvas.set_ignored(ignored)

    def open(self) -> None:
        """Draw the regions of all images, or those of this one where it has some."""
        project, row = self._workspace.project, self._workspace.session.row
        if project is None or row is None or self._workspace.unfinished.holds_back(self.open):
            return
        page = self.page
        self._image_id = row.id
        page.state.set_editable(not project.read_only)
        self._show_scope(for_all=project.own_area(row.id) == InspectedArea())
        self._workspace.view.setCurrentWidget(page)
        if not self.is_drawing:
            self._workspace.actions.suspend()
        self.is_drawing = True
        page.drawing.canvas.setFocus()

    @Slot()
    def close(self) -> None:
        """Label again."""
        if not self.is_drawing:
            return
        self.is_drawing = False
        self._workspace.actions.resume()
        if self._workspace.view.currentWidget() is self._page:
            self._workspace.view.show_work()
            self._workspace.view.canvas.setFocus()

    def renew_colors(self) -> None:
        """Follow the theme."""
        if self._page is not None:
            self._page.drawing.renew_colors()

    def shut_down(self) -> None:
        """Wait for an image that is being read."""
        if self._page is not None:
            self._page.drawing.shut_down()

    @Slot(bool)
    def _on_scope(self, for_all: bool) -> None:
        self._show_scope(for_all=for_all)
        self.page.drawing.canvas.setFocus()

    def _show_scope(self, *, for_all: bool) -> None:
        project, image_id = self._workspace.project, self._image_id
        if project is None or image_id is None:
            return
        self._for_all = for_all
        page, row = self.page, project.image(image_id)
        page.state.forget()
        page.state.load(project.own_area(None if for_all else image_id))
        images = [row.path]
        if for_all:
            images = self._samples(row.path)
        page.drawing.show_images(images, row.path)
        self._say()

    def _samples(self, current: Path) -> list[Path]:
        """Return some of the images shown, the open one among them, to see what regions hit."""
        project, ids = self._workspace.project, list(self._workspace.view.strip.ids)
        if project is None or self._image_id not in ids:
            return [current]
        start = max(0, min(ids.index(self._image_id) - _MOST_IMAGES // 2, len(ids) - _MOST_IMAGES))
        return [row.path for row in project.images_by_id(ids[start : start + _MOST_IMAGES])]

    def _say(self) -> None:
        if self._for_all:
            text = tr("These hold for every image without regions of its own.")
        elif self.page.state.regions:
            text = tr("This image goes by these alone.")
        else:
            text = tr("Without regions of its own this image goes by those of all images.")
        self.page.show_scope(for_all=self._for_all, summary=text)

    @Slot()
    def _on_changed(self) -> None:
        project = self._workspace.project
        if project is None or project.read_only:
            return
        try:
            project.set_own_area(self.page.state.area, None if self._for_all else self._image_id)
        except Exception as error:
            self._workspace.context.error_occurred.emit(error)
            return
        self._say()
        self.show_opened()
        self.changed.emit()
