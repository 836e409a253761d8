"""Regions in the stage of rules: drawn on an image, undone, kept, and obeyed at once."""

from __future__ import annotations

import numpy as np
import pytest
import ship_parts as parts
from canvas_parts import CTRL, RIGHT, Pointing
from PySide6.QtCore import Qt
from ship_parts import context, panel, project, root, settle, show

from app.panels.ship.outcome_grid import small_picture
from app.panels.ship.stage_bar import Stage
from core.annotation.inspected_regions import RegionKind
from core.images.io import read_image
from core.project import ImageQuery
from core.project.judging_file import read_judging

__all__ = ["context", "panel", "project", "root"]

KEY = Qt.Key


@pytest.fixture
def page(qtbot, panel, project, root):
    """The stage with the validation images tried, and the canvas open."""
    parts.record_trial(project, root)
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.RULES)
    panel.judging_choices.area.draw_button.click()
    settle(qtbot, panel)
    assert panel.page.judging.is_drawing
    return panel.page.judging


@pytest.fixture
def mouse(page):
    return Pointing(page.drawing.canvas)


def kept(project, name: str) -> list:
    """Return the pixels of the corners, by polygon."""
    polygons = read_judging(project.folder).get(name, [])
    return [[(int(x), int(y)) for x, y in one] for one in polygons]


def excluded(page) -> np.ndarray:
    document = page.drawing.canvas._editor.document
    return document.mask == 1


def test_a_rectangle_is_drawn_kept_and_obeyed(qtbot, panel, page, mouse, project) -> None:
    before = [len(one.objects) for one in page.review.images]
    assert sum(before) > 0
    mouse.drag((20, 10), (50, 30))
    settle(qtbot, panel)
    assert kept(project, "regions") == [[(20, 10), (50, 10), (50, 30), (20, 30)]]
    assert kept(project, "dont_care") == []
    outside = np.ones((96, 128), bool)
    outside[10:31, 20:51] = False
    np.testing.assert_array_equal(excluded(page), outside)
    for one in page.review.images:
        label_map = one.clean_label_map(0)
        assert not label_map[outside].any()
    boxes = [found.box for one in page.review.images for found in one.objects]
    assert all(x0 >= 20 and y0 >= 10 and x1 <= 51 and y1 <= 31 for x0, y0, x1, y1 in boxes)
    rows = panel.judging_choices.area.rows
    assert [rows.item(i).text() for i in range(rows.count())] == ["Look only here: 31 × 21"]


def test_what_is_ignored_is_no_defect_that_was_missed(qtbot, panel, page, mouse, project) -> None:
    assert "6 of 6 defective parts are found." in page.effect.text()
    page.drawing.actions_["region.ignore"].trigger()
    mouse.drag((0, 0), (127, 95))
    settle(qtbot, panel)
    assert excluded(page).all()
    assert "6 of 6 good parts are accepted." in page.effect.text()


def test_a_polygon_is_closed_at_its_first_corner_and_changed(qtbot, panel, page, mouse, project):
    page.drawing.actions_["region.polygon"].trigger()
    for place in ((10, 10), (60, 10), (60, 50)):
        mouse.click(*place)
    assert kept(project, "regions") == []
    page.drawing.actions_["region.undo"].trigger()  # a corner is taken back
    mouse.click(60, 60)
    mouse.click(10, 10)
    assert kept(project, "regions") == [[(10, 10), (60, 10), (60, 60)]]
    mouse.drag((60, 60), (40, 70))  # a corner
    mouse.drag((35, 10), (35, 2))  # the middle of an edge becomes one
    assert kept(project, "regions") == [[(10, 10), (35, 2), (60, 10), (40, 70)]]
    mouse.click(60, 10, button=RIGHT)
    assert kept(project, "regions") == [[(10, 10), (35, 2), (40, 70)]]
    mouse.drag((30, 20), (40, 25), keys=CTRL)  # as a whole
    assert kept(project, "regions") == [[(20, 15), (45, 7), (50, 75)]]
    for _ in range(4):
        page.drawing.actions_["region.undo"].trigger()
    assert kept(project, "regions") == [[(10, 10), (60, 10), (60, 60)]]
    page.drawing.actions_["region.redo"].trigger()
    assert len(kept(project, "regions")[0]) == 3


def test_a_kind_changes_what_was_picked_not_what_was_just_drawn(page, mouse, project) -> None:
    ignore, inspect = (page.drawing.actions_[f"region.{one}"] for one in ("ignore", "inspect"))
    mouse.drag((10, 10), (90, 80))
    ignore.trigger()  # for the next one
    mouse.drag((30, 30), (40, 40))
    assert [one.kind for one in page.regions.regions] == [RegionKind.INSPECT, RegionKind.IGNORE]
    mouse.click(60, 60)
    assert page.regions.selected == 0
    assert inspect.isChecked()  # that of the region
    ignore.trigger()
    assert [one.kind for one in page.regions.regions] == [RegionKind.IGNORE] * 2
    assert len(kept(project, "dont_care")) == 2


