"""The model that follows clicks: its files, remembered over sessions."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QObject, Signal, Slot

from app.canvas.tools.click_tool import ClickTool
from app.panels.label import key_actions as keys
from app.panels.label.widgets.click_model_dialog import ClickModelDialog
from app.panels.label.workspace import Workspace
from core.annotation.click_model import ClickModel, ClickModelFiles

_FILES = "click_model"


class ClickModelChoice(QObject):
    """Gives the click tool its model, and asks for the files where there is none."""

    tool_wanted = Signal(str)
    """(key of the tool): take it up."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._tool = cast("ClickTool", workspace.tools[ClickTool.key])
        self._tool.on_missing = self.choose
        self._take(ClickModelFiles.from_dict(workspace.remembered.get(_FILES)))
        workspace.actions.connect(keys.CLICK_MODEL, self.choose)

    def choose(self) -> None:
        """Ask for the files of the model."""
        dialog = ClickModelDialog(self._tool.files, self._workspace.view)
        dialog.chosen.connect(self._on_chosen)
        dialog.open()

    @Slot(object, object)
    def _on_chosen(self, files: ClickModelFiles, model: ClickModel) -> None:
        self._workspace.remembered.keep(_FILES, files.to_dict())
        self._workspace.remembered.save()
        self._take(files, model)
        self.tool_wanted.emit(ClickTool.key)

    def _take(self, files: ClickModelFiles | None, model: ClickModel | None = None) -> None:
        """Give the tool its model; there is no tool to take up without one."""
        self._tool.set_model(files, model)
        self._workspace.actions[keys.tool_key(ClickTool).key].setVisible(files is not None)
