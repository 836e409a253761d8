"""The tools of the Labelling panel: which is in hand, its options, undo."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction, QActionGroup

from app.canvas.actions import ActionSpec
from app.canvas.options import OVER_ALL, ToolOptions
from app.canvas.tools import TOOLS
from app.canvas.tools.tool import Tool
from app.look.translation import tr, translated
from app.panels.label import key_actions as keys

if TYPE_CHECKING:
    from app.panels.label.labelling_panel import LabellingPanel

_FIRST = "brush"
_REMEMBERED = "labelling/options"
_PAINT_OVER = "labelling/paint_over"
_STEP_SHARE = 0.15


class LabellingTools(QObject):
    """Makes the tools and their actions.

    Attributes:
        tools: by key.
    """

    def __init__(self, panel: LabellingPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._editor = panel.editor
        self._canvas = panel.view.canvas
        self.tools: dict[str, Tool] = {}
        self._groups: list[list[QAction]] = []
        self._make_tools()
        self._make_actions()
        values = panel.context.settings.panel_values.get(_REMEMBERED)
        self._editor.options = ToolOptions.from_dict(values)
        panel.inspector_parts.options.refresh()
        self._canvas.main_option_stepped.connect(self.step_main_option)
        self._editor.options_changed.connect(self._on_options_changed)
        self._editor.committed.connect(self._on_committed)
        self._canvas.acted.connect(self.show_hint)
        self._editor.document_changed.connect(self._show_undo)
        self._editor.refused.connect(self._on_refused)
        self.take(_FIRST)
        self._show_undo()

    @property
    def current(self) -> Tool:
        """The tool in hand."""
        tool = self._canvas.tool
        assert tool is not None
        return tool

    def bar_actions(self) -> list[QAction | None]:
        """Return the tools' actions; None sets groups apart."""
        actions: list[QAction | None] = []
        for group in self._groups:
            if actions:
                actions.append(None)
            actions += group
        return actions

    def take(self, key: str) -> None:
        """Take up a tool."""
        tool = self.tools[key]
        if self._canvas.tool is not tool:
            self._canvas.set_tool(tool)
        self._panel.actions_[f"tool.{key}"].setChecked(True)
        self._panel.inspector_parts.show_tool(
            tool.name, tool.options, with_actions=key == "component"
        )
        self.show_hint()
        if not self._canvas.hasFocus() and self._panel.isVisible():
            self._canvas.setFocus()

    @Slot()
    def show_hint(self) -> None:
        """Say in the status line what the tool does now."""
        hint = translated(self.current.shown_hint())
        label = self._panel.view.status.hint
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
            self.current.step_back()
        else:
            self._editor.undo()

    def restore_paint_over(self) -> None:
        """Paint over the same class as before, in the project that was opened."""
        if self._panel.project is None:
            return
        name = self._panel.context.settings.panel_values.get(_PAINT_OVER)
        found = (label.id for label in self._panel.classes.labels if label.name == name)
        self._editor.set_option("only_over", next(found, OVER_ALL))

    def _make_tools(self) -> None:
        for classes in TOOLS:
            for tool_class in classes:
                self.tools[tool_class.key] = tool_class(self._editor, self._canvas)

    def _make_actions(self) -> None:
        actions = self._panel.actions_
        group = QActionGroup(self)
        for classes in TOOLS:
            made = []
            for tool in classes:
                spec = ActionSpec(
                    f"tool.{tool.key}", tool.title, keys.TOOLS, (tool.shortcut,), tool.icon, True
                )
                action = actions.add(spec, partial(self.take, tool.key))
                group.addAction(action)
                made.append(action)
            self._groups.append(made)
        actions.add(keys.SMALLER, lambda: self.step_main_option(-1))
        actions.add(keys.LARGER, lambda: self.step_main_option(1))
        actions.add(keys.SHAPE, self._change_shape)
        actions.add(keys.OVER, self._change_over)
        actions.add(keys.UNDO, self.undo)
        actions.add(keys.REDO, self._editor.redo)

    def _change_shape(self) -> None:
        is_round = self._editor.options.brush_shape == "round"
        self._editor.set_option("brush_shape", "square" if is_round else "round")

    def _change_over(self) -> None:
        over_all = self._editor.options.only_over == OVER_ALL
        self._editor.set_option("only_over", 0 if over_all else OVER_ALL)

    @Slot()
    def _on_options_changed(self) -> None:
        values = self._panel.context.settings.panel_values
        values[_REMEMBERED] = self._editor.options.to_dict()
        if not values[_REMEMBERED]:
            del values[_REMEMBERED]
        if self._panel.project is not None:  # by name: the ids of another project are others
            only = self._editor.options.only_over
            if only == OVER_ALL:
                values.pop(_PAINT_OVER, None)
            else:
                values[_PAINT_OVER] = self._panel.classes.name(only)
        self._panel.save_settings_soon()

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
            action = self._panel.actions_[spec.key]
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
        self._panel.view.notice.tell(text, role="warning", passing=True)
