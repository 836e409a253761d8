"""What the rail says of a training while it is at work or waits."""

from __future__ import annotations

from collections.abc import Sequence

from app.panels.base import StepState, StepStatus
from app.services.context import AppContext
from core.project.rows import RunRow
from core.system.messages import message


def work_status(context: AppContext, runs: Sequence[RunRow]) -> StepStatus | None:
    """Return where the step stands while one of these trainings is not over, else None."""
    for run in runs:
        if run.state == "running":
            return StepStatus(StepState.WORKING, message("{name} is training.", name=run.name))
        if run.state == "paused":
            return StepStatus(StepState.WORKING, message("{name} is paused.", name=run.name))
    for run in runs:
        if str(run.id) in context.jobs.queued:
            return StepStatus(
                StepState.WORKING, message("{name} waits for its turn.", name=run.name)
            )
    return None
