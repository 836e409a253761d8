"""The model that follows clicks: its files, remembered over sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Slot

from app.canvas.actions import ActionSpec
from app.canvas.tools.click_tool import ClickTool
from app.panels.label.click_model_dialog import ClickModelDialog
from app.panels.label.draft_job import DRAFTS
from core.annotation.click_model import ClickModel, ClickModelFiles
from core.system.messages import message

if TYPE_CHECKING:
    from app.panels.label.labelling_panel import LabellingPanel

CHOOSE = ActionSpec("draft.click_model", message("Choose the click model …"), DRAFTS, ("Shift+J",))
_FILES = "labelling/click_model"


class LabellingClickModel(QObject):
    """Gives the click tool its model, and asks for the files where there is none.

    Attributes:
        action: asks for the files.
    """

    def __init__(self, panel: LabellingPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self.action = panel.actions_.add(CHOOSE, self.choose)
        self._tool = cast("ClickTool", panel.tools.tools[ClickTool.key])
        self._tool.on_missing = self.choose
        self._tool.set_model(
            ClickModelFiles.from_dict(panel.context.settings.panel_values.get(_FILES))
        )

    def choose(self) -> None:
        """Ask for the files of the model."""
        dialog = ClickModelDialog(self._tool.files, self._panel)
        dialog.chosen.connect(self._on_chosen)
        dialog.open()

    @Slot(object, object)
    def _on_chosen(self, files: ClickModelFiles, model: ClickModel) -> None:
        self._panel.context.settings.panel_values[_FILES] = files.to_dict()
        self._panel.context.store.save()
        self._tool.set_model(files, model)
        self._panel.tools.take(ClickTool.key)
