"""One run is steered at a time; another one begins anew."""

from __future__ import annotations

import pytest

from app.panels.train.mask_panel import MaskPanel
from app.panels.train.run_header import RunHeader
from app.panels.train.steering import RunSteering


@pytest.fixture
def parts(qtbot, context):
    header, masks = RunHeader(), MaskPanel()
    qtbot.addWidget(header)
    qtbot.addWidget(masks)
    steering = RunSteering(context, header, masks, header)
    qtbot.addWidget(steering.hint)
    return header, masks, steering


@pytest.fixture
def asked(context, monkeypatch):
    found = []
    for name in ("pause", "stop", "request_preview"):
        monkeypatch.setattr(
            context.jobs, name, lambda run, name=name: found.append((name, run)) or True
        )
    return found


def test_nothing_is_asked_where_no_run_is_shown(parts, asked) -> None:
    header, masks, steering = parts
    masks.every_box.setCurrentIndex(masks.every_box.findData(10))
    header.pause_requested.emit()
    steering.redraw_if_due(500)
    assert asked == [] and steering.hint.isHidden()
    steering.steer("7")
    header.pause_requested.emit()
    steering.steer(None)
    header.stop_requested.emit()
    assert asked == [("pause", "7")]


def test_the_steps_of_another_run_are_counted_from_its_beginning(parts, asked) -> None:
    _, masks, steering = parts
    steering.steer("7")
    steering.redraw_if_due(500)
    assert asked == [], "masks of evaluations are enough"
    masks.every_box.setCurrentIndex(masks.every_box.findData(50))
    for step in (500, 549, 550):
        steering.redraw_if_due(step)
    steering.steer("8")
    steering.redraw_if_due(60)
    assert asked == [("request_preview", run) for run in ("7", "7", "8")]


def test_masks_are_redrawn_once_at_a_time(parts, asked) -> None:
    _, masks, steering = parts
    steering.steer("7")
    masks.redraw_button.click()
    masks.redraw_button.click()
    assert asked == [("request_preview", "7")]
    steering.masks_came()
    masks.redraw_button.click()
    assert len(asked) == 2
    steering.state_changed()
    assert masks.redraw_button.isEnabled()
