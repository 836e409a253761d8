"""What the jobs do, one module a kind; ``core.runs.kinds`` says which.

The modules bring the engine in, so they are imported by name and in worker processes only.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeAlias

from core.runs.kind_lookup import job_kind
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec
from core.system.reporting import Reporter

Task: TypeAlias = Callable[[JobSpec, RunFolder, Reporter], dict[str, Any]]


def choose_device(device: str) -> str:
    """Make the engine compute on ``device``; return its full name.

    Raises:
        InputError: there is no such device.
    """
    from core.prediction.paddle_predictor import select_device

    return select_device(device)


def run_task(spec: JobSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Do the job and return its result, a JSON object.

    Raises:
        InputError: the job's input cannot be used.
        StopRequested: ``reporter`` asked for the end.
    """
    module, _, name = job_kind(spec).task.partition(":")
    task: Task = getattr(importlib.import_module(module), name)
    return task(spec, folder, reporter)
