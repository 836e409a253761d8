"""Which models of a project can be looked at, and where their measurements are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.look.translation import translated
from app.services.background import Progress
from core.models.model_folder import read_model_info
from core.prediction.inspection import Evaluation, read_evaluation
from core.project import Project, RunRow
from core.project.variants import COMPRESSING, located
from core.runs.kind_lookup import find_kind
from core.runs.kinds import EvaluateSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError

ALIVE = ("queued", "running", "paused")
_BEST = "best_model"


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model that can be measured.

    Attributes:
        run_id: the run that trained it.
        name: what people call that run.
        folder: its model folder.
    """

    run_id: int
    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Found:
    """A measurement.

    Attributes:
        run_id: the run that made it, or makes it.
        state: of that run.
        evaluation: once it is done.
        own: the model's thresholds, None where it has none.
    """

    run_id: int
    state: str
    evaluation: Evaluation | None
    own: tuple[float | None, ...] | None = None


def trained_models(project: Project | None) -> list[Model]:
    """Return the models that trainings left, newest first."""
    if project is None:
        return []
    return [
        Model(run.id, run.name, run.folder / _BEST)
        for run in project.runs("train")
        if (run.folder / _BEST).is_dir()
    ]


def find_evaluation(
    project: Project, model_dir: Path, split: str, progress: Progress
) -> Found | None:
    """Return the newest usable measurement of a model; for the thread pool."""
    for run, spec in _evaluations(project, split, progress):
        if located(spec.model_dir, project) != model_dir.absolute():
            continue
        if run.state != "done":
            return Found(run.id, run.state, None)
        evaluation = read_evaluation(run.folder)
        return Found(run.id, run.state, evaluation, own_thresholds(model_dir))
    return None


def comparable_models(
    project: Project, model_dir: Path, split: str, progress: Progress
) -> list[tuple[str, Path]]:
    """Return name and model folder of what else was measured on a subset; for the thread pool."""
    names = {run.folder.absolute(): _name(run) for run in project.runs() if _makes_model(run)}
    found: dict[Path, str] = {}
    for run, spec in _evaluations(project, split, progress):
        folder = located(spec.model_dir, project)
        if run.state == "done" and folder != model_dir.absolute() and spec.save_masks:
            found.setdefault(folder, names.get(folder.parent, folder.parent.name))
    return [(name, folder) for folder, name in found.items()]


def own_thresholds(model_dir: Path) -> tuple[float | None, ...] | None:
    """Return a model's thresholds, None where it has none or is gone."""
    try:
        return read_model_info(model_dir).thresholds
    except InputError:
        return None


def _evaluations(
    project: Project, split: str, progress: Progress
) -> Iterator[tuple[RunRow, EvaluateSpec]]:
    """Yield the measurements on a subset, newest first."""
    for run in project.runs("evaluate"):
        progress.check()
        if run.state not in (*ALIVE, "done"):
            continue
        try:
            spec = RunFolder(run.folder).spec
        except InputError:  # its folder was removed by hand
            continue
        if isinstance(spec, EvaluateSpec) and spec.split == split:
            yield run, spec


def _makes_model(run: RunRow) -> bool:
    return run.kind == "train" or run.kind in COMPRESSING


def _name(run: RunRow) -> str:
    kind = find_kind(run.kind)
    return run.name if kind is None or kind.title is None else translated(kind.title(run.name))
