"""How image and masks look on the canvas: opacity, outlines, hidden classes, zoom."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction

from app.canvas.renderer import MaskStyle
from app.panels.label import key_actions as keys
from app.panels.label.workspace import Workspace

_STYLE = "style"
_OPACITY = "opacity"
_USUAL_OPACITY = 50
_OPACITY_STEP = 10
_FOLDED = "draft_folded"


class MaskDisplay(QObject):
    """Draws the masks as the inspector has it, and remembers that."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._inspector = workspace.inspector
        self._look = workspace.view.look
        self._palette = workspace.inspector.classes
        self._shown = self._connect_actions()
        self._restore()
        self._look.changed.connect(self.renew)
        self._look.changed.connect(self._on_changed)
        self._inspector.draft_folded.connect(self._on_draft_folded)
        self._palette.visibility_changed.connect(self.renew)
        workspace.editor.document_changed.connect(self._on_document_changed)
        self.renew()
        self._on_document_changed()

    @Slot()
    def renew(self) -> None:
        """Draw the mask as it is wanted now."""
        colors = self._workspace.classes.colors
        self._workspace.view.canvas.set_colors(
            colors,
            opacity=self._look.opacity.value() / 100 if self._shown.isChecked() else 0.0,
            style=self._look.mask_style,
            hidden=self._palette.hidden,
        )
        self._workspace.view.strip.set_colors(colors)

    @Slot(bool)
    def _on_draft_folded(self, folded: bool) -> None:
        self._workspace.remembered.keep(_FOLDED, folded, usual=False)

    @Slot()
    def _on_changed(self) -> None:
        remembered = self._workspace.remembered
        remembered.keep(_STYLE, self._look.mask_style.value, usual=MaskStyle.FILL.value)
        remembered.keep(_OPACITY, self._look.opacity.value(), usual=_USUAL_OPACITY)

    def _restore(self) -> None:
        remembered = self._workspace.remembered
        opacity = remembered.get(_OPACITY)
        self._look.opacity.setValue(opacity if isinstance(opacity, int) else _USUAL_OPACITY)
        self._inspector.show_draft(remembered.get(_FOLDED) is not True)
        place = self._look.style_box.findData(remembered.get(_STYLE))
        self._look.style_box.setCurrentIndex(max(0, place))

    def _connect_actions(self) -> QAction:
        actions, canvas = self._workspace.actions, self._workspace.view.canvas
        actions.connect(keys.FIT, canvas.fit)
        actions.connect(keys.ACTUAL, canvas.zoom_actual)
        actions.connect(keys.ZOOM_IN, canvas.zoom_in)
        actions.connect(keys.ZOOM_OUT, canvas.zoom_out)
        actions.connect(keys.STYLE, self._look.next_style)
        actions.connect(keys.FAINTER, lambda: self._step_opacity(-_OPACITY_STEP))
        actions.connect(keys.STRONGER, lambda: self._step_opacity(_OPACITY_STEP))
        shown = actions.connect(keys.MASKS, self.renew)
        shown.setChecked(True)
        return shown

    def _step_opacity(self, by: int) -> None:
        self._look.opacity.setValue(self._look.opacity.value() + by)

    @Slot()
    def _on_document_changed(self) -> None:
        self._inspector.show_window(self._inspector.window_box.useful)
