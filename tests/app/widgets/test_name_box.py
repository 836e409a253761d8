"""Long names are shortened where they are chosen, and whole where one chooses."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from app.widgets.name_box import NameBox

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
LONG = "#12 EfficientNetLite0-FPN 磁瓦 with a name that nobody shortened · pruned −40 % + int8"


@pytest.fixture
def box(qtbot):
    made = NameBox()
    qtbot.addWidget(made)
    made.addItems([LONG, "#3"])
    made.setToolTip("The model to look at")
    made.resize(180, made.sizeHint().height())
    made.show()
    qtbot.waitExposed(made)
    return made


def tooltip(box: NameBox) -> str:
    place = QPoint(5, 5)
    event = QHelpEvent(QEvent.Type.ToolTip, place, box.mapToGlobal(place))
    QApplication.sendEvent(box, event)
    return QToolTip.text()


def test_both_ends_of_a_long_name_are_seen(box) -> None:
    shown = box.shown_text
    assert shown != LONG and shown.startswith("#12") and shown.endswith("int8")
    assert box.currentText() == LONG
    assert tooltip(box) == f"{LONG}\nThe model to look at"
    box.setCurrentIndex(1)
    assert box.shown_text == "#3" and tooltip(box) == "The model to look at"


def test_the_list_has_whole_names(box) -> None:
    assert box.minimumSizeHint().width() < box.fontMetrics().horizontalAdvance(LONG) / 2
    box.showPopup()
    needed = min(box.fontMetrics().horizontalAdvance(LONG), box.screen().availableSize().width())
    assert box.view().viewport().width() >= needed
    box.hidePopup()
