"""The tools of the Labelling panel: which is in hand, its options, undo."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QActionGroup

from app.canvas.tool_options import OVER_ALL, ToolOptions
from app.canvas.tools.tool import Tool
from app.look.translation import tr, translated
from app.panels.label import key_actions as keys
from app.panels.label.workspace import Workspace

_FIRST = "brush"
_OPTIONS = "options"
_PAINT_OVER = "paint_over"
_STEP_SHARE = 0.15


class ToolChoice(QObject):
    """Takes up a tool, and changes what it is set to."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._editor = workspace.editor
        self._canvas = workspace.view.canvas
        self._connect_actions()
        self._editor.set_options(ToolOptions.from_dict(workspace.remembered.get(_OPTIONS)))
        self._canvas.main_option_stepped.connect(self.step_main_option)
        self._editor.options_changed.connect(self._on_options_changed)
        self._editor.committed.connect(self._on_committed)
        self._canvas.acted.connect(self.show_hint)
        self._editor.document_changed.connect(self._show_undo)
        self._editor.mask_replaced.connect(self._show_undo)
        self._editor.refused.connect(self._on_refused)
        self.take(_FIRST)
        self._show_undo()

    @property
    def current(self) -> Tool:
        """The tool in hand."""
        tool = self._canvas.tool
        assert tool is not None
        return tool

    @Slot(str)
    def take(self, key: str) -> None:
        """Take up a tool."""
        tool, current = self._workspace.tools[key], self._canvas.tool
        if current is not tool:
            if current is not None and self._workspace.unfinished.holds_back(
                lambda: self.take(key)
            ):
                self._workspace.actions[f"tool.{current.key}"].setChecked(True)
                return
            self._canvas.set_tool(tool)
        self._workspace.actions[f"tool.{key}"].setChecked(True)
        self._workspace.inspector.show_tool(
            tool.name, tool.options, with_actions=key == "component"
        )
        self.show_hint()
        if not self._canvas.hasFocus() and self._workspace.view.isVisible():
            self._canvas.setFocus()

    @Slot()
    def show_hint(self) -> None:
        """Say above the canvas what the tool does now."""
        hint = translated(self.current.shown_hint())
        label = self._workspace.view.hint
        if label.text() != hint:
            label.setText(hint)

    @Slot(int)
    def step_main_option(self, steps: int) -> None:
        """Make the tool's size or tolerance larger or smaller."""
        name = self.current.main_option
        if name:
            value = getattr(self._editor.options, name)
            step = max(1, round(value * _STEP_SHARE))
            self._editor.set_option(name, value + steps * step)

    @Slot()
    def undo(self) -> None:
        """Take the last step back, or the last part of what the tool has begun."""
        if self.current.busy:
            self._workspace.unfinished.withdraw()
            self.current.step_back()
        else:
            self._editor.undo()

    @Slot()
    def restore_paint_over(self) -> None:
        """Paint over the same class as before, in the project that was opened."""
        if self._workspace.project is None:
            return
        name = self._workspace.remembered.get(_PAINT_OVER)
        found = (label.id for label in self._workspace.classes.labels if label.name == name)
        self._editor.set_option("only_over", next(found, OVER_ALL))

    def _connect_actions(self) -> None:
        actions = self._workspace.actions
        group = QActionGroup(self)
        for key, tool in self._workspace.tools.items():
            group.addAction(actions.connect(keys.tool_key(type(tool)), partial(self.take, key)))
        actions.connect(keys.SMALLER, lambda: self.step_main_option(-1))
        actions.connect(keys.LARGER, lambda: self.step_main_option(1))
        actions.connect(keys.SHAPE, self._change_shape)
        actions.connect(keys.OVER, self._change_over)
        actions.connect(keys.UNDO, self.undo)
        actions.connect(keys.REDO, self._editor.redo)

    def _change_shape(self) -> None:
        is_round = self._editor.options.brush_shape == "round"
        self._editor.set_option("brush_shape", "square" if is_round else "round")

    def _change_over(self) -> None:
        over_all = self._editor.options.only_over == OVER_ALL
        self._editor.set_option("only_over", 0 if over_all else OVER_ALL)

    @Slot()
    def _on_options_changed(self) -> None:
        remembered, options = self._workspace.remembered, self._editor.options
        remembered.keep(_OPTIONS, options.to_dict(), usual={})
        if self._workspace.project is not None:  # by name: another project has other ids
            over_all = options.only_over == OVER_ALL
            name = None if over_all else self._workspace.classes.name(options.only_over)
            remembered.keep(_PAINT_OVER, name)

    @Slot(object)
    def _on_committed(self, _boxes: object) -> None:
        self._show_undo()

    @Slot()
    def _show_undo(self) -> None:
        document = self._editor.document
        stack = None if document is None else document.undo_stack
        for spec, name in (
            (keys.UNDO, None if stack is None else stack.undo_name),
            (keys.REDO, None if stack is None else stack.redo_name),
        ):
            action = self._workspace.actions[spec.key]
            title = translated(spec.title)
            text = title if name is None else tr("{action}: {step}", action=title, step=name)
            shortcut = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
            action.setToolTip(f"{text} ({shortcut})" if shortcut else text)

    @Slot()
    def _on_refused(self) -> None:
        if not self._editor.editable:
            text = tr("The project is open for reading only; masks cannot be changed.")
        elif self._editor.class_id in self._editor.locked:
            text = tr("This class is protected; click its lock to allow changes.")
        else:
            return
        self._workspace.notices.tell(text, role="warning", passing=True)
