"""Which step the rail offers."""

from __future__ import annotations

import pytest

from app.panels.base import StepState, StepStatus
from app.shell.work_area import next_step
from core.system.messages import message

REASON = message("Import images first.")


def status(state: str, *, optional: bool = False) -> StepStatus:
    return StepStatus(StepState(state), REASON, optional)


@pytest.mark.parametrize(
    ("data", "label", "train", "expected"),
    [
        (status("next"), status("blocked"), status("blocked"), "data"),
        (status("done"), status("next"), status("blocked"), "label"),
        (status("done"), status("next"), status("next"), "label"),
        (status("done"), status("next", optional=True), status("next"), "train"),
        (status("done"), status("next", optional=True), status("warning"), "train"),
        (status("done"), status("next", optional=True), status("done"), "label"),
        (status("done"), status("done"), status("done"), None),
        (status("done"), status("done"), status("working"), None),
        (status("done"), status("next", optional=True), status("working"), "label"),
    ],
)
def test_the_first_step_that_is_needed_is_next(data, label, train, expected):
    assert next_step({"data": data, "label": label, "train": train}) == expected
