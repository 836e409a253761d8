"""The models of a project that belong together: a trained one, and what was made smaller from it.

Read from the project's runs and their results; needs no engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.models.model_folder import read_model_info
from core.models.model_verdict import Verdict, read_specks, read_verdict
from core.models.variant import Variant
from core.project import Project, RunRow
from core.project.best_model import BestModels
from core.project.run_verdicts import RunVerdicts
from core.project.runs import ALIVE
from core.runs.kind_lookup import job_kind
from core.runs.kinds import JOB_KINDS, QuantizeSpec
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec, ModelJobSpec
from core.system.errors import InputError

COMPRESSING = frozenset(kind.name for kind in JOB_KINDS if kind.makes_variant)
"""Kinds of runs that make a variant of another model."""
_RUNS = "runs"


class VariantKind(StrEnum):
    """What was done to a model since its training."""

    FLOAT = "float"
    PRUNED = "pruned"
    INT8 = "int8"
    PRUNED_INT8 = "pruned_int8"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVariant:
    """A model of the project that can be compressed, measured or exported.

    Attributes:
        run_id: the run that made it.
        run_name: what people call the training that it comes from.
        copy: counts models of which the same was done to one trained model, from 1.
        network: class name of the network.
        kind: what was done to it.
        folder: its model folder.
        parent: folder of the model it was made from; None for a trained one.
        root: folder of the trained model that it comes from, possibly its own.
        labels: class names.
        removed: share of the operations that pruning took away, 0 … 1, 0 if not pruned.
        trained: whether quantisation was learnt in training; False: calibrated afterwards.
        miou: mIoU (0 … 1) that its run found, None if it did not look.
        measured: the newest measurement, None if there is none.
        verdict: what was said of it when it was measured last, or None.
        has_thresholds: whether it knows how sure it must be of each class.
        flip_test: whether it predicts mirror images, too, which takes twice the time.
        specks: least area in pixels, by class name, that leaves out false alarms which are smaller
            than half of anything real.
        rank: place (0: the best) of its training among those that are compared to choose what is
            taken by default, None if it is none of them: see ``core.project.best_model``.
    """

    run_id: int
    run_name: str
    network: str
    kind: VariantKind
    folder: Path
    parent: Path | None
    root: Path
    labels: tuple[str, ...]
    removed: float = 0.0
    trained: bool = False
    miou: float | None = None
    measured: Variant | None = None
    verdict: Verdict | None = None
    has_thresholds: bool = False
    flip_test: bool = False
    specks: Mapping[str, int] = field(default_factory=dict)
    copy: int = 1
    rank: int | None = 0

    @property
    def best_miou(self) -> float | None:
        """The measured mIoU, or else the one of its run."""
        return self.miou if self.measured is None else self.measured.miou


@dataclass(frozen=True, slots=True)
class _Made:
    """A model folder that a run left, before its parents are known."""

    run: RunRow
    folder: Path
    parent: Path | None
    result: Mapping[str, Any]
    trained: bool


class VariantReader:
    """Reads a project's variants; keeps what runs were asked and returned: it does not change.

    Not for use from several threads at once.
    """

    def __init__(self) -> None:
        self._results: dict[Path, Mapping[str, Any] | None] = {}
        self._specs: dict[Path, JobSpec | None] = {}
        self._best = BestModels(RunVerdicts())

    def spec(self, run: RunRow) -> JobSpec | None:
        """Return what a run was asked; None if its folder was changed by hand."""
        if run.folder not in self._specs:
            try:
                self._specs[run.folder] = RunFolder(run.folder).spec
            except InputError:
                return None
        return self._specs[run.folder]

    def result(self, run: RunRow) -> Mapping[str, Any] | None:
        """Return what a finished run returned."""
        if run.folder not in self._results:
            self._results[run.folder] = RunFolder(run.folder).result
        return self._results[run.folder]

    def read(
        self, project: Project, check: Callable[[], None] = lambda: None
    ) -> tuple[ModelVariant, ...]:
        """Return the variants, each after the model that it comes from, newest family first.

        Args:
            project: whose runs.
            check: called between runs; may raise to give up.
        """
        made: list[_Made] = []
        measured: dict[Path, Variant] = {}
        for run in reversed(project.runs()):  # oldest first: parents come before their children
            check()
            if run.kind == "train":
                made += self._trained(run)
            elif run.state == "done" and run.kind in (*COMPRESSING, "measure"):
                self._add_result(project, run, made, measured)
        ranks = {run.id: place for place, run in enumerate(self._best.candidates(project))}
        return _families(made, measured, ranks)

    def _trained(self, run: RunRow) -> list[_Made]:
        folder = run.folder / "best_model"
        if run.state in ALIVE or not folder.is_dir():
            return []
        return [_Made(run, folder, None, {"miou": run.best_miou}, False)]

    def _add_result(
        self,
        project: Project,
        run: RunRow,
        made: list[_Made],
        measured: dict[Path, Variant],
    ) -> None:
        result, spec = self.result(run), self.spec(run)
        if result is None or not isinstance(spec, ModelJobSpec):
            return
        folder = located(spec.model_dir, project)
        if job_kind(spec).makes_variant:
            parent, folder = folder, located(Path(str(result["model_dir"])), project)
            trained = isinstance(spec, QuantizeSpec) and spec.epochs > 0
            made.append(_Made(run, folder, parent, result, trained))
        variant = _measurement(result.get("variant"))
        if variant is not None:
            measured[folder] = variant


def located(folder: Path, project: Project) -> Path:
    """Return where a folder of the project's runs is now: a project may have been moved."""
    if folder.is_dir() or _RUNS not in folder.parts:
        return folder.absolute()
    last = len(folder.parts) - 1 - folder.parts[::-1].index(_RUNS)
    moved = (project.folder / _RUNS).joinpath(*folder.parts[last + 1 :])
    return moved if moved.is_dir() else folder.absolute()


