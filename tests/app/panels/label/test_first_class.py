"""A project without classes: the first stroke makes one, is painted, and asks for its name."""

from __future__ import annotations

import pytest
from labelling_parts import saved, settle, stroke
from project_samples import write_images
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from app.panels.label.widgets.class_palette import COUNT_ROLE


@pytest.fixture
def panel(application, qtbot, tmp_path):
    application.context.create_project(tmp_path / "空 project", "Empty")
    project = application.context.project
    project.add_images(write_images(tmp_path / "图", 6))
    application.context.dataset_changed.emit()
    area = application.window.work_area
    area.show_panel("labelling")
    made = area.panels["labelling"]
    settle(qtbot, made)
    qtbot.waitUntil(lambda: made.editor.document is not None, timeout=20_000)
    return made


def names(panel) -> list[str]:
    return [label.name for label in panel.project.labels()]


def test_the_stroke_is_painted_and_named(panel, qtbot):
    assert panel.inspector_parts.classes.hint.isVisible()
    stroke(panel, (3, 3), (9, 9))
    popover = panel.first_class.popover
    assert popover.isVisible() and popover.name.selectedText() == "Defect"
    assert panel.view.canvas.rect().contains(popover.geometry())
    popover.name.insert("划痕 Scratch")
    QTest.keyClick(popover.name, Qt.Key.Key_Return)
    assert not popover.isVisible()
    assert names(panel) == ["background", "划痕 Scratch"]
    assert panel.project.labels()[1].color == (230, 159, 0)
    settle(qtbot, panel)
    assert set(saved(panel, panel.images.ids[0]).ravel()) == {0, 1}
    assert panel.view.canvas.class_color(1) == QColor(230, 159, 0)
    stroke(panel, (3, 12), (9, 12))
    assert not popover.isVisible(), "it asks once"
    settle(qtbot, panel)
    assert names(panel) == ["background", "划痕 Scratch"]


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, None])
def test_whoever_does_not_answer_keeps_the_stroke(panel, qtbot, key):
    stroke(panel, (3, 3), (9, 9))
    if key is None:  # goes on painting
        stroke(panel, (3, 12), (9, 12))
        panel.view.canvas.setFocus()
    else:
        QTest.keyClicks(panel.first_class.popover.name, "Scr")
        QTest.keyClick(panel.first_class.popover.name, key)
    assert not panel.first_class.popover.isVisible()
    settle(qtbot, panel)
    assert names(panel) == ["background", "Defect"]
    assert 1 in saved(panel, panel.images.ids[0])


def test_looking_around_and_erasing_make_no_class(panel, qtbot):
    for tool in ("pan", "eraser", "component"):
        panel.tools.take(tool)
        stroke(panel, (3, 3), (9, 9))
    QTest.mouseClick(panel.view.canvas, Qt.MouseButton.RightButton)
    assert names(panel) == [] and not panel.first_class.popover.isVisible()


def test_a_polygon_asks_when_it_is_closed(panel, qtbot):
    panel.tools.take("polygon")
    canvas = panel.view.canvas
    for x, y in ((2, 2), (15, 2), (15, 10)):
        place = canvas.to_widget(x + 0.5, y + 0.5).toPoint()
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
        assert not panel.first_class.popover.isVisible()
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert panel.first_class.popover.isVisible()
    QTest.keyClick(panel.first_class.popover.name, Qt.Key.Key_Return)
    settle(qtbot, panel)
    assert names(panel) == ["background", "Defect"]


def test_the_counter_follows_the_strokes(panel, qtbot):
    panel.editor.set_option("brush_size", 1)
    stroke(panel, (3, 3), (5, 3))
    panel.first_class.popover.hide()
    palette = panel.inspector_parts.classes
    qtbot.waitUntil(lambda: "Defect: 1 of about" in palette.progress.toolTip(), timeout=20_000)
    row = palette.tree.topLevelItem(1)
    assert row.data(0, COUNT_ROLE).startswith("1/")
    assert "Defect: 1 of about" in str(panel.status().reason)
    stroke(panel, (3, 12), (5, 12))
    qtbot.waitUntil(lambda: "Defect: 2 of about" in palette.progress.toolTip(), timeout=20_000)
    settle(qtbot, panel)
