"""What the step Ship needs to know of a project, read off the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from natsort import natsorted

from app.panels.base import StepState, StepStatus
from app.panels.ship.export_page import ExportRow
from app.panels.ship.stage_bar import Stage
from core.images.io import IMAGE_SUFFIXES
from core.project import Project, RunRow
from core.project.variant_choice import is_usable
from core.project.variants import ModelVariant, VariantReader, located
from core.runs.kinds import JOB_KINDS, BenchmarkSpec, ExportSpec, TrialSpec, WatchSpec
from core.runs.spec import ModelJobSpec
from core.system.errors import InputError
from core.system.folders import is_hidden
from core.system.messages import message

ALIVE = ("queued", "running", "paused")
_WORK = frozenset(kind.name for kind in JOB_KINDS if kind.panel == "shipping")


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A job of this step that is at work or waits."""

    run: RunRow
    model_dir: Path


@dataclass(frozen=True, slots=True)
class Trial:
    """A model that was tried on images, or is being tried."""

    run: RunRow
    spec: TrialSpec

    @property
    def is_alive(self) -> bool:
        """Whether more is to come."""
        return self.run.state in ALIVE


@dataclass(frozen=True, slots=True)
class Export:
    """Files that other programs run."""

    run: RunRow
    folder: Path
    format: str
    size_bytes: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """A folder or a zip file with all that a line PC needs."""

    run: RunRow
    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder that is watched, or was."""

    run: RunRow
    spec: WatchSpec


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found: its result, and pictures by what they show."""

    run: RunRow
    folder: Path
    result: Mapping[str, Any]
    pictures: Mapping[str, Path]

    @property
    def is_verified(self) -> bool:
        """Whether the file does what the network does."""
        return bool(self.result.get("verified"))


@dataclass(slots=True)
class ShipRuns:
    """The project's models and the newest runs about each, by model folder.

    ``own`` are trials on images of the user's, ``validation`` those on the project's; of a model's
    verifications, ``verified`` has the newest; ``checked`` has the newest of each export folder.
    ``benchmark`` is the newest result, ``timing`` a measurement that is not over; ``about`` names
    the model and the kind of each run.
    """

    variants: tuple[ModelVariant, ...] = ()
    active: list[ActiveRun] = field(default_factory=list)
    own: dict[Path, Trial] = field(default_factory=dict)
    validation: dict[Path, Trial] = field(default_factory=dict)
    exports: dict[Path, list[Export]] = field(default_factory=dict)
    bundles: dict[Path, list[Bundle]] = field(default_factory=dict)
    verified: dict[Path, Verified] = field(default_factory=dict)
    checked: dict[Path, Verified] = field(default_factory=dict)
    watched: Watched | None = None
    benchmark: Mapping[str, Any] | None = None
    timing: RunRow | None = None
    about: dict[int, tuple[Path, str]] = field(default_factory=dict)

    def variant(self, folder: Path | None) -> ModelVariant | None:
        """Return the variant with this model folder."""
        return next((one for one in self.variants if one.folder == folder), None)

    def working(self, kind: str, folder: Path) -> ActiveRun | None:
        """Return a job of this kind on a model that is not over."""
        for one in self.active:
            if one.run.kind == kind and one.model_dir == folder:
                return one
        return None

    @property
    def newest(self) -> int:
        """The newest run of this step; 0: there is none."""
        return max(self.about, default=0)

    def model_of(self, run_id: int | None) -> Path | None:
        """Return the model that a run of this step is about."""
        folder = self.about[run_id][0] if run_id in self.about else None
        return None if self.variant(folder) is None else folder

    def stage_of(self, run_id: int | None) -> Stage:
        """Return the stage that shows a run."""
        kind = self.about[run_id][1] if run_id in self.about else ""
        stages = {"": Stage.MODEL, "trial": Stage.TRY, "verify": Stage.VERIFY}
        return stages.get(kind, Stage.EXPORT)

    def bundled_export(self, folder: Path) -> Export | None:
        """Return the newest export of a model that a bundle can be made of."""
        exports = self.exports.get(folder, [])
        return next((one for one in exports if one.format == "onnx" and one.is_complete), None)

    @property
    def all_exports(self) -> list[Path]:
        """The newest exports of every model, that of each format once."""
        found: dict[tuple[Path, str, bool], Path] = {}
        for folder, exports in self.exports.items():
            for one in exports:
                found.setdefault((folder, one.format, one.is_complete), one.folder)
        return list(found.values())

    def export_rows(self, folder: Path) -> list[ExportRow]:
        """Return the exports of a model for their table, the newest first."""
        rows = [
            ExportRow(one.path, "bundle", one.size_bytes) for one in self.bundles.get(folder, [])
        ]
        for one in self.exports.get(folder, []):
            known = self.checked.get(one.folder)
            if known is not None and known.run.id < one.run.id:
                known = None  # it was about an earlier file in the same folder
            rows.append(
                ExportRow(
                    one.folder,
                    one.format,
                    one.size_bytes,
                    None if known is None else known.is_verified,
                )
            )
        return rows

    def step_status(self) -> StepStatus:
        """Return where the step stands, once there is a model."""
        usable = {one.folder for one in self.variants if is_usable(one)}
        if self.variants and not usable:  # a file that does the same is as useless
            return StepStatus(StepState.WARNING, message("No model finds anything."))
        known = [found for folder, found in self.verified.items() if folder in usable]
        if any(one.is_verified for one in known):
            return StepStatus(StepState.DONE, message("A model is verified and can run."))
        if known:
            return StepStatus(StepState.WARNING, message("An exported file differs."))
        return StepStatus(StepState.NEXT, message("Ready to ship."))


