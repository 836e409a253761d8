"""The demo's folder: data set, project, runs and report, each made once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.demo import recipe
from core.demo.dataset import DemoSettings, make_dataset, make_new_images
from core.project import Project, RunRow, is_project
from core.project.run_start import prepare_run
from core.system.errors import InputError
from core.system.files import make_folder, write_json_atomic

MARKER = "demo.json"
_NEW_IMAGES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """What a demo folder is made with, kept in ``demo.json``."""

    images: int = 160
    epochs: int = recipe.EPOCHS
    seed: int = 7

    @property
    def settings(self) -> DemoSettings:
        """Of the data set; raises ``InputError`` for too few images."""
        return DemoSettings(images=self.images, seed=self.seed)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A demo folder; what is in it already is used again, so an interrupted demo goes on."""

    folder: Path
    plan: DemoPlan

    @property
    def data_dir(self) -> Path:
        """Images and masks in SEG layout."""
        return self.folder / "data"

    @property
    def new_images_dir(self) -> Path:
        """Images of other parts, without masks, to predict on."""
        return self.folder / "new_images"

    @property
    def project_dir(self) -> Path:
        """The project."""
        return self.folder / "project"

    @property
    def predictions_dir(self) -> Path:
        """Predicted masks of the new images."""
        return self.folder / "predictions"

    @property
    def report_path(self) -> Path:
        """The report."""
        return self.folder / "report.html"

    def make_data(self, *, progress: Callable[[int, int], None] | None = None) -> None:
        """Make data set and new images, where they are not there yet."""
        settings = self.plan.settings
        if not self.new_images_dir.exists():
            make_new_images(self.new_images_dir, _NEW_IMAGES, settings)
        if not self.data_dir.exists():
            make_dataset(self.data_dir, settings, progress=progress)

    def make_project(self) -> None:
        """Make the project and import the data set, where that is not done yet."""
        if is_project(self.project_dir):
            project = Project.open(self.project_dir)
        else:
            project = Project.create(self.project_dir, "Surface inspection demo")
        with project:
            if not project.image_ids():
                project.import_data_folder(self.data_dir)

    def newest_run(self, kind: str) -> RunRow | None:
        """Return the newest run of a kind, its state as it is now."""
        with Project.open(self.project_dir) as project:
            project.refresh_run_states()
            return next(iter(project.runs(kind)), None)

    def training_fields(self) -> dict[str, Any]:
        """Return the fields of the training job, without ``data_dir``."""
        with Project.open(self.project_dir) as project:
            images = project.statistics().train_images
        return recipe.training_fields(
            train_images=images, epochs=self.plan.epochs, seed=self.plan.seed
        )

    def prepare(self, fields: dict[str, Any]) -> RunRow:
        """Make a run of the project with these fields of a spec."""
        with Project.open(self.project_dir) as project:
            return prepare_run(project, fields)


def open_workspace(
    folder: Path, *, images: int | None, epochs: int | None, seed: int | None
) -> Workspace:
    """Open a demo folder or begin a new one.

    Args:
        folder: new, empty, or an earlier demo.
        images: size of the data set; None: as it is there, or the default.
        epochs: of the training; None: likewise.
        seed: of everything; None: likewise.

    Raises:
        InputError: something else is in ``folder``, a demo made with other settings, or too few
            images.
    """
    asked = {"images": images, "epochs": epochs, "seed": seed}
    given = {name: value for name, value in asked.items() if value is not None}
    marker = folder / MARKER
    if marker.exists():
        plan = _read_plan(marker)
        for name, value in given.items():
            if getattr(plan, name) != value:
                raise InputError(
                    "The demo in {folder} was made with {name} {there}, not {value}; choose "
                    "another folder with --out.",
                    folder=folder,
                    name=name,
                    there=getattr(plan, name),
                    value=value,
                )
        return Workspace(folder, plan)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            "{folder} is not empty and holds no demo; choose another folder with --out.",
            folder=folder,
        )
    plan = DemoPlan(**given)
    _ = plan.settings  # before anything is written
    make_folder(folder)
    write_json_atomic(marker, asdict(plan))
    return Workspace(folder, plan)


def _read_plan(marker: Path) -> DemoPlan:
    try:
        values = json.loads(marker.read_text(encoding="utf-8"))
        return DemoPlan(**{name: int(values[name]) for name in ("images", "epochs", "seed")})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("{file} cannot be read; choose another --out.", file=marker) from error
