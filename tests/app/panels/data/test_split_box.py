"""How images are divided: the fields have their room whatever stands above them."""

from __future__ import annotations

from itertools import combinations

from parts import wait_until_idle
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QSpinBox, QWidget

from app.panels.data.split_box import SplitBox
from core.data.validation import Finding
from core.system.messages import message

FIELDS = (QLabel, QSpinBox, QLineEdit, QAbstractButton)
FINDINGS = tuple(
    Finding(
        "warning",
        f"kind {number}",
        message(
            "Image {number} has a mask that is smaller than itself: draw it again.", number=number
        ),
        None,
    )
    for number in range(8)
)


def overlapping(split: SplitBox) -> list[tuple[QWidget, QWidget]]:
    """Return the fields, direct children alone, that lie over each other."""
    fields = [one for one in split.children() if isinstance(one, FIELDS) and not one.isHidden()]
    assert len(fields) > 8
    return [
        (one, other)
        for one, other in combinations(fields, 2)
        if one.geometry().intersects(other.geometry())
    ]


def test_findings_that_come_do_not_squeeze_the_fields(opened, qtbot):
    opened.window.resize(1100, 640)
    area = opened.window.work_area
    area.show_panel("dataset")
    panel = area.panels["dataset"]
    wait_until_idle(qtbot, panel)
    area.splitter.setSizes([840, 260])
    panel._on_findings(())
    qtbot.wait(1)
    split = panel._inspector.split
    assert overlapping(split) == []
    panel._on_findings(FINDINGS)
    area.show_panel("labelling")
    area.show_panel("dataset")
    for milliseconds in (0, 1, 1, 50):  # until the scroll area has grown, at each step of the way
        qtbot.wait(milliseconds)
        assert overlapping(split) == []
        assert split.height() >= split.heightForWidth(split.width())
    column = area._inspectors
    assert column.height() >= column.heightForWidth(column.width())  # all of it can be scrolled to