def test_everything_by_keys(qtbot, panel, page, project) -> None:
    canvas = page.drawing.canvas
    qtbot.keyClick(canvas, KEY.Key_Space)  # shows the crosshair
    assert canvas.keyboard.shown
    qtbot.keyClick(canvas, KEY.Key_Space)  # takes up a corner
    for _ in range(3):
        qtbot.keyClick(canvas, KEY.Key_Right, Qt.KeyboardModifier.ShiftModifier)
        qtbot.keyClick(canvas, KEY.Key_Down)
    qtbot.keyClick(canvas, KEY.Key_Space)
    assert len(kept(project, "regions")) == 1
    qtbot.keyClick(canvas, KEY.Key_Delete)
    assert kept(project, "regions") == []
    page.regions.undo()
    rows = panel.judging_choices.area.rows
    rows.setCurrentRow(0)
    qtbot.keyClick(rows, KEY.Key_Delete)
    assert kept(project, "regions") == []
    qtbot.keyClick(canvas, KEY.Key_Escape)
    assert not page.is_drawing  # nothing was chosen, nothing begun


def test_escape_first_drops_then_lets_go_then_leaves(qtbot, page, mouse) -> None:
    canvas = page.drawing.canvas
    mouse.drag((10, 10), (90, 80))
    page.drawing.actions_["region.polygon"].trigger()
    mouse.click(100, 20)
    for begun, chosen, drawing in ((False, None, True), (False, None, False)):
        qtbot.keyClick(canvas, KEY.Key_Escape)
        assert canvas.regions.busy is begun
        assert page.regions.selected is chosen
        assert page.is_drawing is drawing
    assert len(page.regions.regions) == 1


def test_regions_come_back_and_can_all_be_removed(qtbot, panel, page, mouse, project) -> None:
    mouse.drag((20, 10), (50, 30))
    page.drawing.actions_["region.ignore"].trigger()
    mouse.drag((25, 15), (30, 20))
    settle(qtbot, panel)
    page.drawing.done_button.click()
    assert not page.is_drawing
    show(qtbot, panel, project)
    assert [one.kind for one in page.regions.regions] == [RegionKind.INSPECT, RegionKind.IGNORE]
    assert [one.outline.kind for one in page.regions.regions] == ["rectangle"] * 2
    area = panel.judging_choices.area
    assert area.summary.text() == "Only what lies in a region is inspected."
    panel.judging_choices.doubt_box.setValue(0.3)  # another setting leaves them
    assert len(kept(project, "regions")) == 1
    area.clear_button.click()
    assert kept(project, "regions") == kept(project, "dont_care") == []
    assert area.summary.text() == "The whole image is inspected."
    page.regions.undo()
    assert len(kept(project, "regions")) == 1


def test_images_are_gone_through_and_regions_stay(qtbot, panel, page, mouse, project) -> None:
    rows = project.images(ImageQuery(subset="val"))
    drawing = page.drawing
    assert drawing.image == page.review.current.image
    assert not drawing.actions_["region.previous"].isEnabled()
    mouse.drag((20, 10), (50, 30))
    for row in rows[1:]:
        drawing.actions_["region.next"].trigger()
        settle(qtbot, panel)
        assert drawing.image == row.path
        assert not excluded(page)[10:31, 20:51].any()
        assert excluded(page)[:10].all()
    assert not drawing.actions_["region.next"].isEnabled()


def test_an_image_that_cannot_be_read_is_told(qtbot, panel, page, project) -> None:
    rows = project.images(ImageQuery(subset="val"))
    rows[1].path.write_bytes(b"no image")
    page.drawing.actions_["region.next"].trigger()
    settle(qtbot, panel)
    assert rows[1].path.name in page.drawing.canvas.accessibleDescription()


def test_without_a_trial_the_images_of_the_project_serve(qtbot, panel, project, root) -> None:
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.RULES)
    panel.judging_choices.area.draw_button.click()
    settle(qtbot, panel)
    assert panel.page.judging.drawing.image == project.images(ImageQuery())[0].path


def test_nothing_is_drawn_in_a_project_that_is_only_read(qtbot, panel, page, mouse, project):
    page.regions.set_editable(False)
    mouse.drag((20, 10), (50, 30))
    page.drawing.actions_["region.polygon"].trigger()
    for place in ((10, 10), (60, 10), (60, 50)):
        mouse.click(*place)
    qtbot.keyClick(page.drawing.canvas, KEY.Key_Return)
    assert page.regions.regions == ()
    assert not page.drawing.actions_["region.undo"].isEnabled()


def test_the_small_picture_is_dark_where_nothing_is_inspected(qtbot, panel, page, mouse) -> None:
    colors = ((0, 0, 0),) * 4
    mouse.drag((0, 0), (63, 95))
    settle(qtbot, panel)
    one = page.review.images[0]
    picture = small_picture(one, colors, 0)
    image = read_image(one.image)
    ratio = picture[:, picture.shape[1] * 3 // 4 :].mean() / image[:, 96:].mean()
    assert 0.3 < ratio < 0.5


def test_steps_of_one_project_are_not_undone_in_another(qtbot, panel, page, mouse, project) -> None:
    mouse.drag((20, 10), (50, 30))
    page.regions.clear()
    show(qtbot, panel, project)
    assert not page.regions.can_undo
    page.regions.undo()
    assert page.regions.regions == ()
