"""Room for what the Labelling panel writes: nothing is cut off, nothing moves."""

from __future__ import annotations

from itertools import pairwise

import pytest
from labelling_parts import labelling_panel
from PySide6.QtWidgets import QApplication, QToolButton

from app.panels.label.widgets.tool_bar import ToolBar


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


def test_numbers_of_three_digits_fit_their_boxes(panel) -> None:
    panel.tools.take("brush")
    panel.editor.set_option("brush_size", 400)
    QApplication.processEvents()
    edit = panel.inspector_parts.options._numbers["brush_size"][0].lineEdit()
    margins = edit.textMargins()
    room = edit.width() - margins.left() - margins.right() - 4  # what a line edit keeps free
    assert edit.text() == "400 px"
    assert edit.fontMetrics().horizontalAdvance(edit.text()) <= room


def test_saving_does_not_move_the_hint(panel) -> None:
    status = panel.view.status
    places = set()
    for pending in (True, False):
        status.show_saved(pending)
        QApplication.processEvents()
        places.add((status.hint.geometry().getRect(), status.saved.geometry().getRect()))
    assert len(places) == 1


def test_every_tool_is_seen_in_a_low_window(opened, panel, qtbot) -> None:
    opened.window.resize(1280, 690)
    QApplication.processEvents()
    bar = panel.view.findChild(ToolBar)
    buttons = bar.findChildren(QToolButton)
    boxes = [button.geometry() for button in buttons]
    assert len(boxes) == len(panel.workspace.tools)
    assert all(above.bottom() < below.top() for above, below in pairwise(boxes))
    assert boxes[-1].bottom() < bar.height() and bar.height() <= panel.view.canvas.height()
    opened.window.resize(1280, 1000)
    QApplication.processEvents()
    assert buttons[0].height() == 36
