"""A sample image on which regions are drawn; what is not inspected is dark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.canvas.actions import Actions, ActionSpec
from app.canvas.editor import Editor
from app.canvas.renderer import MaskStyle
from app.canvas.view import CanvasView
from app.look.theme import GRID
from app.look.translation import tr, translated
from app.regions.drawing_tool import Form, RegionTool
from app.regions.region_state import RegionState
from app.services.background import BackgroundTasks
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import button, line
from core.annotation.document import MaskDocument
from core.annotation.image_pyramid import ImagePyramid, read_pyramid
from core.annotation.inspected_regions import RegionKind
from core.portable.cleaning import InspectedArea
from core.system.errors import InputError
from core.system.messages import message

_EXCLUDED = 1
_DARK = 0.6
_GROUP = message("Regions")
_INSPECT = ActionSpec(
    "region.inspect", message("Look only here"), _GROUP, ("L",), "eye", checkable=True
)
_IGNORE = ActionSpec(
    "region.ignore", message("Ignore here"), _GROUP, ("I",), "eye-off", checkable=True
)
_RECTANGLE = ActionSpec(
    "region.rectangle", message("Rectangle"), _GROUP, ("R",), "tool-rectangle", checkable=True
)
_POLYGON = ActionSpec(
    "region.polygon", message("Polygon"), _GROUP, ("P",), "tool-polygon", checkable=True
)
_UNDO = ActionSpec("region.undo", message("Undo"), _GROUP, ("Ctrl+Z",), "undo")
_REDO = ActionSpec("region.redo", message("Redo"), _GROUP, ("Ctrl+Shift+Z", "Ctrl+Y"), "redo")
_DELETE = ActionSpec("region.delete", message("Delete the chosen region"), _GROUP, (), "trash")
_PREVIOUS = ActionSpec(
    "region.previous", message("Previous image"), _GROUP, ("PgUp",), "chevron-left"
)
_NEXT = ActionSpec("region.next", message("Next image"), _GROUP, ("PgDown",), "chevron-right")
_FIT = ActionSpec("region.fit", message("Fit to the window"), _GROUP, ("F",), "fit")
_SPECS = (
    *(_INSPECT, _IGNORE, _RECTANGLE, _POLYGON),
    *(_UNDO, _REDO, _DELETE, _PREVIOUS, _NEXT, _FIT),
)


class RegionCanvas(CanvasView):
    """Escape leaves once there is nothing to drop and nothing chosen."""

    left = Signal()

    def __init__(self, editor: Editor, state: RegionState, parent: QWidget | None = None) -> None:
        super().__init__(editor, parent)
        self.regions = RegionTool(editor, self, state)
        self._state = state
        self.setAccessibleName(tr("Sample image with regions"))
        self.set_colors([(0, 0, 0)] * 2, opacity=_DARK, style=MaskStyle.FILL)
        self.set_tool(self.regions)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Leave, or what the canvas does."""
        idle = not self.regions.busy and self._state.selected is None
        if event.key() == Qt.Key.Key_Escape and idle:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class DrawingPage(QWidget):
    """The tools above, the image below."""

    done_requested = Signal()

    def __init__(self, state: RegionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._tasks = BackgroundTasks(self)
        self._editor = Editor(self)
        self._images: tuple[Path, ...] = ()
        self._place = 0
        self._shown: tuple[InspectedArea, tuple[int, int]] | None = None
        self.canvas = RegionCanvas(self._editor, state)
        self.actions_ = Actions(_SPECS, self)
        self.done_button = button(
            tr("Done"), "primary", tooltip=tr("Back to the rules (Esc); regions are kept as drawn")
        )
        self.name = ElidedLabel("", "muted")
        self.hint = ElidedLabel("", "muted", mode=Qt.TextElideMode.ElideRight)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(self._make_tools())
        layout.addWidget(line())
        layout.addWidget(self.canvas, 1)
        layout.addLayout(self._make_foot())
        self._choices = [self._exclusive(_INSPECT, _IGNORE), self._exclusive(_RECTANGLE, _POLYGON)]
        self.actions_[_RECTANGLE.key].setChecked(True)
        self._connect()
        self._on_renewed()

    def show_images(self, images: Sequence[Path], current: Path | None) -> None:
        """Offer images to draw on and show one.

        Args:
            images: in the order in which they are gone through.
            current: the one to begin with; None, or one that is not among them: the first.
        """
        self._images = tuple(images)
        self._place = self._images.index(current) if current in self._images else 0
        self._show_image()

    @property
    def image(self) -> Path | None:
        """The image that is shown, or read."""
        return self._images[self._place] if self._images else None

    @property
    def busy(self) -> bool:
        """Whether an image is being read."""
        return self._tasks.busy

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.canvas.update()

    def shut_down(self) -> None:
        """Wait for what reads in the background."""
        self._tasks.shut_down()
        self._editor.shut_down()

    def _show_image(self) -> None:
        image = self.image
        self._tasks.cancel("image")
        for spec, step in ((_PREVIOUS, -1), (_NEXT, 1)):
            there = 0 <= self._place + step < len(self._images)
            self.actions_[spec.key].setEnabled(there)
        self.name.setText("" if image is None else image.name)
        if image is None:
            self._editor.show(None, None)
            self.canvas.set_problem(tr("There is no image in the project to draw on."))
            return
        self._tasks.start(
            lambda _progress: read_pyramid(image),
            on_done=self._on_read,
            on_failed=self._on_failed,
            key="image",
        )

    def _on_read(self, picture: ImagePyramid) -> None:
        width, height = picture.size
        self.canvas.set_problem("")
        self._editor.show(MaskDocument(np.zeros((height, width), np.uint8), 0), picture)
        self._shown = None
        self._show_area()

    def _on_failed(self, error: Exception) -> None:
        self._editor.show(None, None)
        text = translated(error.message) if isinstance(error, InputError) else str(error)
        self.canvas.set_problem(text)

    def _show_area(self) -> None:
        """Darken what is not inspected, by the very pixels that are left out."""
        document, area = self._editor.document, self._state.area
        if document is None or self._shown == (area, document.size):
            return
        self._shown = (area, document.size)
        included = area.included((document.size[1], document.size[0]))
        mask = np.zeros_like(document.mask)
        if included is not None:
            mask[~included] = _EXCLUDED
        document.start_over(mask)

    def _make_tools(self) -> QHBoxLayout:
        tools = QHBoxLayout()
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(2)
        for action in self.actions_.of(_INSPECT, _IGNORE):
            tools.addWidget(_button(action, with_text=True))
        for group in ((_RECTANGLE, _POLYGON), (_UNDO, _REDO, _DELETE)):
            tools.addSpacing(GRID * 2)
            for action in self.actions_.of(*group):
                tools.addWidget(_button(action))
        tools.addStretch(1)
        tools.addWidget(self.done_button)
        return tools

    def _make_foot(self) -> QHBoxLayout:
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(2)
        foot.addWidget(self.hint, 3)
        foot.addSpacing(GRID)
        foot.addWidget(self.name, 1)
        for action in self.actions_.of(_PREVIOUS, _NEXT, _FIT):
            foot.addWidget(_button(action))
        return foot

    def _exclusive(self, *specs: ActionSpec) -> QActionGroup:
        group = QActionGroup(self)
        for action in self.actions_.of(*specs):
            group.addAction(action)
        return group

    def _connect(self) -> None:
        connect, state, tool = self.actions_.connect, self._state, self.canvas.regions
        connect(_INSPECT, lambda: state.set_kind(RegionKind.INSPECT))
        connect(_IGNORE, lambda: state.set_kind(RegionKind.IGNORE))
        connect(_RECTANGLE, lambda: tool.set_form(Form.RECTANGLE))
        connect(_POLYGON, lambda: tool.set_form(Form.POLYGON))
        connect(_UNDO, self._on_undo)
        connect(_REDO, state.redo)
        connect(_DELETE, state.remove)
        connect(_PREVIOUS, lambda: self._step(-1))
        connect(_NEXT, lambda: self._step(1))
        connect(_FIT, self.canvas.fit)
        self.done_button.clicked.connect(self.done_requested)
        self.canvas.left.connect(self.done_requested)
        self.canvas.acted.connect(self._on_acted)
        state.renewed.connect(self._on_renewed)

    def _step(self, step: int) -> None:
        if 0 <= self._place + step < len(self._images):
            self._place += step
            self._show_image()

    @Slot()
    def _on_undo(self) -> None:
        """Take a corner back while a polygon is drawn, else the last step."""
        if self.canvas.regions.busy:
            self.canvas.regions.step_back()
        else:
            self._state.undo()

    @Slot()
    def _on_renewed(self) -> None:
        state = self._state
        self.actions_[_INSPECT.key].setChecked(state.kind is RegionKind.INSPECT)
        self.actions_[_IGNORE.key].setChecked(state.kind is RegionKind.IGNORE)
        self._show_area()
        self._on_acted()

    @Slot()
    def _on_acted(self) -> None:
        """Say what can be done now."""
        state, busy = self._state, self.canvas.regions.busy
        self.hint.setText(translated(self.canvas.regions.shown_hint()))
        self.actions_[_UNDO.key].setEnabled(state.can_undo or busy)
        self.actions_[_REDO.key].setEnabled(state.can_redo)
        self.actions_[_DELETE.key].setEnabled(state.editable and state.selected is not None)


def _button(action: QAction, *, with_text: bool = False) -> QToolButton:
    made = QToolButton()
    made.setDefaultAction(action)
    made.setIconSize(QSize(20, 20))
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if with_text:
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return made
