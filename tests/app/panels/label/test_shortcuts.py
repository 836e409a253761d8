"""Shortcuts of the Labelling panel beside those of the window, and changing them."""

from __future__ import annotations

import pytest
from labelling_parts import labelling_panel, trigger
from PySide6.QtGui import QKeySequence

from app.panels.label.widgets.shortcut_editor import ShortcutEditor
from app.services.settings import SettingsStore


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


@pytest.fixture
def editor(panel):
    trigger(panel, "view.shortcuts")
    return panel.findChild(ShortcutEditor)


def choose(editor, key: str) -> None:
    for place in range(editor.tree.topLevelItemCount()):
        item = editor.tree.topLevelItem(place)
        if item.data(0, 256) == key:
            editor.tree.setCurrentItem(item)
            return
    raise KeyError(key)


def give(editor, keys: str) -> None:
    editor.edit.setKeySequence(QKeySequence(keys))
    editor.edit.editingFinished.emit()


def test_no_shortcut_of_the_panel_belongs_to_the_window(panel) -> None:
    actions = panel.workspace.actions
    taken = {
        (spec.key, keys): other
        for spec in actions.specs
        for keys in actions.keys(spec.key)
        if (other := actions.taken_by_window(keys)) is not None
    }
    assert taken == {}
    assert actions.taken_by_window("Ctrl+Shift+L") == "Language"
    assert actions.taken_by_window("Ctrl+F") == "Search images"
    assert actions.taken_by_window("") is None


def test_a_shortcut_of_the_window_is_refused(panel, editor) -> None:
    choose(editor, "tool.brush")
    give(editor, "Ctrl+2")
    assert panel.workspace.actions.keys("tool.brush") == ("B",)
    assert "Label" in editor.note.text()
    assert editor.edit.keySequence() == QKeySequence("B")
    give(editor, "Ctrl+Alt+B")
    assert panel.workspace.actions.keys("tool.brush") == ("Ctrl+Alt+B",)
    assert editor.note.text() == ""


@pytest.mark.parametrize("keys", ["Space", "Return", "Del", "Left", "Shift+Up"])
def test_keys_of_the_crosshair_are_refused(panel, editor, keys) -> None:
    choose(editor, "tool.brush")
    give(editor, keys)
    assert panel.workspace.actions.keys("tool.brush") == ("B",)
    assert "crosshair" in editor.note.text()


def test_what_was_chosen_survives_a_restart(opened, panel, editor) -> None:
    choose(editor, "tool.brush")
    give(editor, "Z")
    editor.reject()
    read = SettingsStore(opened.context.store.path).settings.panel_values["labelling/shortcuts"]
    panel.workspace.actions.reset()
    panel.workspace.actions.restore(read)
    assert panel.workspace.actions["tool.brush"].shortcut() == QKeySequence("Z")
