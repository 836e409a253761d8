"""The buttons of the step Ship: each starts a job on the chosen model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QFileDialog, QWidget

from app.look.translation import tr
from app.panels.ship.ship_runs import images_among
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.job_starter import JobStarter
from core.deploy.export_settings import remember_settings
from core.portable.manifest import MANIFEST, read_manifest
from core.portable.settings import Settings
from core.project import ImageQuery, Project
from core.project.variants import ModelVariant
from core.runs.kinds import TrialSpec
from core.system.errors import portable_errors

_EXPORTS = "exports"


class ShipActions(JobStarter):
    """Starts jobs; one at a time is prepared, so that a double click starts one.

    Args:
        context: starts the runs.
        tasks: lists images in the background.
        model: returns the model chosen.
        thresholds: returns whether classes are chosen by the model's thresholds.
        widget: its window carries the dialogs.
    """

    def __init__(
        self,
        context: AppContext,
        tasks: BackgroundTasks,
        model: Callable[[], ModelVariant | None],
        *,
        thresholds: Callable[[], bool],
        widget: QWidget,
    ) -> None:
        super().__init__(context, widget)
        self._tasks = tasks
        self._model, self._thresholds, self._widget = model, thresholds, widget

    def try_folder(self) -> None:
        """Ask for a folder and try the model on its images."""
        folder = QFileDialog.getExistingDirectory(
            self._widget.window(),
            tr("Folder with images to try the model on"),
            str(self._context.projects_dir()),
        )
        if folder:
            self.try_paths([Path(folder)])

    def try_paths(self, paths: Sequence[Path]) -> None:
        """Try the model on files, and on the images in folders."""
        model = self._model()
        if model is None:
            return
        source = str(paths[0]) if len(paths) == 1 else tr("images that were dropped")
        self._tasks.start(
            lambda _progress: images_among(paths),
            on_done=lambda images: self._start(
                {
                    "kind": "trial",
                    "model_dir": model.folder,
                    "images": images,
                    "source": source,
                    "thresholds": self._thresholds(),
                }
            ),
            on_failed=self._context.error_occurred.emit,
            key="images",
        )

    def try_validation(self) -> None:
        """Try the model on the project's validation images."""
        model, project = self._model(), self._context.project
        if model is None or project is None:
            return
        images = [row.path for row in project.images(ImageQuery(subset="val"))]
        if images:
            self._start(
                {
                    "kind": "trial",
                    "model_dir": model.folder,
                    "images": images,
                    "subset": "val",
                    "thresholds": self._thresholds(),
                }
            )

    def try_again(self, spec: TrialSpec, *, thresholds: bool) -> None:
        """Try the same images again, with or without the model's thresholds."""
        fields = spec.model_copy(update={"thresholds": thresholds}).model_dump()
        self._start(fields)

    def export(
        self,
        folder: Path,
        *,
        format: str = "onnx",
        plain: bool = False,
        leave_mirror_out: bool = False,
    ) -> None:
        """Write the files of the model into a folder."""
        model = self._model()
        if model is None:
            return
        fields: dict[str, Any] = {"kind": "export", "model_dir": model.folder, "out_dir": folder}
        if format != "onnx":
            fields["format"] = format
        if self._thresholds():
            fields["thresholds"] = True
        if plain:
            fields["plain"] = True
        if leave_mirror_out:
            fields["flip_test"] = False
        if self._has_labelled_validation_images():
            fields["reference"] = True  # the line can then verify by itself
        self._start(fields)

    def _has_labelled_validation_images(self) -> bool:
        project = self._context.project
        if project is None:
            return False
        states = project.counts(ImageQuery(subset="val")).by_state
        return any(states.get(state) for state in ("labelled", "reviewed"))

    def verify(self, export: Path) -> None:
        """Compare an export with the model on the validation images."""
        model = self._model()
        if model is not None:
            self._start({"kind": "verify", "model_dir": model.folder, "export_dir": export})

    def benchmark(self, exports: Sequence[Path]) -> None:
        """Time exports side by side."""
        if exports:
            self._start({"kind": "benchmark", "exports": list(exports)})

    def watch(self, export: Path, folder: Path, out: Path) -> None:
        """Judge what arrives in a folder."""
        self._start({"kind": "watch", "export_dir": export, "folder": folder, "out_dir": out})

    def bundle(self, export: Path, target: Path) -> None:
        """Make a bundle of an export."""
        model = self._model()
        if model is not None:
            self._start(
                {
                    "kind": "bundle",
                    "model_dir": model.folder,
                    "export_dir": export,
                    "out": target,
                }
            )


def write_settings(export: Path, settings: Settings) -> None:
    """Write what decides into the manifest of an export, unless it says so already.

    Regions are those that were drawn, beside the images of regions that the export has.

    Raises:
        InputError: the manifest is damaged.
        OSError: it cannot be written.
    """
    if not (export / MANIFEST).is_file():
        return  # of an earlier version
    with portable_errors():
        present = Settings.from_manifest(read_manifest(export), export)
    area = replace(
        settings.area,
        regions_file=present.area.regions_file,
        dont_care_file=present.area.dont_care_file,
    )
    wanted = replace(settings, area=area, thresholds=present.thresholds)
    if wanted != present:
        remember_settings(export, wanted)


def ask_for_bundle(
    widget: QWidget,
    project: Project,
    model: ModelVariant,
    *,
    as_zip: bool,
    folder: Path | None = None,
) -> Path | None:
    """Ask where a bundle goes; None: nowhere.

    Args:
        widget: its window carries the dialog.
        project: whose folder of exports is suggested, and made where it is not there.
        model: the bundle is called by it.
        as_zip: whether it becomes a file.
        folder: is suggested instead, as long as it is there.

    Raises:
        OSError: the folder of exports cannot be made.
    """
    suggested = export_folder(project, model, "bundle")
    if folder is not None and folder.is_dir():
        suggested = folder / suggested.name
    else:  # Qt shows its working directory in place of a folder that is not there
        suggested.parent.mkdir(exist_ok=True)
    if as_zip:
        suggested = suggested.with_name(f"{suggested.name}.zip")
    file, _ = QFileDialog.getSaveFileName(
        widget.window(),
        tr("Bundle for the line PC"),
        str(free_name(suggested)),
        tr("Zip files (*.zip)") if as_zip else tr("New folder (*)"),
    )
    if not file:
        return None
    target = Path(file)
    return target.with_name(f"{target.name}.zip") if as_zip and target.suffix != ".zip" else target


def free_name(path: Path) -> Path:
    """Return a path that is not taken, with a number where need be."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return free


def export_folder(project: Project, model: ModelVariant, format: str) -> Path:
    """Return where an export of a model goes unless another folder is chosen."""
    words = f"{model.run_name} {model.run_id} {model.kind} {format}"
    name = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in words)
    return project.folder / _EXPORTS / "_".join(part for part in name.split("_") if part)
