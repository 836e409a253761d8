"""Regions in Label: drawn for all images or for one, hatched on the canvas, keys kept apart."""

from __future__ import annotations

import pytest
from canvas_parts import Pointing
from labelling_parts import labelling_panel, open_image, settle, trigger

from core.annotation.inspected_regions import RegionKind
from core.portable.cleaning import InspectedArea


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


def ignored(panel):
    return panel.view.canvas._layers.mask._ignored


def test_regions_of_all_images_and_of_one(panel, qtbot) -> None:
    project, row = panel.project, panel.session.row
    assert ignored(panel) is None
    trigger(panel, "image.regions")
    page = panel.regions.page
    settle(qtbot, panel)
    assert panel.view.currentWidget() is page and page.for_all.isChecked()
    Pointing(page.drawing.canvas).drag((4, 4), (24, 20))
    area = project.own_area()
    assert len(area.regions) == 1 and not area.dont_care
    assert ignored(panel)[0, 0] and not ignored(panel)[10, 10]

    page.for_one.click()
    settle(qtbot, panel)
    page.state.set_kind(RegionKind.IGNORE)
    Pointing(page.drawing.canvas).drag((30, 20), (40, 30))
    assert len(project.own_area(row.id).dont_care) == 1 and project.own_area() == area
    assert not ignored(panel)[0, 0] and ignored(panel)[25, 35]  # it goes by its own alone
    page.state.undo()
    assert project.own_area(row.id) == InspectedArea() and ignored(panel)[0, 0]
    page.drawing.done_requested.emit()
    assert not panel.regions.is_drawing

    other = panel.images.ids[1]
    open_image(qtbot, panel, other)
    assert ignored(panel)[0, 0]


def test_while_regions_are_drawn_the_keys_are_theirs(panel, qtbot) -> None:
    action = panel.workspace.actions["tool.rectangle"]
    assert action in panel.actions()
    trigger(panel, "image.regions")
    settle(qtbot, panel)
    assert action not in panel.actions() and action not in panel.inspector_parts.actions()
    panel.images.refresh()  # counts are read again meanwhile
    settle(qtbot, panel)
    assert panel.view.currentWidget() is panel.regions.page
    open_image(qtbot, panel, panel.images.ids[1])  # as other panels ask for
    assert not panel.regions.is_drawing and action in panel.actions()
