"""Room for what the Labelling panel writes: nothing is cut off, nothing moves."""

from __future__ import annotations

import pytest
from labelling_parts import labelling_panel
from PySide6.QtWidgets import QApplication


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
