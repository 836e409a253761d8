"""The window's search box: in Label it filters the row of images and stays there."""

from __future__ import annotations

from labelling_parts import labelling_panel, settle
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.project import Project


def test_searching_while_labelling_leaves_only_what_was_found(opened, qtbot) -> None:
    panel, search = labelling_panel(opened, qtbot), opened.window.top_bar.search
    every = list(panel.images.ids)
    wanted = panel.project.image(every[4])
    search.setText(wanted.name)
    qtbot.waitUntil(lambda: list(panel.images.ids) == [wanted.id], timeout=20_000)
    assert opened.window.work_area.current_panel is panel
    assert panel.session.wanted == every[0]  # until the user is done with typing
    QTest.keyClick(search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == wanted.id)
    assert panel.view.canvas.hasFocus() or not opened.window.isActiveWindow()
    search.clear()
    qtbot.waitUntil(lambda: list(panel.images.ids) == every, timeout=20_000)
    settle(qtbot, panel)
    assert panel.session.wanted == wanted.id


def test_searching_elsewhere_goes_to_the_data(opened, qtbot) -> None:
    opened.window.work_area.show_panel("model")
    opened.window.top_bar.search.setText("part")
    assert opened.window.work_area.current_panel.key == "dataset"


def test_there_is_nothing_to_search_before_there_are_images(
    application, tmp_path, seg_folder
) -> None:
    search = application.window.top_bar.search
    assert not search.isEnabled()
    Project.create(tmp_path / "p", labels=["a", "b", "c", "d"], background=False).close()
    application.context.open_project(tmp_path / "p")
    assert not search.isEnabled()
    application.context.project.add_images([next((seg_folder / "images").iterdir())])
    application.context.dataset_changed.emit()
    assert search.isEnabled()
    application.context.close_project()
    assert not search.isEnabled()