def family(variants: Iterable[ModelVariant], root: Path) -> list[ModelVariant]:
    """Return the variants that come from one trained model, itself first."""
    return [variant for variant in variants if variant.root == root]


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the indices of (latency, mIoU) that no other point beats in both, fastest first."""
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    front: list[int] = []
    for index in order:
        if not front or points[index][1] > points[front[-1]][1]:
            front.append(index)
    return front


def class_changes(
    variant: ModelVariant, reference: ModelVariant
) -> list[tuple[str, float | None, float | None]]:
    """Return (class name, its IoU, change against the reference) for each class.

    Empty where one of them was not measured; None where a class does not occur.
    """
    if variant.measured is None or reference.measured is None:
        return []
    return [
        (name, now, None if now is None or before is None else now - before)
        for name, now, before in zip(
            variant.labels,
            variant.measured.category_iou,
            reference.measured.category_iou,
            strict=False,
        )
    ]


def _measurement(content: object) -> Variant | None:
    """Rebuild what a job measured; None if it did not, or tells it in another way."""
    if not isinstance(content, dict):
        return None
    try:
        return Variant.from_dict(content)
    except (KeyError, TypeError):
        return None


def _families(
    made: Sequence[_Made], measured: Mapping[Path, Variant], ranks: Mapping[int, int]
) -> tuple[ModelVariant, ...]:
    found: dict[Path, ModelVariant] = {}
    alike: Counter[tuple[Any, ...]] = Counter()
    for one in made:
        parent = found.get(one.parent) if one.parent is not None else None
        variant = _variant(one, parent, measured.get(one.folder))
        if variant is None:
            continue
        what = (variant.root, variant.kind, round(100 * variant.removed), variant.trained)
        alike[what] += 1
        rank = ranks.get(variant.run_id) if parent is None else parent.rank
        found[one.folder] = replace(variant, copy=alike[what], rank=rank)
    roots = [variant for variant in found.values() if variant.root == variant.folder]
    return tuple(
        variant for root in reversed(roots) for variant in family(found.values(), root.folder)
    )


def _variant(
    made: _Made, parent: ModelVariant | None, measured: Variant | None
) -> ModelVariant | None:
    """Describe a model folder; None if it is gone or damaged."""
    try:
        info = read_model_info(made.folder)
    except InputError:
        return None
    removed = 0.0
    if info.pruning is not None:
        removed = 1 - info.pruning.flops_after / max(info.pruning.flops_before, 1)
    miou = made.result.get("miou")
    return ModelVariant(
        run_id=made.run.id,
        run_name=made.run.name if parent is None else parent.run_name,
        network=info.name,
        kind=_kind(pruned=info.pruning is not None, int8=info.quantization is not None),
        folder=made.folder,
        parent=None if parent is None else parent.folder,
        root=made.folder if parent is None else parent.root,
        labels=info.labels,
        removed=removed,
        trained=made.trained,
        miou=float(miou) if isinstance(miou, (int, float)) else None,
        measured=measured,
        verdict=read_verdict(made.folder),
        has_thresholds=info.thresholds is not None,
        flip_test=info.flip_test,
        specks=read_specks(made.folder),
    )


def _kind(*, pruned: bool, int8: bool) -> VariantKind:
    if int8:
        return VariantKind.PRUNED_INT8 if pruned else VariantKind.INT8
    return VariantKind.PRUNED if pruned else VariantKind.FLOAT
