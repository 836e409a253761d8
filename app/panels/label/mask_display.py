"""How image and masks look on the canvas, and what the status line says about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction

from app.canvas.renderer import MaskStyle
from app.look.translation import tr
from app.panels.label import key_actions as keys
from core.images.io import IGNORE_INDEX

if TYPE_CHECKING:
    from app.panels.label.labelling_panel import LabellingPanel

_STYLE = "labelling/style"
_OPACITY = "labelling/opacity"
_OPACITY_STEP = 10
_FOLDED = "labelling/draft_folded"


class LabellingLook(QObject):
    """Opacity, style, hidden classes, zoom, and the line below the canvas."""

    def __init__(self, panel: LabellingPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._editor = panel.editor
        self._canvas = panel.view.canvas
        self._look = panel.inspector_parts.look
        self._palette = panel.inspector_parts.classes
        self._place: tuple[float, float] | None = None
        self._make_actions()
        self._restore()
        self._look.changed.connect(self.renew)
        self._look.changed.connect(self.remember)
        panel.inspector_parts.draft_folded.connect(self._on_draft_folded)
        self._palette.visibility_changed.connect(self.renew)
        panel.classes.labels_changed.connect(self.renew)
        self._canvas.hovered.connect(self._on_hovered)
        self._canvas.zoomed.connect(self._on_zoomed)
        self._editor.drawn.connect(self._on_drawn)
        self._editor.document_changed.connect(self._on_document_changed)
        self.renew()
        self._on_document_changed()

    @property
    def place(self) -> tuple[float, float] | None:
        """Where the pointer is in the image, None outside the canvas."""
        return self._place

    def header_actions(self) -> list[QAction | None]:
        """Actions right of the image's name; None is a gap."""
        actions = self._panel.actions_
        return [
            actions[keys.UNDO.key],
            actions[keys.REDO.key],
            None,
            actions[keys.FIT.key],
            actions[keys.ACTUAL.key],
            actions[keys.MASKS.key],
            None,
            actions[keys.SHORTCUTS.key],
        ]

    @Slot()
    def renew(self) -> None:
        """Draw the mask as it is wanted now."""
        shown = self._panel.actions_[keys.MASKS.key].isChecked()
        self._canvas.set_colors(
            self._panel.classes.colors,
            opacity=self._look.opacity.value() / 100 if shown else 0.0,
            style=self._look.mask_style,
            hidden=self._palette.hidden,
        )
        self._panel.view.strip.set_colors(self._panel.classes.colors)

    @Slot(bool)
    def _on_draft_folded(self, folded: bool) -> None:
        values = self._panel.context.settings.panel_values
        if folded:
            values[_FOLDED] = True
        else:
            values.pop(_FOLDED, None)
        self._panel.save_settings_soon()

    @Slot()
    def remember(self) -> None:
        """Put the choices into the settings."""
        values = self._panel.context.settings.panel_values
        usual: dict[str, Any] = {_STYLE: MaskStyle.FILL.value, _OPACITY: 50}
        now = {_STYLE: self._look.mask_style.value, _OPACITY: self._look.opacity.value()}
        for name, value in now.items():
            if value != usual[name]:
                values[name] = value
            else:
                values.pop(name, None)
        self._panel.save_settings_soon()

    def _restore(self) -> None:
        values = self._panel.context.settings.panel_values
        opacity = values.get(_OPACITY, 50)
        self._look.opacity.setValue(opacity if isinstance(opacity, int) else 50)
        self._panel.inspector_parts.show_draft(values.get(_FOLDED) is not True)
        place = self._look.style_box.findData(values.get(_STYLE))
        self._look.style_box.setCurrentIndex(max(0, place))

    def _make_actions(self) -> None:
        actions, canvas = self._panel.actions_, self._canvas
        actions.add(keys.FIT, canvas.fit)
        actions.add(keys.ACTUAL, canvas.zoom_actual)
        actions.add(keys.ZOOM_IN, canvas.zoom_in)
        actions.add(keys.ZOOM_OUT, canvas.zoom_out)
        actions.add(keys.MASKS, self.renew).setChecked(True)
        actions.add(keys.STYLE, self._look.next_style)
        actions.add(keys.FAINTER, lambda: self._step_opacity(-_OPACITY_STEP))
        actions.add(keys.STRONGER, lambda: self._step_opacity(_OPACITY_STEP))
        actions.add(keys.SHORTCUTS, self._on_shortcuts)

    def _step_opacity(self, by: int) -> None:
        self._look.opacity.setValue(self._look.opacity.value() + by)

    def _on_shortcuts(self) -> None:
        from app.panels.label.shortcut_editor import ShortcutEditor

        dialog = ShortcutEditor(self._panel.actions_, self._panel)
        dialog.finished.connect(self._on_shortcuts_closed)
        dialog.open()

    @Slot()
    def _on_shortcuts_closed(self) -> None:
        values = self._panel.context.settings.panel_values
        overrides = self._panel.actions_.overrides()
        if overrides:
            values["labelling/shortcuts"] = overrides
        else:
            values.pop("labelling/shortcuts", None)
        self._panel.context.store.save()

    @Slot(object)
    def _on_hovered(self, place: tuple[float, float] | None) -> None:
        self._place = place
        self._show_place()

    @Slot(object)
    def _on_drawn(self, _boxes: object) -> None:
        self._show_place()

    @Slot()
    def _on_zoomed(self) -> None:
        self._panel.view.status.show_zoom(self._canvas.viewport.scale)

    @Slot()
    def _on_document_changed(self) -> None:
        self._panel.inspector_parts.show_window(self._panel.inspector_parts.window_box.useful)
        self._show_place()

    def _show_place(self) -> None:
        status = self._panel.view.status
        document, picture = self._editor.document, self._editor.picture
        place = self._place
        class_id = None if document is None or place is None else document.class_at(*place)
        if class_id is None or picture is None or place is None:
            status.show_place(None, "")
            status.show_class("", None)
            return
        x, y = int(place[0]), int(place[1])
        status.show_place((x, y), _value_text(picture.levels[0][y, x]))
        if class_id == IGNORE_INDEX:
            status.show_class(tr("ignored"), self._canvas.class_color(class_id))
            return
        status.show_class(self._panel.classes.name(class_id), self._canvas.class_color(class_id))


def _value_text(value: Any) -> str:
    """Return a pixel's grey value, or red, green and blue."""
    if getattr(value, "ndim", 0):
        blue, green, red = (int(part) for part in value[:3])
        return f"{red} {green} {blue}"
    return f"{value:.4g}" if value.dtype.kind == "f" else f"{int(value)}"
