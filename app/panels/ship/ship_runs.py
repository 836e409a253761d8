"""What the step Ship needs to know of a project, read off the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from natsort import natsorted

from core.images.io import IMAGE_SUFFIXES
from core.project import Project, RunRow
from core.project.variants import ModelVariant, VariantReader, located
from core.runs.kinds import JOB_KINDS, ExportSpec, TrialSpec
from core.runs.spec import ModelJobSpec
from core.system.errors import InputError
from core.system.folders import is_hidden

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


@dataclass(slots=True)
class ShipRuns:
    """The project's models and the newest runs about each, by model folder.

    ``own`` are trials on images of the user's, ``validation`` those on the project's.
    """

    variants: tuple[ModelVariant, ...] = ()
    active: list[ActiveRun] = field(default_factory=list)
    own: dict[Path, Trial] = field(default_factory=dict)
    validation: dict[Path, Trial] = field(default_factory=dict)
    exports: dict[Path, list[Export]] = field(default_factory=dict)

    def variant(self, folder: Path | None) -> ModelVariant | None:
        """Return the variant with this model folder."""
        return next((one for one in self.variants if one.folder == folder), None)

    def working(self, kind: str, folder: Path) -> ActiveRun | None:
        """Return a job of this kind on a model that is not over."""
        for one in self.active:
            if one.run.kind == kind and one.model_dir == folder:
                return one
        return None


def read_ship_runs(
    project: Project, reader: VariantReader, check: Callable[[], None]
) -> ShipRuns:
    """Read the runs of a project; takes a while for many, so call it in the background."""
    known = ShipRuns(reader.read(project, check))
    for run in project.runs():  # newest first: the first one found counts
        check()
        if run.kind not in _WORK:
            continue
        spec = reader.spec(run)
        if not isinstance(spec, ModelJobSpec):
            continue
        folder = located(spec.model_dir, project)
        alive = run.state in ALIVE
        if alive:
            known.active.append(ActiveRun(run, folder))
        if isinstance(spec, TrialSpec):
            if alive or run.state in ("done", "interrupted", "cancelled"):
                trials = known.own if spec.subset is None else known.validation
                trials.setdefault(folder, Trial(run, spec))
        elif isinstance(spec, ExportSpec) and run.state == "done":
            export = _export(run, reader)
            if export is not None:
                known.exports.setdefault(folder, []).append(export)
    return known


def _export(run: RunRow, reader: VariantReader) -> Export | None:
    """Return what an export left, None where it is gone."""
    result = reader.result(run) or {}
    folder = Path(str(result.get("export_dir", "")))
    files = [Path(str(file)) for file in result.get("files") or ()]
    if not files or not all(file.is_file() for file in files):
        return None
    return Export(
        run, folder, str(result.get("format", "onnx")), int(result.get("size_bytes") or 0)
    )


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
