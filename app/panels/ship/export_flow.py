"""What follows what on the last stages: export, verify, bundle, measure, watch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from app.look.translation import tr
from app.panels.ship.export_choices import ExportChoices
from app.panels.ship.export_page import ExportPage
from app.panels.ship.ship_actions import (
    ShipActions,
    ask_for_bundle,
    export_folder,
    write_settings,
)
from app.panels.ship.ship_runs import Export, ShipRuns
from app.panels.ship.watch_follower import WatchFollower, results_folder
from app.services.context import AppContext
from core.portable.settings import Settings
from core.project.variants import ModelVariant
from core.system.errors import InputError


class ExportFlow(QObject):
    """Starts one job when the other has ended; what is still to come is forgotten with the window.

    Args:
        context: the project, and how to tell of errors.
        starter: starts the jobs.
        page: exports, speed, the watched folder.
        choices: format and folder.
        model: returns the model chosen.
        runs: returns what is known of the project.
        settings: returns what decides about images.
        widget: its window carries the dialogs.
    """

    def __init__(
        self,
        context: AppContext,
        starter: ShipActions,
        page: ExportPage,
        choices: ExportChoices,
        *,
        model: Callable[[], ModelVariant | None],
        runs: Callable[[], ShipRuns],
        settings: Callable[[], Settings],
        widget: QWidget,
    ) -> None:
        super().__init__(widget)
        self._context, self._starter = context, starter
        self._page, self._choices, self._widget = page, choices, widget
        self._model, self._runs, self._settings = model, runs, settings
        # Models whose next export is to be verified, with the run after which that comes.
        self._verify_next: dict[Path, int] = {}
        self._bundle_next: dict[Path, Path] = {}  # model → bundle, once there is an export
        self._bundles: Path | None = None  # where the last one went
        self.watching = WatchFollower(page.watch, self)
        page.open_requested.connect(self._on_open_folder)
        page.export_requested.connect(self._on_export)
        page.verify_requested.connect(self._on_verify_chosen)
        page.speed.benchmark_requested.connect(self._on_benchmark)
        page.watch.folder_requested.connect(self._on_watch)
        page.watch.stop_requested.connect(self._on_watch_stopped)
        page.watch.deliver_requested.connect(self.watching.deliver)
        choices.export_requested.connect(self._on_export)
        choices.folder_requested.connect(self._on_folder_requested)
        choices.bundle_requested.connect(self._on_bundle)
        choices.formats.group.idClicked.connect(self.show_folder)
        self.watching.failed.connect(context.error_occurred)
        self.watching.delivered.connect(self._on_delivered)

    def forget(self) -> None:
        """Another project was opened: nothing of the old one follows."""
        self._verify_next.clear()
        self._bundle_next.clear()
        self._bundles = None

    @Slot()
    def show_folder(self) -> None:
        """Say where an export would go."""
        self._choices.show_folder(self._folder())

    @Slot()
    def verify(self) -> None:
        """Export the model anew, then verify the file."""
        model, project = self._model(), self._context.project
        if model is not None and project is not None:
            self._verify_next[model.folder] = self._runs().newest
            self._starter.export(
                export_folder(project, model, "onnx"),
                leave_mirror_out=self._choices.leaves_mirror_out,
            )

    def go_on(self) -> None:
        """Verify and bundle the exports that were waited for."""
        model = self._model()
        if model is None or self._runs().working("export", model.folder) is not None:
            return
        folder, exports = model.folder, self._exports()
        waiting = folder in self._verify_next or folder in self._bundle_next
        if not waiting or not exports:
            return
        self.write_settings()
        if self._verify_next.get(folder, exports[0].run.id) < exports[0].run.id:
            del self._verify_next[folder]
            self._starter.verify(exports[0].folder)
        export = self._runs().bundled_export(folder)
        if folder in self._bundle_next and export is not None:
            self._starter.bundle(export.folder, self._bundle_next.pop(folder))

    def write_settings(self) -> None:
        """Let the exports of the model decide as the rules say now."""
        for one in self._exports():
            try:
                write_settings(one.folder, self._settings())
            except (InputError, OSError) as error:
                self._context.error_occurred.emit(error)

    def _exports(self) -> list[Export]:
        model = self._model()
        return [] if model is None else self._runs().exports.get(model.folder, [])

    def _folder(self) -> Path | None:
        model, project = self._model(), self._context.project
        if model is None or project is None:
            return None
        return self._choices.folder or export_folder(project, model, self._choices.format)

    @Slot()
    def _on_export(self) -> None:
        model, folder = self._model(), self._folder()
        if model is None or folder is None:
            return
        self._verify_next[model.folder] = self._runs().newest
        plain = self._choices.plain_box.isChecked()
        self._starter.export(
            folder,
            format=self._choices.format,
            plain=plain,
            leave_mirror_out=self._choices.leaves_mirror_out,
        )

    @Slot()
    def _on_bundle(self) -> None:
        """Ask where to; export first where nothing can be bundled yet."""
        model, project = self._model(), self._context.project
        if model is None or project is None:
            return
        try:
            target = ask_for_bundle(
                self._widget,
                project,
                model,
                as_zip=self._choices.as_zip,
                folder=self._bundles,
            )
        except OSError as error:
            self._context.error_occurred.emit(error)
            return
        if target is None:
            return
        self._bundles = target.parent
        export = self._runs().bundled_export(model.folder)
        if export is None:
            self._bundle_next[model.folder] = target
            self.verify()
        else:
            self.write_settings()
            self._starter.bundle(export.folder, target)

    @Slot()
    def _on_benchmark(self) -> None:
        self._starter.benchmark(self._runs().all_exports)

    @Slot()
    def _on_watch(self) -> None:
        """Ask for the folder; export first where there is nothing to judge by."""
        project, exports = self._context.project, self._exports()
        if project is None:
            return
        if not exports:
            self.verify()
            return
        folder = self._ask_for_folder(tr("Folder into which images arrive"))
        if folder is not None:
            self.write_settings()
            self._starter.watch(exports[0].folder, folder, results_folder(project, folder))

    @Slot()
    def _on_watch_stopped(self) -> None:
        if self.watching.run_id is not None:
            self._context.jobs.stop(self.watching.run_id)

    @Slot(int)
    def _on_delivered(self, count: int) -> None:
        if count:
            self._context.dataset_changed.emit()

    @Slot()
    def _on_verify_chosen(self) -> None:
        chosen = self._page.table.current
        if chosen is not None:
            self._starter.verify(chosen.folder)

    @Slot()
    def _on_folder_requested(self) -> None:
        folder = self._ask_for_folder(tr("Folder for the exported model"))
        if folder is not None:
            self._choices.folder = folder
            self._choices.show_folder(folder)

    @Slot()
    def _on_open_folder(self) -> None:
        chosen = self._page.table.current
        if chosen is not None:
            folder = chosen.folder if chosen.folder.is_dir() else chosen.folder.parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _ask_for_folder(self, title: str) -> Path | None:
        folder = QFileDialog.getExistingDirectory(
            self._widget.window(), title, str(self._context.projects_dir())
        )
        return Path(folder) if folder else None
