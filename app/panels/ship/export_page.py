"""The last stage: what was exported, what to do with it, how fast it is, and a folder watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from app.look.icons import icon
from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.panels.ship.benchmark_page import BenchmarkPage
from app.panels.ship.commands import NextSteps, bundle_steps, export_steps
from app.panels.ship.watch_page import WatchPage
from app.widgets.empty_state import EmptyState
from app.widgets.layout import button, label, row
from app.widgets.number_text import size_text
from app.widgets.row_table import ROW_HEIGHT, Column, RowModel, RowTable
from app.widgets.switching import switch

_FORMAT, _VERIFIED, _FOLDER = 0, 1, 3
_NAMES = {"onnx": "ONNX", "openvino": "OpenVINO", "paddle": "Paddle"}
_BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class ExportRow:
    """An export in the table.

    Attributes:
        folder: where it is.
        format: ``"onnx"``, ``"openvino"``, ``"paddle"``, or ``"bundle"``.
        size_bytes: of the model's file.
        verified: None where it was not tried, or is being tried.
        note: what is said instead of that.
    """

    folder: Path
    format: str
    size_bytes: int
    verified: bool | None = None
    note: str = ""

    @property
    def is_bundle(self) -> bool:
        """Whether it is a bundle of an export."""
        return self.format == _BUNDLE


class ExportModel(RowModel[ExportRow]):
    """Rows are ``ExportRow``, the newest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_columns(), parent)

    def text(self, item: ExportRow, column: int) -> str:
        """Return what a cell says."""
        if column == _FORMAT:
            return tr("Bundle") if item.is_bundle else format_name(item.format)
        if column == _VERIFIED:
            return item.note or ("" if item.is_bundle else _verified_text(item.verified))
        return str(item.folder) if column == _FOLDER else size_text(item.size_bytes)

    def color(self, item: ExportRow, column: int) -> QColor | None:
        """Return whether it is verified, as a colour."""
        if column != _VERIFIED or item.verified is None:
            return None
        return QColor(tokens().success if item.verified else tokens().danger)

    def picture(self, item: ExportRow, column: int) -> QIcon | None:
        """Return whether it is verified, as a mark."""
        color = self.color(item, column)
        if color is None:
            return None
        return icon("check" if item.verified else "warning", color=color.name())


class ExportTable(RowTable[ExportRow]):
    """The arrow keys move through the exports of the model."""

    def __init__(self, parent: QWidget | None = None) -> None:
        rows = ExportModel()
        super().__init__(rows, stretched=_FOLDER, least=GRID * 10, parent=parent)
        self.rows = rows
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setAccessibleName(tr("Exports of this model"))

    def show_exports(self, rows: Sequence[ExportRow]) -> None:
        """List these, the newest first; the one that was chosen stays."""
        known = {one.folder for one in self.rows.items}
        self.keep_chosen(lambda: self.rows.show_items(rows), lambda one: one.folder)
        is_new = bool(rows) and rows[0].folder not in known
        if is_new or self.current is None:
            self.selectRow(0)  # what was made last is what is gone on with


class ExportPage(QWidget):
    """Exports and next steps; further tabs are added by the panel."""

    chosen = Signal()
    open_requested = Signal()
    verify_requested = Signal()
    export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = ExportTable()
        self.empty = EmptyState(
            "export", tr("Nothing is exported yet"), _invitation(), action=tr("Export")
        )
        self.activity = label("", "muted")
        self.steps = NextSteps()
        self.open_button = button(
            tr("Open the folder"), icon="folder", tooltip=tr("Show the files")
        )
        self.verify_button = button(
            tr("Verify"), tooltip=tr("Compare the file with the trained network")
        )
        first = QWidget()
        column = QVBoxLayout(first)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.activity)
        column.addWidget(self.table)
        column.addLayout(row(self.open_button, self.verify_button, 1))
        column.addWidget(self.steps)
        column.addStretch(1)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.speed = BenchmarkPage()
        self.watch = WatchPage()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(first)
        self.tabs.addTab(self._pages, tr("Exports"))
        self.tabs.addTab(self.speed, tr("Speed"))
        self.tabs.addTab(self.watch, tr("Watch a folder"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)
        self.table.chosen.connect(self._on_chosen)
        self.open_button.clicked.connect(self.open_requested)
        self.verify_button.clicked.connect(self.verify_requested)
        self.empty.action_requested.connect(self.export_requested)
        self.show_exports([])
        self._on_chosen()

    def show_exports(self, rows: Sequence[ExportRow]) -> None:
        """List what was exported."""
        self.table.show_exports(rows)
        self._pages.setCurrentIndex(1 if rows else 0)
        height = (
            self.table.horizontalHeader().sizeHint().height() + ROW_HEIGHT * min(len(rows), 5) + 6
        )
        self.table.setFixedHeight(height)
        self._on_chosen()

    @Slot()
    def _on_chosen(self) -> None:
        current = self.table.current
        self.verify_button.setVisible(current is not None and not current.is_bundle)
        if current is None:
            self.steps.show_steps({})
        elif current.is_bundle:
            self.steps.show_steps(bundle_steps(current.folder))
        else:
            self.steps.show_steps(export_steps(current.folder))
        self.chosen.emit()

    @property
    def shows_watching(self) -> bool:
        """Whether the watched folder is in front."""
        return self.tabs.currentWidget() is self.watch

    def show_tab(self, kind: str) -> None:
        """Bring the tab to the front that shows a kind of job."""
        tabs = {"watch": 2, "benchmark": 1, "export": 0, "bundle": 0}
        self.tabs.setCurrentIndex(tabs.get(kind, self.tabs.currentIndex()))

    def show_activity(self, text: str) -> None:
        """Say what is being done."""
        self.activity.setText(text)
        self.activity.setVisible(bool(text))
        self.empty.button.setVisible(not text)
        if text:  # beside "Nothing is exported yet" one of the two would be wrong
            self.empty.show_text(text, tr("The file is listed here as soon as it is written."))
        else:
            self.empty.show_text(tr("Nothing is exported yet"), _invitation())

    def set_startable(self, allowed: bool, why: str = "") -> None:
        """Whether anything may be started; ``why`` not."""
        switch(self.verify_button, self.empty.button, on=allowed, why=why)
        self.speed.set_startable(allowed, why)
        self.watch.set_startable(allowed, why)

    def shut_down(self) -> None:
        """Wait for what draws in the background."""
        self.watch.shut_down()

    def renew_colors(self) -> None:
        """Draw the marks in the current theme."""
        self.show_exports(self.table.rows.items)
        self.empty.renew_colors()
        self.speed.renew_colors()
        self.watch.renew_colors()


def _columns() -> tuple[Column, ...]:
    return (
        Column(tr("Format")),
        Column(tr("Verified")),
        Column(tr("Size"), is_number=True),
        Column(tr("Folder")),
    )


def _invitation() -> str:
    return tr("Choose a format at the right; the file is verified as soon as it is written.")


def format_name(name: str) -> str:
    """Return what people call a format."""
    return _NAMES.get(name, name)


def _verified_text(verified: bool | None) -> str:
    if verified is None:
        return tr("not yet")
    return tr("verified") if verified else tr("not the same")
