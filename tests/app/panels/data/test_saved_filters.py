"""The menu of saved filters."""

from __future__ import annotations

import pytest
from parts import wait_until_idle
from PySide6.QtWidgets import QMenu

from core.project import ImageQuery


@pytest.fixture
def panel(opened, qtbot):
    panel = opened.window.work_area.panels["dataset"]
    wait_until_idle(qtbot, panel)
    return panel


def entries(menu: QMenu) -> dict[str, object]:
    menu.aboutToShow.emit()
    return {action.text(): action for action in menu.actions() if action.text()}


def test_what_is_chosen_is_saved_taken_again_and_forgotten(panel, opened, qtbot):
    menu, bar, project = panel.saved_filters.menu, panel.filters, opened.context.project
    search = opened.window.top_bar.search
    first = entries(menu)
    assert not first["Nothing is saved yet"].isEnabled()
    assert not first["Save these filters"].isEnabled()  # nothing is chosen

    bar.subset.setCurrentIndex(bar.subset.findData("val"))
    bar.class_box.setCurrentIndex(1)
    search.setText("1")
    qtbot.waitUntil(lambda: panel._text == "1")
    entries(menu)["Save these filters"].trigger()
    name = f"Validation · {bar.class_box.itemText(1)} · “1”"
    wanted = ImageQuery("val", class_id=bar.class_id, text="1")
    assert project.saved_filters() == (wanted,)

    bar.reset()
    search.setText("")
    entries(menu)[name].trigger()
    assert (bar.subset_value, bar.class_id, search.text()) == ("val", wanted.class_id, "1")
    wait_until_idle(qtbot, panel)

    assert entries(menu)[name].isChecked()
    entries(menu)[f"Forget “{name}”"].trigger()
    assert project.saved_filters() == ()
