"""Pictures of one's own image as training changes it, drawn again when a setting changes."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, translated
from app.panels.train.augmented_pictures import (
    COUNT,
    Change,
    Example,
    draw_variants,
    find_example,
)
from app.services.background import BackgroundTasks, Progress
from app.services.timers import single_shot
from app.widgets.blending import ImageArray
from app.widgets.flow_layout import FlowLayout
from app.widgets.layout import button, label, row
from app.widgets.qt_images import to_pixmap
from core.project import Project
from core.system.errors import InputError

_SIDE = GRID * 14
_DELAY_MS = 150


class AugmentationStrip(QWidget):
    """Draws in the background, and only while it is seen."""

    failed = Signal(object)
    """(Exception): something that no image and no setting can be blamed for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self)
        self._timer = single_shot(self, _DELAY_MS, self._draw)
        self._project: Project | None = None
        self._change: Change | None = None
        self._example: Example | None = None
        self._place = 0
        self._is_stale = True
        self.note = label("", "muted", wrap=True)
        self.other_button = button(
            tr("Another image"), "link", tooltip=tr("Show the next training image with a defect")
        )
        self.other_button.clicked.connect(self._on_other)
        self.pictures = [QLabel() for _ in range(COUNT)]
        strip = QWidget()
        flow = FlowLayout(strip)
        for number, picture in enumerate(self.pictures, 1):
            picture.setFixedSize(QSize(_SIDE, _SIDE))
            picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
            picture.setAccessibleName(tr("Variant {number} of the image", number=number))
            flow.addWidget(picture)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(row(label(tr("What the network sees"), "heading"), 1, self.other_button))
        layout.addWidget(self.note)
        layout.addWidget(strip)
        self._say(tr("One of your images, changed at random as training will; outlines follow."))

    @property
    def busy(self) -> bool:
        """Whether pictures are being drawn, or soon will be."""
        return self._tasks.busy or self._timer.isActive()

    def set_project(self, project: Project | None) -> None:
        """Show an image of this project."""
        self._tasks.cancel_all()
        self._timer.stop()
        self._project, self._example, self._place = project, None, 0
        self._is_stale = True
        for picture in self.pictures:
            picture.clear()
        self._renew()

    def forget_example(self) -> None:
        """Images, masks or subsets changed: look for an image again."""
        self._example, self._is_stale = None, True
        self._renew()

    def show_change(self, change: Change) -> None:
        """Show what these settings do."""
        if change != self._change:
            self._change, self._is_stale = change, True
            self._renew()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Draw what was put off."""
        super().showEvent(event)
        self._renew()

    def shut_down(self) -> None:
        """Wait for the thread."""
        self._project = None
        self._timer.stop()
        self._tasks.shut_down()

    def _renew(self) -> None:
        """Draw soon; settings that change faster than that are drawn once."""
        if self._is_stale and self.isVisible() and not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _draw(self) -> None:
        project, change, known, place = self._project, self._change, self._example, self._place
        if project is None or change is None:
            return
        self._is_stale = False
        side = round(_SIDE * self.devicePixelRatio())

        def draw(progress: Progress) -> tuple[Example, list[ImageArray]] | None:
            example = known or find_example(project, place, progress.check)
            if example is None:
                return None
            return example, draw_variants(example, change, side=side, check=progress.check)

        self._tasks.start(draw, on_done=self._on_drawn, on_failed=self._on_failed, key="variants")

    def _on_drawn(self, drawn: tuple[Example, list[ImageArray]] | None) -> None:
        self.other_button.setEnabled(drawn is not None)
        if drawn is None:
            self._example = None
            self._say(tr("No training image shows a defect yet."))
            for picture in self.pictures:
                picture.clear()
            return
        self._example, pictures = drawn
        self._say(tr("One of your images, changed at random as training will; outlines follow."))
        for place, array in zip(self.pictures, pictures, strict=True):
            pixmap = to_pixmap(array)
            pixmap.setDevicePixelRatio(self.devicePixelRatio())
            place.setPixmap(pixmap)

    def _on_failed(self, error: Exception) -> None:
        """Say here what is wrong with an image or with settings: it is a preview."""
        if isinstance(error, InputError):
            self._say(translated(error.message))
        else:
            self.failed.emit(error)

    def _say(self, text: str) -> None:
        self.note.setText(text)

    @Slot()
    def _on_other(self) -> None:
        if self._example is not None:
            self._place = self._example.place + 1
        self.forget_example()
