"""What is shown elsewhere follows the labelling, and the wheel changes nothing by the way."""

from __future__ import annotations

import numpy as np
import pytest
from labelling_parts import labelling_panel, open_image, send, settle, stroke
from parts import wait_until_idle, wheel_down
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QScrollBar, QSlider

from app.panels.train.run_header import RunHeader
from app.shell.job_strip import JobStrip
from core.runs.events import Cancelled, Started
from core.runs.history import RunHistory


def test_the_large_view_shows_what_was_painted(opened, qtbot):
    area = opened.window.work_area
    data = area.panels["dataset"]
    image_id = data.grid.images.ids_at([0])[0]
    data._large.open(image_id)
    wait_until_idle(qtbot, data)
    before = data.viewer._mask.image.copy()
    panel = labelling_panel(opened, qtbot)
    open_image(qtbot, panel, image_id)
    stroke(panel, (30, 25), (44, 25))
    settle(qtbot, panel)
    area.show_panel("dataset")
    wait_until_idle(qtbot, data)
    assert np.array_equal(data.viewer._mask.image, panel.project.label_map(image_id))
    assert not np.array_equal(data.viewer._mask.image, before)


def test_the_data_step_shows_what_is_painted_as_the_panel_is_left(opened, qtbot):
    area = opened.window.work_area
    panel = labelling_panel(opened, qtbot)
    image_id = panel.session.wanted
    before = panel.project.image(image_id).mask_hash
    panel.tools.take("polygon")
    for x, y in ((30, 5), (44, 5), (44, 25)):
        send(panel, QEvent.Type.MouseButtonPress, x, y)
        send(panel, QEvent.Type.MouseButtonRelease, x, y, Qt.MouseButton.NoButton)
    area.show_panel("dataset")
    data = area.panels["dataset"]
    assert area.current_panel is data and panel.session.pending
    images = data.grid.images
    shown = lambda: images.row(images.place(image_id))  # noqa: E731
    qtbot.waitUntil(lambda: shown() is not None and shown().mask_hash != before, timeout=20_000)


def test_the_rail_follows_while_images_are_labelled(opened, qtbot):
    project, area = opened.context.project, opened.window.work_area
    for image_id in project.image_ids():
        project.clear_label_map(image_id)
    opened.context.dataset_changed.emit()
    panel = labelling_panel(opened, qtbot)
    wait_until_idle(qtbot, area.panels["dataset"])
    reasons = lambda: [  # noqa: E731
        area.panels[key].status().reason.template for key in ("dataset", "model")
    ]
    assert reasons() == [
        "{images} {images:image|images}, {classes} {classes:class|classes}",
        "Label images first.",
    ]
    stroke(panel, (5, 5), (20, 20))
    settle(qtbot, panel)
    assert "Label images first." not in reasons()
    assert area.current_panel is panel


def test_the_notice_of_a_failed_save_goes_once_it_is_saved(opened, qtbot, monkeypatch):
    panel = labelling_panel(opened, qtbot)
    with monkeypatch.context() as broken:
        broken.setattr(
            type(panel.project),
            "save_label_map",
            lambda *_a, **_k: (_ for _ in ()).throw(OSError("full")),
        )
        stroke(panel, (30, 25), (40, 25))
        qtbot.waitUntil(panel.view.notice.isVisible, timeout=20_000)
        assert panel.view.status.saved.text() != "Saved"
    panel.session.flush()
    qtbot.waitUntil(lambda: panel.view.status.saved.text() == "Saved", timeout=20_000)
    assert panel.view.notice.isHidden()


@pytest.mark.parametrize(
    ("state", "started", "waits", "offered"),
    [
        ("cancelled", False, False, "Start"),
        ("failed", False, False, "Start"),
        ("queued", False, False, "Start"),
        ("queued", False, True, None),
        ("cancelled", True, False, "Resume"),
        ("interrupted", True, False, "Resume"),
    ],
)
def test_only_a_run_that_began_is_resumed(qtbot, state, started, waits, offered):
    history = RunHistory()
    if started:
        history.apply(Started("train", 4711, "cpu"))
    if state == "cancelled":
        history.apply(Cancelled("user"))
    header, strip = RunHeader(), JobStrip()
    for widget in (header, strip):
        qtbot.addWidget(widget)
    header.show_run("run", state, history, has_model=False, waits=waits)
    assert header.resume_button.isHidden() == (offered is None)
    if offered is not None:
        assert header.resume_button.text() == offered and header.stop_button.isHidden()
    strip.show_job("1", "run", state, has_started=started)
    if state != "queued":
        assert strip.pause_button.accessibleName() == offered


def test_the_wheel_turns_no_input_that_was_not_clicked(opened, qtbot):
    area = opened.window.work_area
    checked = 0
    for key, panel in area.panels.items():
        area.show_panel(key)
        roots = [panel] + ([] if panel.inspector() is None else [panel.inspector()])
        for root in roots:
            for kind in (QAbstractSpinBox, QComboBox, QSlider):
                for part in root.findChildren(kind):
                    if isinstance(part, QScrollBar):
                        continue
                    assert part.focusPolicy() != Qt.FocusPolicy.WheelFocus, (key, part)
                    part.clearFocus()
                    before = _value(part)
                    QApplication.sendEvent(part, wheel_down(part))
                    assert _value(part) == before, (key, part)
                    checked += 1
    assert checked > 30


def _value(part):
    if isinstance(part, QComboBox):
        return part.currentIndex()
    return part.value()
