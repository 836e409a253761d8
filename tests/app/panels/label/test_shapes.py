"""Shapes in the Labelling panel: over other images, restarts, merged classes and damage."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from labelling_parts import LEFT, labelling_panel, open_image, saved, settle
from parts import SIZE
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.services.targets import LabelImage
from core.annotation.shape_text import shapes_from_text

NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
CORNERS = ((5, 20), (20, 20), (20, 28), (5, 28))


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


def mouse(panel, kind, point, *, held=LEFT, keys=NONE) -> None:
    canvas = panel.view.canvas
    place = QPointF(canvas.to_widget(point[0] + 0.5, point[1] + 0.5).toPoint())
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else LEFT
    event = QMouseEvent(kind, place, canvas.mapToGlobal(place), button, held, keys)
    QApplication.sendEvent(canvas, event)


def drag(panel, start, end, *, keys=NONE) -> None:
    mouse(panel, QEvent.Type.MouseButtonPress, start, keys=keys)
    mouse(panel, QEvent.Type.MouseMove, end, keys=keys)
    mouse(panel, QEvent.Type.MouseButtonRelease, end, held=Qt.MouseButton.NoButton, keys=keys)


def draw_polygon(panel) -> None:
    panel.classes.choose(2)
    panel.tools.take("polygon")
    for corner in CORNERS:
        drag(panel, corner, corner)
    QTest.keyClick(panel.view.canvas, Qt.Key.Key_Return)


def polygon_tool(panel):
    return panel.workspace.tools["polygon"]


def open_shape(panel, point):
    panel.tools.take("polygon")
    drag(panel, point, point, keys=CTRL)
    return polygon_tool(panel).outline


def check_edit(panel, image_id, qtbot) -> None:
    """Open the polygon, drag a corner; the mask is the polygon's pixels and is saved."""
    outline = open_shape(panel, (10, 25))
    assert len(outline.polygon.outer) == 4
    drag(panel, CORNERS[2], (40, 30))
    shape = panel.editor.document.layers.shapes[0]
    region = shape.outline.region(SIZE).in_box((0, 0, *SIZE))
    assert region[29, 38] and np.array_equal(panel.editor.document.mask == 2, region)
    settle(qtbot, panel)
    assert np.array_equal(saved(panel, image_id) == 2, region)
    (stored,) = shapes_from_text(panel.project.shapes_text(image_id))
    assert stored.same_as(shape)


def clean_image(panel, qtbot) -> int:
    image_id = panel.images.ids[0]
    open_image(qtbot, panel, panel.images.ids[1])
    panel.project.save_label_map(image_id, np.zeros((SIZE[1], SIZE[0]), np.uint8))
    open_image(qtbot, panel, image_id)
    return image_id


def test_a_polygon_is_edited_after_going_to_another_image(panel, qtbot) -> None:
    image_id = clean_image(panel, qtbot)
    draw_polygon(panel)
    open_image(qtbot, panel, panel.images.ids[1])
    assert polygon_tool(panel).outline is None and not panel.editor.document.layers.shapes
    open_image(qtbot, panel, image_id)
    panel.classes.choose(1)
    check_edit(panel, image_id, qtbot)
    current = panel.inspector_parts.classes.tree.currentItem()
    assert panel.editor.class_id == 2 and "pit" in [current.text(c) for c in range(3)]
    panel.editor.undo()
    panel.editor.undo()
    settle(qtbot, panel)
    assert not saved(panel, image_id).any() and panel.project.shapes_text(image_id) is None
    panel.editor.redo()
    settle(qtbot, panel)
    assert len(shapes_from_text(panel.project.shapes_text(image_id))) == 1


def test_a_polygon_is_edited_after_a_restart(panel, qtbot) -> None:
    image_id = clean_image(panel, qtbot)
    draw_polygon(panel)
    folder = panel.project.folder
    panel.context.close_project()
    panel.context.open_project(folder)
    panel.context.navigate(LabelImage(image_id))
    qtbot.waitUntil(lambda: panel.editor.document is not None, timeout=20_000)
    settle(qtbot, panel)
    check_edit(panel, image_id, qtbot)


def test_a_polygon_is_edited_after_classes_were_merged(panel, qtbot) -> None:
    image_id = clean_image(panel, qtbot)
    draw_polygon(panel)
    panel.classes._replace(1, 0)
    qtbot.waitUntil(lambda: len(panel.project.labels()) == 2, timeout=20_000)
    settle(qtbot, panel)
    qtbot.waitUntil(lambda: panel.editor.document is not None, timeout=20_000)
    (shape,) = panel.editor.document.layers.shapes
    assert shape.class_id == 2
    outline = open_shape(panel, (10, 25))
    assert len(outline.polygon.outer) == 4 and panel.editor.class_id == 2
    assert panel.project.image(image_id).mask_hash is not None


def test_damaged_shapes_are_told_and_the_mask_is_shown(panel, qtbot) -> None:
    image_id = clean_image(panel, qtbot)
    draw_polygon(panel)
    settle(qtbot, panel)
    painted = panel.editor.document.mask.copy()
    open_image(qtbot, panel, panel.images.ids[1])
    with closing(sqlite3.connect(panel.project.folder / "project.db")) as connection:
        connection.execute("UPDATE image_shapes SET data = '[[1, 2'")
        connection.commit()
    told: list[Exception] = []
    panel.session.failed.connect(told.append)
    panel.context.error_occurred.disconnect()
    open_image(qtbot, panel, image_id)
    assert len(told) == 1 and "are damaged in project.db" in str(told[0])
    assert np.array_equal(panel.editor.document.mask, painted)
    assert not panel.editor.document.layers.shapes
