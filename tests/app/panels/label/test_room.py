"""Room for what the Labelling panel writes: nothing is cut off, nothing moves."""

from __future__ import annotations

from itertools import pairwise

import pytest
from labelling_parts import labelling_panel
from PySide6.QtWidgets import QApplication, QToolButton

from app.panels.label.widgets.tool_bar import ToolBar
from app.services.notices import Notice
from core.annotation.click_model import ClickModelFiles
from core.project.draft_models import ModelChoice
from core.project.variants import ModelVariant, VariantKind


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


def test_saving_moves_nothing(panel) -> None:
    status = panel.view.status
    places = set()
    for pending in (True, False):
        status.show_saved(pending)
        QApplication.processEvents()
        places.add((status.zoom.geometry().getRect(), status.saved.geometry().getRect()))
    assert len(places) == 1


def test_every_tool_is_seen_in_a_low_window(opened, panel, qtbot) -> None:
    opened.window.resize(1280, 690)
    QApplication.processEvents()
    bar = panel.view.findChild(ToolBar)
    buttons = [one for one in bar.findChildren(QToolButton) if not one.isHidden()]
    boxes = [button.geometry() for button in buttons]
    assert len(boxes) == len(panel.workspace.tools)  # regions, too, but no click model yet
    assert all(above.bottom() < below.top() for above, below in pairwise(boxes))
    assert boxes[-1].bottom() < bar.height() and bar.height() <= panel.view.canvas.height()
    opened.window.resize(1280, 1000)
    QApplication.processEvents()
    assert buttons[0].height() == 36


@pytest.mark.parametrize("size", [(1280, 800), (1100, 700)])
def test_the_models_controls_fit_without_scrolling_and_stay_where_they_are(
    opened, panel, qtbot, size, tmp_path
) -> None:
    opened.window.resize(*size)
    box = panel.inspector_parts.draft
    variant = ModelVariant(
        run_id=1, run_name="第 1", network="UNet", kind=VariantKind.FLOAT, folder=tmp_path,
        parent=None, root=tmp_path, labels=("background",),
    )  # fmt: skip
    box.set_models([ModelChoice(variant, tmp_path)], None)
    places = []
    for key in ("brush", "component", "wand"):
        panel.tools.take(key)
        box.show_note("Entropy 0.30." if key == "wand" else "")
        QApplication.processEvents()
        fields = [box.model, box.threshold, box.background, box.note]
        fields += [one for one in box.findChildren(QToolButton) if one.isVisible()]
        assert len(fields) == 11
        for field in fields:
            assert field.visibleRegion().boundingRect() == field.rect(), field.accessibleName()
        places.append([one.mapTo(opened.window, one.rect().topLeft()).y() for one in fields])
    assert all(max(of_one) - min(of_one) <= 1 for of_one in zip(*places, strict=True)), places


def test_a_notice_of_the_window_covers_no_control(opened, panel) -> None:
    for size in ((1280, 800), (1100, 700)):
        opened.window.resize(*size)
        opened.context.notice_requested.emit(Notice("24 new labels were divided.", action="Undo"))
        QApplication.processEvents()
        notice, window = opened.window.work_area.notice, opened.window
        lower = notice.mapTo(window, notice.rect().bottomLeft()).y()
        for control in (panel.view.strip, panel.view.status):
            assert lower < control.mapTo(window, control.rect().topLeft()).y()


def test_the_click_model_is_hidden_until_there_is_one(panel, tmp_path) -> None:
    action = panel.workspace.actions["tool.click"]
    (tile,) = [one for one in panel.view.findChildren(QToolButton) if one.defaultAction() is action]
    assert tile.isHidden()
    panel.click_model._take(ClickModelFiles(tmp_path / "m.onnx"))
    assert tile.isVisible() and action.isEnabled()
