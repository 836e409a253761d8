"""Images that were chosen elsewhere are labelled one after the other."""

from __future__ import annotations

import pytest
from labelling_parts import labelling_panel, open_image, settle, trigger

from app.services.targets import LabelImage, LabelImages


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


def paths(panel, *places):
    rows = panel.project.images()
    return tuple(rows[place].path for place in places)


def wait_for(qtbot, panel, image_id) -> None:
    qtbot.waitUntil(
        lambda: panel.session.row is not None and panel.session.row.id == image_id, timeout=20_000
    )
    settle(qtbot, panel)


def test_they_are_the_strip_in_their_order(panel, qtbot) -> None:
    every = list(panel.images.ids)
    wanted = paths(panel, 2, 0)
    ids = [panel.project.find_image(path) for path in wanted]
    panel.navigate(LabelImages(wanted))
    wait_for(qtbot, panel, ids[0])
    strip = panel.view.strip
    assert list(panel.images.ids) == ids
    assert strip.queue_button.isVisible()
    assert strip.queue_button.text() == "2 chosen images"
    trigger(panel, "image.next")
    wait_for(qtbot, panel, ids[1])
    strip.queue_button.click()
    settle(qtbot, panel)
    assert list(panel.images.ids) == every
    assert strip.queue_button.isHidden()
    assert panel.session.row.id == ids[1]


def test_another_image_ends_them(panel, qtbot) -> None:
    panel.navigate(LabelImages(paths(panel, 2, 0)))
    inside, outside = paths(panel, 0, 1)
    panel.navigate(LabelImage(inside))
    wait_for(qtbot, panel, panel.project.find_image(inside))
    assert len(panel.images.ids) == 2
    panel.navigate(LabelImage(outside))
    wait_for(qtbot, panel, panel.project.find_image(outside))
    assert panel.view.strip.queue_button.isHidden()
    assert len(panel.images.ids) == len(panel.project.images())


def test_images_that_are_gone_are_left_out(panel, qtbot, tmp_path) -> None:
    before = list(panel.images.ids)
    panel.navigate(LabelImages((tmp_path / "gone.png",)))
    settle(qtbot, panel)
    assert list(panel.images.ids) == before
    assert panel.view.strip.queue_button.isHidden()


def test_the_image_that_data_shows_is_opened(opened, qtbot) -> None:
    area = opened.window.work_area
    made = labelling_panel(opened, qtbot)
    third, fourth = made.images.ids[2:4]
    data = area.panels["dataset"]
    area.show_panel("dataset")
    data.grid.opened.emit(third)
    area.show_panel("labelling")
    wait_for(qtbot, made, third)
    area.show_panel("dataset")  # nothing else is opened there
    open_image(qtbot, made, fourth)
    area.show_panel("labelling")
    settle(qtbot, made)
    assert made.session.wanted == fourth
