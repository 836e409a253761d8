"""What the project's menu offers for the open project: import, taking it back, cleaning up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QObject, Qt, Slot
from PySide6.QtWidgets import QDialog, QWidget

from app.look.translation import tr, trn
from app.panels.data.import_dialog import ImportDialog
from app.services.context import AppContext
from app.services.notices import Notice
from app.widgets import dialogs
from core.project import GarbageReport


class ProjectActions(QObject):
    """Does it, after a question where something is lost by it.

    Args:
        window: parent of the dialogs.
        context: the open project.
        holds_back: asks the panel in front whether to wait; see ``Panel.holds_back``.
        explain: gives a dialog the hints of words.
    """

    def __init__(
        self,
        window: QWidget,
        context: AppContext,
        *,
        holds_back: Callable[[Callable[[], object]], bool],
        explain: Callable[[QDialog], None],
    ) -> None:
        super().__init__(window)
        self._window, self._context = window, context
        self._holds_back, self._explain = holds_back, explain

    def show_import(self, folder: Path | None = None) -> ImportDialog:
        """Ask what to import into the open project."""
        dialog = ImportDialog(self._context, self._window)
        self._explain(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        if folder is not None:
            dialog.set_folder(folder)
        return dialog

    @Slot()
    def import_images(self) -> None:
        """Ask what to import, unless something stands in the way."""
        project = self._context.project
        if project is None or self._holds_back(self.import_images):
            return
        if project.read_only:
            self._context.notice_requested.emit(
                Notice(tr("This project is open for reading only; nothing can be imported."))
            )
        else:
            self.show_import()

    @Slot()
    def undo_import(self) -> None:
        """Take the last import back, after asking."""
        project = self._context.project
        info = None if project is None else project.last_import()
        if project is None or info is None or self._holds_back(self.undo_import):
            return
        when = QLocale().toString(
            QDateTime.fromSecsSinceEpoch(int(info.created)), QLocale.FormatType.ShortFormat
        )
        if dialogs.ask(
            self._window,
            tr("Undo the import of {source} ({when})?", source=info.source, when=when),
            details=tr("Images changed since then stay; no image file is deleted."),
            yes=tr("Undo the import"),
            no=tr("Keep it"),
            dangerous=True,
        ):
            self._context.tasks.start(
                lambda _progress: project.undo_last_import(),
                on_done=lambda _report: self._context.dataset_changed.emit(),
                on_failed=self._context.error_occurred.emit,
            )

    @Slot()
    def clean_up(self) -> None:
        """Remove what nobody needs any more from the disk, after asking."""
        project = self._context.project
        if project is not None and dialogs.ask(
            self._window,
            tr("Remove earlier versions of masks, and deleted runs?"),
            details=tr(
                "Masks as they are now stay, and those that runs or the undo of an import need. "
                "Deleted runs cannot be brought back any more. This frees space on the disk and "
                "cannot be undone."
            ),
            yes=tr("Remove"),
            no=tr("Keep them"),
            dangerous=True,
        ):
            self._context.tasks.start(
                lambda _progress: project.collect_garbage(),
                on_done=self._on_cleaned_up,
                on_failed=self._context.error_occurred.emit,
            )

    def _on_cleaned_up(self, report: GarbageReport) -> None:
        self._context.notice_requested.emit(
            Notice(
                trn(
                    "{count} file was removed ({size}).",
                    "{count} files were removed ({size}).",
                    report.files,
                    size=QLocale().formattedDataSize(report.size),
                )
            )
        )

    @Slot()
    def show_audit_trail(self) -> None:
        """Show who changed what, and when."""
        from app.shell.audit_dialog import AuditDialog  # not before the window is up

        project = self._context.project
        if project is not None:
            dialog = AuditDialog(project.trail, project.folder, self._window)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()
