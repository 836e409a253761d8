"""What the Compression panel needs to know of a project, read off the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.prediction.inspection import Evaluation, read_evaluation
from core.project import Project, RunRow
from core.project.variants import ModelVariant, VariantReader, located
from core.runs.kinds import (
    JOB_KINDS,
    EvaluateSpec,
    PruneSpec,
    QuantizeSpec,
    SensitivitySpec,
    TrainSpec,
)
from core.runs.spec import JobSpec, ModelJobSpec

ALIVE = ("queued", "running", "paused")
_WORK = {"evaluate", *(kind.name for kind in JOB_KINDS if kind.panel == "compression")}


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A job that works on a model, or waits to."""

    run: RunRow
    model_dir: Path


@dataclass(slots=True)
class ModelRuns:
    """The project's variants and the newest runs about each, by model folder.

    ``masks``: finished evaluations of the validation images that kept their predictions;
    ``trainings``: how each trained model was trained; ``trained``: runs that train a compressed
    network, newest first.
    """

    variants: tuple[ModelVariant, ...] = ()
    active: list[ActiveRun] = field(default_factory=list)
    sensitivity: dict[Path, RunRow] = field(default_factory=dict)
    masks: dict[Path, RunRow] = field(default_factory=dict)
    trainings: dict[Path, TrainSpec] = field(default_factory=dict)
    trained: list[RunRow] = field(default_factory=list)

    def variant(self, folder: Path) -> ModelVariant | None:
        """Return the variant with this model folder."""
        return next((one for one in self.variants if one.folder == folder), None)

    def working(self, kind: str, folder: Path | None = None) -> ActiveRun | None:
        """Return a job of this kind that is not over, on one model or on any."""
        for one in self.active:
            if one.run.kind == kind and folder in (None, one.model_dir):
                return one
        return None


def read_model_runs(
    project: Project, reader: VariantReader, check: Callable[[], None]
) -> ModelRuns:
    """Read the runs of a project; takes a while for many, so call it in the background."""
    known = ModelRuns(reader.read(project, check))
    for run in project.runs():  # newest first: the first one found counts
        check()
        spec = reader.spec(run)
        if isinstance(spec, TrainSpec):
            known.trainings[run.folder / "best_model"] = spec
        if run.kind not in _WORK or not isinstance(spec, ModelJobSpec):
            continue
        folder = located(spec.model_dir, project)
        alive = run.state in ALIVE
        if alive:
            known.active.append(ActiveRun(run, folder))
        if _epochs(spec):
            known.trained.append(run)
        if isinstance(spec, SensitivitySpec) and (alive or run.state == "done"):
            known.sensitivity.setdefault(folder, run)
        elif run.state != "done":
            continue
        elif isinstance(spec, EvaluateSpec) and spec.save_masks and spec.split == "val":
            known.masks.setdefault(folder, run)
    return known


def _epochs(spec: JobSpec) -> int:
    match spec:
        case PruneSpec():
            return spec.finetune_epochs
        case QuantizeSpec():
            return spec.epochs
    return 0


def read_masks(
    runs: dict[Path, RunRow], known: dict[Path, Evaluation], check: Callable[[], None]
) -> dict[Path, Evaluation]:
    """Return the evaluation of each run folder, those known as they are.

    Raises:
        InputError: results are damaged.
    """
    found = {}
    for run in runs.values():
        check()
        found[run.folder] = known.get(run.folder) or read_evaluation(run.folder)
    return found
