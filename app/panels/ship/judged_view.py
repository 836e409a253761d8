"""One judged image, large: its label map with the objects outlined, or the image alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr, translated
from app.panels.ship.outcomes import JudgedImage
from app.services.background import BackgroundTasks, Progress
from app.widgets.blending import ImageArray, dim_excluded, fit, overlay_mask, shrink
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import label
from app.widgets.zoomed_picture import ZoomedPicture
from core.images.io import IGNORE_INDEX, read_image
from core.images.palette import Color
from core.system.errors import InputError

_MAX_SIDE = 2048
_OUTLINE = 500  # pixels of the longer side to one of an outline
_FAINT = 0.35


@dataclass(frozen=True, slots=True)
class _Request:
    one: JudgedImage
    plain: bool
    colors: tuple[Color, ...]
    background: int | None


class JudgedView(QWidget):
    """Zoom with the wheel, move by dragging; 1 and 2 switch the view, 0 fits, Escape goes back."""

    back_requested = Signal()
    step_requested = Signal(int)
    """(-1 | 1): show the image before or behind."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self)
        self._one: JudgedImage | None = None
        self._colors: tuple[Color, ...] = ()
        self._background: int | None = None
        self._shown: JudgedImage | None = None
        self._zoomed = ZoomedPicture(tr("Judged image"))
        self.views = QButtonGroup(self)
        self.name = ElidedLabel("", "heading")
        self.note = label("", "danger", wrap=True)
        self.note.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(self._make_tools())
        layout.addWidget(self.note)
        layout.addWidget(self._zoomed, 1)

    def set_classes(self, colors: tuple[Color, ...], *, background: int | None) -> None:
        """Draw label maps in these colours from now on."""
        self._colors, self._background = colors, background

    def show_image(self, one: JudgedImage | None) -> None:
        """Show an image in the chosen view; None: nothing."""
        self._one = one
        self._tasks.cancel("view")
        self.name.setText("" if one is None else one.image.name)
        if one is None:
            self._shown = None
            self._zoomed.show_picture(None)
            return
        self._refresh()

    @property
    def busy(self) -> bool:
        """Whether a picture is being made."""
        return self._tasks.busy

    @property
    def picture(self) -> ImageArray | None:
        """What is shown, (H, W, 3) BGR; None for nothing."""
        return self._zoomed.picture

    def renew_colors(self) -> None:
        """Take the theme's ground."""
        self._zoomed.renew_colors()

    def shut_down(self) -> None:
        """Wait for the thread, and let pyqtgraph go of its scene."""
        self._tasks.shut_down()
        self._zoomed.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Escape goes back, left and right to the neighbours."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() == Qt.Key.Key_Escape:
            self.back_requested.emit()
        elif event.key() in steps:
            self.step_requested.emit(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    @Slot()
    def _refresh(self) -> None:
        one = self._one
        if one is None:
            return
        plain = self.views.checkedId() == 1
        request = _Request(one, plain, self._colors, self._background)
        self._tasks.start(
            lambda progress: _render(request, progress),
            on_done=lambda picture: self._on_rendered(one, picture),
            on_failed=self._on_failed,
            key="view",
        )

    def _go(self, step: int) -> None:
        self.step_requested.emit(step)

    def _on_rendered(self, one: JudgedImage, picture: ImageArray) -> None:
        self.note.hide()
        stay = self._shown is not None and self._shown.image == one.image
        self._zoomed.show_picture(picture, stay=stay)
        self._shown = one

    def _on_failed(self, error: Exception) -> None:
        self._shown = None
        self._zoomed.show_picture(None)
        self.note.setText(
            translated(error.message if isinstance(error, InputError) else str(error))
        )
        self.note.show()

    def _make_tools(self) -> QHBoxLayout:
        tools = QHBoxLayout()
        tools.setSpacing(GRID // 2)
        tools.addWidget(_tool("back", tr("Back to all images (Esc)"), self.back_requested.emit))
        for index, (text, tip) in enumerate(
            ((tr("Objects"), tr("What the model sees (1)")), (tr("Image"), tr("Alone (2)")))
        ):
            made = QToolButton()
            made.setText(text)
            made.setToolTip(tip)
            made.setCheckable(True)
            made.setChecked(index == 0)
            made.setShortcut(str(index + 1))
            self.views.addButton(made, index)
            tools.addWidget(made)
        self.views.idClicked.connect(self._refresh)
        tools.addSpacing(GRID)
        tools.addWidget(self.name, 1)
        for icon_name, text, step in (
            ("chevron-left", tr("Image before (Left)"), -1),
            ("chevron-right", tr("Next image (Right)"), 1),
        ):
            tools.addWidget(_tool(icon_name, text, partial(self._go, step)))
        tools.addWidget(
            _tool("fit", tr("Show the whole image (0)"), self._zoomed.fit, shortcut="0")
        )
        return tools


def _tool(
    icon_name: str, text: str, then: Callable[[], object], *, shortcut: str = ""
) -> QToolButton:
    made = QToolButton()
    set_icon(made, icon_name)
    made.setToolTip(text)
    made.setAccessibleName(text.partition(" (")[0])
    if shortcut:
        made.setShortcut(shortcut)
    made.clicked.connect(_ignoring_state(then))
    return made


def _ignoring_state(then: Callable[[], object]) -> Callable[[bool], None]:
    def on_clicked(_checked: bool) -> None:
        then()

    return on_clicked


def _render(request: _Request, progress: Progress) -> ImageArray:
    """Return the picture (H, W, 3) BGR; for the thread pool."""
    one = request.one
    shown = one.image if request.plain or one.picture is None else one.picture
    image = shrink(read_image(shown), _MAX_SIDE)
    progress.check()
    found = None if request.plain else one.clean_label_map(request.background)
    if found is None:
        return image
    included = one.area.included((found.shape[0], found.shape[1]))
    image, label_map = dim_excluded(image, included), fit(found, image)
    blended = overlay_mask(
        image, label_map, request.colors, background=request.background, strength=_FAINT
    )
    width = max(1, round(max(image.shape[:2]) / _OUTLINE))
    for class_id in np.unique(label_map):
        if class_id in (request.background, IGNORE_INDEX) or class_id >= len(request.colors):
            continue
        progress.check()
        area = np.asarray(label_map == class_id, np.uint8)
        outlines, _ = cv2.findContours(area, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        red, green, blue = request.colors[class_id]
        cv2.drawContours(blended, outlines, -1, (blue, green, red), width)
    return blended
