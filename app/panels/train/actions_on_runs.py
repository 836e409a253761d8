"""What can be done with a training besides steering it: name, note, pin, files, delete, undo."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QColor, QDesktopServices, QImage
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from app.look.icons import icon
from app.look.theme import tokens
from app.look.translation import tr
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.run_reader import open_run
from app.services.targets import InspectModel, ShipModel, ShowCompression, ShowTraining
from core.project import Project
from core.project.rows import RunRow
from core.runs.curve_table import NamedCurves, write_curves_csv
from core.system.errors import InputError

_PICTURE_SCALE = 2.0
_MODEL = "best_model"
_MOST_DELETED = 12


class RunActions(QObject):
    """Does it, and tells the window that the runs have changed.

    Args:
        context: the project and the jobs.
        widget: owner of dialogs and menus.
    """

    deleted = Signal(object)
    """(list of RunRow): these were set aside; ``undo_delete`` brings them back."""
    rename_requested = Signal(int)
    """(run id): let its name be typed in place."""
    board_starting = Signal(bool)
    """VisualDL is being started, or has been."""

    def __init__(self, context: AppContext, widget: QWidget) -> None:
        super().__init__(widget)
        self._context, self._widget = context, widget
        self._tasks = BackgroundTasks(self)

    @property
    def busy(self) -> bool:
        """Whether a file is being written."""
        return self._tasks.busy

    def shut_down(self) -> None:
        """Wait for what is being written."""
        self._tasks.shut_down()

    def menu(self, run: RunRow, *, in_list: bool) -> QMenu:
        """Return what can be done with a run; ``in_list``: from a place that shows several."""
        menu = QMenu(self._widget)
        menu.setToolTipsVisible(True)
        project = self._context.project
        editable = project is not None and not project.read_only
        if in_list:
            self._add(menu, tr("Show its curves"), "train", lambda: self._show(run))
        has_model = (run.folder / _MODEL).is_dir() and run.state not in ("running", "paused")
        if has_model:
            self._add(menu, tr("Inspect its errors"), "inspect", lambda: self._inspect(run))
            self._add(menu, tr("Compress its model"), "compress", lambda: self._compress(run))
            self._add(menu, tr("Ship its model"), "ship", lambda: self._ship(run))
        menu.addSeparator()
        for text, name, slot in (
            (tr("Rename"), "label", lambda: self.rename_requested.emit(run.id)),
            (
                tr("Unpin") if run.pinned else tr("Pin to the top"),
                "star",
                lambda: self.pin(run, not run.pinned),
            ),
        ):
            self._add(menu, text, name, slot, enabled=editable)
        menu.addSeparator()
        self._add(
            menu, tr("Save the curves as a table (CSV)…"), "export", lambda: self.save_csv([run])
        )
        self._add(menu, tr("Open in VisualDL"), "external", lambda: self.open_board([run]))
        self._add(menu, tr("Open the run's folder"), "folder", lambda: self.open_folder(run))
        menu.addSeparator()
        self._add(menu, tr("Delete"), "trash", lambda: self.delete([run]), enabled=editable)
        self._add_restore(menu, enabled=editable)
        return menu

    # What people say of runs

    def rename(self, run_id: int, name: str) -> None:
        """Call a run something else."""
        self._change(lambda project: project.rename_run(run_id, name))

    def write_note(self, run_id: int, note: str) -> None:
        """Keep a note."""
        self._change(lambda project: project.note_run(run_id, note))

    def pin(self, run: RunRow, pinned: bool) -> None:
        """Let a run stand above the others, or not."""
        self._change(lambda project: project.pin_run(run.id, pinned))

    # Deleting

    def delete(self, runs: Sequence[RunRow]) -> None:
        """Set runs aside; those that wait leave the queue first."""
        gone: list[RunRow] = []
        for run in runs:
            if str(run.id) in self._context.jobs.queued:
                self._context.jobs.stop(str(run.id))
        ids = [run.id for run in runs]
        self._change(lambda project: gone.extend(project.delete_runs(ids)))
        if gone:
            self.deleted.emit(gone)

    def undo_delete(self, runs: Sequence[RunRow]) -> None:
        """Bring back what was set aside."""
        self._change(lambda project: project.restore_runs(run.id for run in runs))

    # Files

    def save_csv(self, runs: Sequence[RunRow]) -> None:
        """Ask where to, and write the curves of runs as a table."""
        target = self._ask(tr("Save the curves"), _file_name(runs, ".csv"), tr("Table (*.csv)"))
        if target is None:
            return
        chosen = [(run.name, run.folder) for run in runs]

        def write() -> None:
            readers = [(name, open_run(folder)) for name, folder in chosen]
            write_curves_csv(
                target, [NamedCurves(name, one.history, one.labels) for name, one in readers]
            )

        self._tasks.start(
            lambda _progress: write(),
            on_done=lambda _nothing: None,
            on_failed=self._context.error_occurred.emit,
        )

    def save_picture(self, runs: Sequence[RunRow], widget: QWidget) -> None:
        """Ask where to, and write a picture of a widget with curves, large enough to be printed."""
        target = self._ask(tr("Save the curves"), _file_name(runs, ".png"), tr("Picture (*.png)"))
        if target is None:
            return
        if not picture_of(widget).save(str(target)):
            self._context.error_occurred.emit(
                InputError("{file} could not be written.", file=target)
            )

    def open_folder(self, run: RunRow) -> None:
        """Show the run's folder in the system's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.folder)))

    def open_board(self, runs: Sequence[RunRow]) -> None:
        """Show curves in VisualDL, in the browser."""
        self.board_starting.emit(True)

        def failed(error: Exception) -> None:
            self.board_starting.emit(False)
            self._context.error_occurred.emit(error)

        self._context.board.open(
            [run.folder / "vdl_log" for run in runs],
            on_done=lambda: self.board_starting.emit(False),
            on_failed=failed,
        )

    def _ask(self, title: str, name: str, kinds: str) -> Path | None:
        project = self._context.project
        folder = Path.home() if project is None else project.folder.parent
        path, _ = QFileDialog.getSaveFileName(self._widget, title, str(folder / name), kinds)
        return Path(path) if path else None

    # Elsewhere

    def _show(self, run: RunRow) -> None:
        self._context.navigate(ShowTraining(run.id))

    def _inspect(self, run: RunRow) -> None:
        self._context.navigate(InspectModel(run.id))

    def _compress(self, run: RunRow) -> None:
        self._context.navigate(ShowCompression(run.id))

    def _ship(self, run: RunRow) -> None:
        self._context.navigate(ShipModel(run.folder / _MODEL))

    # The rest

    def _change(self, change: Callable[[Project], object]) -> None:
        project = self._context.project
        if project is None:
            return
        try:
            change(project)
        except InputError as error:
            self._context.error_occurred.emit(error)
        self._context.runs_changed.emit()

    def _add(
        self, menu: QMenu, text: str, name: str, slot: Callable[[], object], *, enabled: bool = True
    ) -> None:
        action = menu.addAction(icon(name), text)
        action.setEnabled(enabled)
        action.triggered.connect(slot)

    def _add_restore(self, menu: QMenu, *, enabled: bool) -> None:
        project = self._context.project
        gone = [] if project is None else [one for one in project.deleted_runs() if one.number]
        if not gone or project is None:
            return
        inner = menu.addMenu(icon("undo"), tr("Bring back"))
        inner.setEnabled(enabled)
        deleted = project.deleted_runs()
        for run in gone[:_MOST_DELETED]:
            family = [run, *(one for one in deleted if one.parent_id == run.id)]
            action = inner.addAction(run.name)
            action.triggered.connect(lambda _checked=False, runs=family: self.undo_delete(runs))


def picture_of(widget: QWidget) -> QImage:
    """Return a picture of a widget with twice as many pixels as on the screen."""
    picture = QImage(widget.size() * _PICTURE_SCALE, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(_PICTURE_SCALE)
    picture.fill(QColor(tokens().surface))
    widget.render(picture)
    return picture


def _file_name(runs: Sequence[RunRow], suffix: str) -> str:
    """Return a name that every file system takes."""
    words = runs[0].name if len(runs) == 1 else tr("runs")
    return (re.sub(r"[^\w.-]+", "_", words).strip("._") or "run") + suffix
