"""Buttons that go on in the next line where there is no room."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QWidget

from app.widgets.flow_layout import FlowLayout


def test_items_wrap_and_the_height_follows(qtbot):
    outer = QWidget()
    qtbot.addWidget(outer)
    layout = FlowLayout(outer, spacing=8)
    buttons = [QPushButton(text) for text in ("Show the images", "Label more", "Split")]
    for one in buttons:
        layout.addWidget(one)
    wide = sum(one.sizeHint().width() + 8 for one in buttons)
    outer.resize(wide, 200)
    outer.show()
    assert len({one.y() for one in buttons}) == 1
    assert layout.heightForWidth(wide) == max(one.sizeHint().height() for one in buttons)
    narrow = buttons[0].sizeHint().width() + 2
    outer.resize(narrow, 200)
    layout.activate()
    assert len({one.y() for one in buttons}) >= 2
    assert all(one.geometry().right() <= narrow for one in buttons)
    assert layout.heightForWidth(narrow) > layout.heightForWidth(wide)
    assert layout.minimumSize().width() <= narrow