def read_ship_runs(project: Project, reader: VariantReader, check: Callable[[], None]) -> ShipRuns:
    """Read the runs of a project; takes a while for many, so call it in the background."""
    known = ShipRuns(reader.read(project, check))
    for run in project.runs():  # newest first: the first one found counts
        check()
        if run.kind not in _WORK:
            continue
        spec = reader.spec(run)
        if isinstance(spec, WatchSpec):
            known.watched = known.watched or Watched(run, spec)
            known.about[run.id] = (spec.export_dir, run.kind)
        if isinstance(spec, BenchmarkSpec):
            known.about[run.id] = (spec.exports[0], run.kind)
            if run.state in ALIVE:
                known.timing = run
            elif run.state == "done" and known.benchmark is None:
                known.benchmark = reader.result(run)
        if not isinstance(spec, ModelJobSpec):
            continue
        folder = located(spec.model_dir, project)
        alive = run.state in ALIVE
        known.about[run.id] = (folder, run.kind)
        if alive:
            known.active.append(ActiveRun(run, folder))
        if isinstance(spec, TrialSpec):
            if alive or run.state in ("done", "interrupted", "cancelled"):
                trials = known.own if spec.subset is None else known.validation
                trials.setdefault(folder, Trial(run, spec))
        elif isinstance(spec, ExportSpec) and run.state == "done":
            export = _export(run, reader)
            others = known.exports.setdefault(folder, [])
            if export is not None and all(one.folder != export.folder for one in others):
                others.append(export)
        elif run.kind == "bundle" and run.state == "done":
            path = Path(str((reader.result(run) or {}).get("bundle", "")))
            size = int((reader.result(run) or {}).get("size_bytes") or 0)
            made = known.bundles.setdefault(folder, [])
            if path.exists() and path.name and all(one.path != path for one in made):
                made.append(Bundle(run, path, size))
        elif run.kind == "verify" and run.state == "done":
            found = _verified(run, reader)
            if found is not None:
                known.verified.setdefault(folder, found)
                known.checked.setdefault(found.folder, found)
    return known


def _export(run: RunRow, reader: VariantReader) -> Export | None:
    """Return what an export left, None where it is gone."""
    result = reader.result(run) or {}
    folder = Path(str(result.get("export_dir", "")))
    files = [Path(str(file)) for file in result.get("files") or ()]
    if not files or not all(file.is_file() for file in files):
        return None
    size = int(result.get("size_bytes") or 0)
    is_complete = result.get("graph") == "complete"  # earlier versions did not say
    return Export(run, folder, str(result.get("format", "onnx")), size, is_complete)


def _verified(run: RunRow, reader: VariantReader) -> Verified | None:
    """Return what a verification found, None where the export is gone."""
    result = reader.result(run) or {}
    folder = Path(str(result.get("export_dir", "")))
    if not folder.is_dir():
        return None
    pictures = {}
    for name, file in (result.get("pictures") or {}).items():
        path = run.folder / str(file)
        if path.is_file():
            pictures[str(name)] = path
    return Verified(run, folder, result, pictures)


def images_among(paths: Iterable[Path]) -> list[Path]:
    """Return the images among files, and those directly in folders, in people's order.

    Raises:
        InputError: there are none.
    """
    found: dict[Path, None] = {}
    paths = list(paths)
    for path in paths:
        inside = path.iterdir() if path.is_dir() else [path]
        images = [
            one.absolute()
            for one in inside
            if one.suffix.lower() in IMAGE_SUFFIXES and not is_hidden(one.name)
        ]
        found.update(dict.fromkeys(natsorted(images, key=str)))
    if not found:
        raise InputError("There are no images in {folder}.", folder=paths[0] if paths else "")
    return list(found)
