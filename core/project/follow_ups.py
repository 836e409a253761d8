"""What follows a finished job without being asked for: what one would press a button for next."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.project import Project, RunRow
from core.project.revision import Revision
from core.project.runs import ALIVE
from core.project.variants import COMPRESSING, VariantReader, located
from core.runs.kinds import EvaluateSpec, MeasureSpec, TrainSpec

_ONE_DEVICE = re.compile(r"cpu|gpu(:\d+)?")
_SPLIT = "val"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A job to start: the fields of its spec, and the data set that it must see."""

    fields: Mapping[str, Any]
    revision: Revision | None = None


def follow_up(
    project: Project, run: RunRow, check: Callable[[], None] = lambda: None
) -> FollowUp | None:
    """Return the job that follows a finished one, None where nothing is missing.

    After a training its best model is evaluated on the validation images it was chosen by, with
    every predicted mask, for Inspect. After a compression the trained model that it comes from is
    measured in the same way, unless it was, to be compared with.

    Args:
        project: whose run.
        run: one that is over.
        check: called between runs; may raise to give up.
    """
    if run.state != "done":
        return None
    reader = VariantReader()
    if run.kind == "train":
        return _evaluation(project, run, reader)
    if run.kind in COMPRESSING:
        return _measurement(project, run, reader, check)
    return None


def _evaluation(project: Project, run: RunRow, reader: VariantReader) -> FollowUp | None:
    model, spec = run.folder / "best_model", reader.spec(run)
    if not model.is_dir() or not isinstance(spec, TrainSpec) or run.revision_id is None:
        return None
    for other in project.runs("evaluate"):
        if other.state not in (*ALIVE, "done") or other.id < run.id:
            continue
        asked = reader.spec(other)
        if not isinstance(asked, EvaluateSpec) or asked.split != _SPLIT:
            continue
        if located(asked.model_dir, project) == model:
            return None
    fields = {
        "kind": "evaluate",
        "model_dir": model,
        "split": _SPLIT,
        "save_masks": True,
        "save_odds": True,
        "device": spec.device if _ONE_DEVICE.fullmatch(spec.device) else "auto",
    }
    return FollowUp(fields, project.revision(run.revision_id))


def _measurement(
    project: Project, run: RunRow, reader: VariantReader, check: Callable[[], None]
) -> FollowUp | None:
    variants = reader.read(project, check)
    made = next((one for one in variants if one.run_id == run.id), None)
    trained = next((one for one in variants if made and one.folder == made.root), None)
    if made is None or trained is None or made is trained or made.measured is None:
        return None
    if trained.measured is not None or _is_measuring(project, reader, trained.folder):
        return None
    return FollowUp({"kind": "measure", "model_dir": trained.folder})


def _is_measuring(project: Project, reader: VariantReader, model: Path) -> bool:
    for run in project.runs("measure"):
        spec = reader.spec(run) if run.state in ALIVE else None
        if isinstance(spec, MeasureSpec) and located(spec.model_dir, project) == model:
            return True
    return False
