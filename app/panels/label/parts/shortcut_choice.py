"""The shortcuts that the user gave the actions, remembered over sessions."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from app.panels.label import key_actions as keys
from app.panels.label.widgets.shortcut_editor import ShortcutEditor
from app.panels.label.workspace import Workspace

_SHORTCUTS = "shortcuts"


class ShortcutChoice(QObject):
    """Shows all actions with their shortcuts, which can be changed there."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        workspace.actions.restore(workspace.remembered.get(_SHORTCUTS))
        workspace.actions.connect(keys.SHORTCUTS, self.show)

    def show(self) -> None:
        """Show them."""
        dialog = ShortcutEditor(self._workspace.actions, self._workspace.view)
        dialog.finished.connect(self._on_closed)
        dialog.open()

    @Slot()
    def _on_closed(self) -> None:
        overrides = self._workspace.actions.overrides()
        self._workspace.remembered.keep(_SHORTCUTS, overrides, usual={})
        self._workspace.remembered.save()
