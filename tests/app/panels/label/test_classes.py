"""The list of classes in the Labelling panel: adding, order and deleting, with keys alone."""

from __future__ import annotations

import numpy as np
import pytest
from labelling_parts import labelling_panel, settle, trigger
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QColorDialog

from app.panels.label.widgets.class_dialogs import AddClassDialog, MergeClassDialog
from app.widgets import dialogs


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


def dialog(kind):
    return next(
        found
        for found in QApplication.topLevelWidgets()
        if isinstance(found, kind) and found.isVisible()
    )


def names(panel) -> list[str]:
    return [label.name for label in panel.workspace.classes.labels]


def test_a_taken_name_is_refused_while_it_is_typed(panel) -> None:
    before = names(panel)
    trigger(panel, "class.add")
    made = dialog(AddClassDialog)
    made.name.setText(f" {before[1]} ")
    assert before[1] in made.note.text()
    made.accept()
    assert made.isVisible() and names(panel) == before  # nothing that was typed is lost
    made.name.setText("气孔 2")
    assert made.note.text() == ""
    made.accept()
    assert names(panel) == [*before, "气孔 2"]


def test_classes_are_moved_and_recoloured_by_keys(panel) -> None:
    before = names(panel)
    panel.classes.choose(1)
    trigger(panel, "class.down")
    assert names(panel) == [before[0], before[2], before[1], *before[3:]]
    assert panel.editor.class_id == 1
    trigger(panel, "class.up")
    assert names(panel) == before
    trigger(panel, "class.recolor")
    made = dialog(QColorDialog)
    made.setCurrentColor(QColor(1, 2, 3))
    made.accept()
    assert panel.workspace.classes.colors[1] == (1, 2, 3)


def test_merging_offers_another_class_before_the_background(panel) -> None:
    panel.classes.choose(1)
    trigger(panel, "class.merge")
    made = dialog(MergeClassDialog)
    assert made.target.currentData() == 2
    made.reject()


def test_a_class_is_deleted_by_a_key_once_that_is_confirmed(panel, qtbot, monkeypatch) -> None:
    before = names(panel)
    answers = [False, True]
    monkeypatch.setattr(dialogs, "ask", lambda *_args, **_named: answers.pop(0))
    panel.classes.choose(1)
    trigger(panel, "class.delete")
    assert names(panel) == before
    trigger(panel, "class.delete")
    settle(qtbot, panel)
    assert names(panel) == [before[0], *before[2:]]
    assert [label.id for label in panel.workspace.classes.labels] == [0, *range(2, len(before))]
    trigger(panel, "class.1")  # keys go by the row
    assert panel.editor.class_id == 2


def test_what_was_copied_of_a_deleted_class_is_not_pasted(panel, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(dialogs, "ask", lambda *_args, **_named: True)
    panel.classes.choose(1)
    panel.selection.copy()
    trigger(panel, "class.delete")
    settle(qtbot, panel)
    before = panel.editor.document.mask.copy()
    panel.selection.paste()
    assert np.array_equal(panel.editor.document.mask, before) and not (before == 1).any()


def test_a_refused_name_is_told_beside_the_list(panel) -> None:
    before = names(panel)
    told = []
    panel.context.error_occurred.connect(told.append)
    for refused in (before[2], ""):
        panel.inspector_parts.classes.rename_requested.emit(1, refused)
        assert names(panel) == before
        assert panel.inspector_parts.classes.tree.topLevelItem(1).text(0) == before[1]
        assert panel.view.notice.isVisible()
        panel.view.notice.clear()
    assert told == []


def test_a_notice_does_not_move_the_picture(panel, qtbot) -> None:
    scale, place = panel.view.canvas.viewport.scale, panel.view.canvas.geometry()
    panel.view.notice.tell("A word", passing=True)
    QApplication.processEvents()
    assert panel.view.notice.isVisible() and panel.view.notice.width() > 200
    assert panel.view.canvas.geometry() == place and panel.view.canvas.viewport.scale == scale
    panel.view.notice._timer.timeout.emit()
    assert not panel.view.notice.isVisible()


def test_one_of_many_classes_is_found_by_typing(panel, qtbot) -> None:
    search, tree = panel.inspector_parts.classes.search, panel.inspector_parts.classes.tree
    assert not search.isVisible()  # a few are seen at once
    for number in range(20):
        panel.project.add_class(f"层 {number}")
    panel.classes.refresh()
    assert search.isVisible()
    trigger(panel, "class.find")
    search.setText("层 17")
    shown = [
        tree.topLevelItem(place).text(0)
        for place in range(tree.topLevelItemCount())
        if not tree.topLevelItem(place).isHidden()
    ]
    assert shown == ["层 17"]
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert panel.workspace.classes.name(panel.editor.class_id) == "层 17"
    assert search.text() == "" and not tree.topLevelItem(0).isHidden()
    search.setText("no such class")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert panel.workspace.classes.name(panel.editor.class_id) == "层 17" and search.text() == ""
    search.setText("层 3")
    QTest.keyClick(search, Qt.Key.Key_Escape)
    assert search.text() == "" and panel.workspace.classes.name(panel.editor.class_id) == "层 17"
