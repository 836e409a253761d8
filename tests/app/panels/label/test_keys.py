"""Who has the keys: the canvas, whatever was clicked beside it, and comments while they last."""

from __future__ import annotations

import pytest
from labelling_parts import labelling_panel, open_image, settle
from parts import wheel_down
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(opened, qtbot):
    made = labelling_panel(opened, qtbot)
    opened.window.activateWindow()
    made.view.canvas.setFocus()
    qtbot.waitUntil(made.view.canvas.hasFocus)
    return made


def click_class(panel, class_id: int) -> None:
    tree = panel.inspector_parts.classes.tree
    rect = tree.visualItemRect(tree.topLevelItem(class_id))
    QTest.mouseClick(tree.viewport(), LEFT, pos=rect.center())


def press(key: str) -> None:
    QTest.keyClick(QApplication.focusWidget(), key)


def test_after_a_click_on_a_class_keys_are_the_canvas_s(panel) -> None:
    click_class(panel, 2)
    assert panel.editor.class_id == 2 and panel.view.canvas.hasFocus()
    press("e")
    assert panel.tools.current.key == "eraser"
    press("b")  # once looked for a class that begins so
    assert panel.tools.current.key == "brush" and panel.editor.class_id == 2


def test_keys_work_in_the_inspector_too(panel) -> None:
    tree = panel.inspector_parts.classes.tree
    tree.setFocus(Qt.FocusReason.TabFocusReason)
    click_class(panel, 2)
    press("e")
    assert panel.tools.current.key == "eraser" and panel.editor.class_id == 2


def test_a_name_that_was_typed_gives_the_keys_back(panel, qtbot) -> None:
    panel.classes.choose(1)
    panel.workspace.actions["class.rename"].trigger()
    edit = panel.inspector_parts.classes.tree.findChild(QLineEdit)
    edit.setText("划痕")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    qtbot.waitUntil(panel.view.canvas.hasFocus)
    assert panel.workspace.classes.name(1) == "划痕"


def test_a_number_that_was_typed_gives_the_keys_back(panel) -> None:
    box = panel.inspector_parts.options._numbers["brush_size"][0]
    QTest.mouseClick(box, LEFT)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "33")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert panel.editor.options.brush_size == 33 and panel.view.canvas.hasFocus()


def test_the_wheel_scrolls_over_settings_and_does_not_change_them(panel) -> None:
    box = panel.inspector_parts.options.shape
    before = box.currentIndex()
    event = wheel_down(box)
    QApplication.sendEvent(box, event)
    assert box.currentIndex() == before and not event.isAccepted()
    box.setFocus()
    QApplication.sendEvent(box, event)
    assert box.currentIndex() == before + 1


def test_a_comment_stays_with_its_image(panel, qtbot) -> None:
    first, second = panel.images.ids[:2]
    open_image(qtbot, panel, first)
    comment = panel.inspector_parts.review.comment
    comment.setFocus()
    QTest.keyClicks(comment, "scratch left")
    open_image(qtbot, panel, second)  # a click on a thumbnail takes no focus
    settle(qtbot, panel)
    assert comment.text() == ""
    assert panel.project.image(first).comment == "scratch left"
    assert panel.project.image(second).comment == ""


def test_a_comment_is_saved_by_return_and_dropped_by_escape(panel, qtbot) -> None:
    first = panel.images.ids[0]
    open_image(qtbot, panel, first)
    comment = panel.inspector_parts.review.comment
    comment.setFocus()
    QTest.keyClicks(comment, "kept")
    QTest.keyClick(comment, Qt.Key.Key_Return)
    assert panel.view.canvas.hasFocus() and panel.project.image(first).comment == "kept"
    comment.setFocus()
    QTest.keyClicks(comment, " not")
    QTest.keyClick(comment, Qt.Key.Key_Escape)
    assert panel.view.canvas.hasFocus() and comment.text() == "kept"
    assert panel.project.image(first).comment == "kept"


def test_a_comment_being_typed_is_saved_when_the_project_is_closed(panel, qtbot) -> None:
    first, folder = panel.images.ids[0], panel.project.folder
    open_image(qtbot, panel, first)
    comment = panel.inspector_parts.review.comment
    comment.setFocus()
    QTest.keyClicks(comment, "half")
    panel.context.close_project()
    panel.context.open_project(folder)
    assert panel.project.image(first).comment == "half"
