"""The first stroke in a project without classes makes one, and asks what it is called."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from app.canvas.tools.tool import Pointer
from app.look.translation import tr
from app.panels.label.widgets.name_popover import NamePopover
from app.panels.label.workspace import Workspace
from core.data.class_names import is_background
from core.images.io import IGNORE_INDEX


class FirstClass(QObject):
    """Paints at once, so that nothing is lost whatever becomes of the question."""

    class_wanted = Signal(str)
    """(name): make this class and take it in hand, now."""
    rename_wanted = Signal(int, str)
    """(class id, name)."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._canvas = workspace.view.canvas
        self._class_id: int | None = None
        self._asks = False
        self.popover = NamePopover(self._canvas)
        self.popover.named.connect(self._on_named)
        self.popover.closed.connect(self._canvas.setFocus)
        self._canvas.pressing.connect(self._on_pressing)
        workspace.editor.committed.connect(self._on_committed)
        workspace.editor.document_changed.connect(self._forget)

    @Slot(object)
    def _on_pressing(self, pointer: Pointer) -> None:
        project, tool = self._workspace.project, self._canvas.tool
        if project is None or project.read_only or tool is None:
            return
        if tool.paints and not pointer.right and self._nothing_to_paint():
            self.class_wanted.emit(tr("Defect"))
            self._class_id = self._workspace.editor.class_id or None
            self._asks = self._class_id is not None

    def _nothing_to_paint(self) -> bool:
        labels = self._workspace.classes.labels
        if labels and self._workspace.editor.class_id == IGNORE_INDEX:
            return False
        return not labels or (
            len(labels) == 1 and labels[0].id == 0 and is_background(labels[0].name)
        )

    @Slot(object)
    def _on_committed(self, _boxes: object) -> None:
        class_id = self._class_id
        if not self._asks or class_id is None:
            return
        self._asks = False
        canvas = self._canvas
        place = canvas.place or (0.0, 0.0)
        name = self._workspace.classes.name(class_id)
        self.popover.ask(name, canvas.class_color(class_id), canvas.to_widget(*place).toPoint())

    @Slot(str)
    def _on_named(self, name: str) -> None:
        class_id, self._class_id = self._class_id, None
        if class_id is not None and name != self._workspace.classes.name(class_id):
            self.rename_wanted.emit(class_id, name)

    @Slot()
    def _forget(self) -> None:
        """Another image or project: the class keeps the name that was proposed."""
        self._asks = False
        self.popover.hide()
