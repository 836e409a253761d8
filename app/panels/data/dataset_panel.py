"""Dataset: all images with their masks, classes, findings, split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.base import Panel, StepState, StepStatus
from app.panels.data.dataset_inspector import DatasetInspector
from app.panels.data.export_dialog import ExportDialog
from app.panels.data.filter_bar import FilterBar
from app.panels.data.finding_actions import FindingActions
from app.panels.data.image_edits import DatasetEdits
from app.panels.data.large_view import LargeView
from app.panels.data.project_queries import (
    DatasetSummary,
    count_pixels,
    find_ids,
    read_findings,
    read_summary,
)
from app.panels.data.saved_filters import SavedFilters
from app.panels.data.thumbnail_grid import ThumbnailGrid
from app.panels.data.viewer_page import ViewerPage
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.targets import LabelMostUseful, ShowDataset, Target
from app.services.timers import single_shot
from app.widgets.empty_state import EmptyState
from app.widgets.image_status_text import subset_name
from app.widgets.layout import label
from app.widgets.thumbnails import ThumbnailLoader
from core.advice.label_needs import LabelAdviser, LabelNeed
from core.data.validation import Finding
from core.images.palette import Color, default_palette
from core.project import ImageCounts, ImageQuery, ImageRow, Project
from core.system.messages import Message, message

_SEARCH_DELAY_MS = 200
_EMPTY, _GRID, _VIEWER = range(3)


class DatasetPanel(Panel):
    """The grid, a large view of one image, and the inspector of the set."""

    key: ClassVar[str] = "dataset"
    title: ClassVar[Message] = message("Dataset")
    searches: ClassVar[bool] = True
    icon: ClassVar[str] = "dataset"
    guide: ClassVar[str] = "data-format.md"

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._project: Project | None = None
        self._summary: DatasetSummary | None = None
        self._found: Sequence[Finding] | None = None  # only their images are shown
        self._findings: tuple[Finding, ...] = ()
        self._advice: tuple[Finding, ...] = ()
        self._text = ""
        self._stale = False
        self._tasks = BackgroundTasks(self, max_threads=2)
        self._checks = BackgroundTasks(self)  # a long check must not hold up the grid
        self._counting = BackgroundTasks(self)  # one thread: the adviser is not for several
        self._adviser = LabelAdviser()
        self._loader = ThumbnailLoader(self)
        self.filters = FilterBar()
        self.grid = ThumbnailGrid(self._loader)
        self._viewer_page = ViewerPage()
        self.viewer = self._viewer_page.viewer
        self._large = LargeView(self._viewer_page, self.grid, self._tasks, self)
        self.empty = EmptyState(
            "image",
            tr("No images yet"),
            tr(
                "Drag images or folders onto the window, or import a folder with images, and with "
                "masks if you have them."
            ),
            action=tr("Import images…"),
        )
        self._no_match = label(tr("No image matches these filters."), "muted")
        self._no_match.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedWidget()
        self._inspector = DatasetInspector()
        self._make_layout()
        self._search_delay = single_shot(self, _SEARCH_DELAY_MS, self._query)
        self._edits = DatasetEdits(context, self.grid, self._inspector, self._tasks)
        self._finding_actions = FindingActions(
            context, self._tasks, self._edits.split_anew, self.grid
        )
        self.saved_filters = SavedFilters(context, self.filters, lambda: self._text)
        self._connect()
        self._restore_view()

    def set_project(self, project: Project | None) -> None:
        """Show the images of ``project``."""
        self._tasks.cancel_and_wait()
        self._checks.cancel_and_wait()
        self._counting.cancel_and_wait()
        self._adviser = LabelAdviser()
        self.context.image_in_hand = None
        self._project = project
        self._summary = None
        self._found = None
        self._findings = self._advice = ()
        self._text = ""
        self._loader.set_project(project)
        self.grid.images.set_images(project, ())
        self._large.set_project(project)
        self.filters.reset()
        self._inspector.findings.set_findings(())
        self._inspector.needs.show_needs(())
        self._inspector.setEnabled(project is not None)
        editable = project is not None and not project.read_only
        self._inspector.split.setEnabled(editable)
        self._inspector.findings.set_editable(editable)
        self._pages.setCurrentIndex(_GRID)
        if project is not None:
            self.refresh()

    def status(self) -> StepStatus:
        """Where the step stands."""
        if self._project is None:
            return super().status()
        if self._summary is None:
            return StepStatus(StepState.NEXT, message("Reading the project …"))
        return self._summary.status()

    @property
    def busy(self) -> bool:
        """Whether images or findings are still being read."""
        parts = (self._tasks, self._checks, self._counting)
        return any(part.busy for part in parts) or self._search_delay.isActive()

    def activated(self) -> None:
        """Read again what changed while others were in front."""
        if self._stale:
            self.refresh()

    def inspector(self) -> QWidget | None:
        """Selection, classes, findings and split; nothing while there are no images."""
        empty = self._summary is None or not self._summary.counts.total
        return None if empty else self._inspector

    def navigate(self, target: Target) -> None:
        """Open the image of ``ShowDataset`` large."""
        if not isinstance(target, ShowDataset) or target.image is None or self._project is None:
            return
        image_id = self._project.find_image(target.image)
        if image_id is not None:
            self._large.open(image_id)

    def search(self, text: str) -> None:
        """Filter by name, comment or group."""
        if text != self._text:
            self._text = text
            self._search_delay.start()

    def theme_changed(self) -> None:
        """Renew icons and the background of the large view."""
        self.viewer.renew_colors()
        self.empty.renew_colors()
        self._inspector.findings.renew_colors()

    def shut_down(self) -> None:
        """Cancel and wait."""
        self._project = None  # it may be closed before the last queued signal arrives
        self._search_delay.stop()
        self._tasks.shut_down()
        self._checks.shut_down()
        self._counting.shut_down()
        self._loader.shut_down()
        self.viewer.close_view()

    @Slot()
    def refresh(self) -> None:
        """Read everything again: images, masks or classes changed."""
        project = self._project
        if project is None:
            return
        self._stale = False
        self._query()  # before the overview, which takes longer
        self._large.refresh()
        self._tasks.start(
            lambda progress: read_summary(project, progress),
            on_done=self._on_summary,
            on_failed=self._fail,
            key="summary",
        )
        self._check(compare_content=False)
        self._advise()

    def _make_layout(self) -> None:
        grid_page = QWidget()
        grid_layout = QVBoxLayout(grid_page)
        grid_layout.setContentsMargins(GRID, 0, 0, 0)
        grid_layout.setSpacing(0)
        self._no_match.hide()
        grid_layout.addWidget(self._no_match)
        grid_layout.addWidget(self.grid, 1)
        for page in (self.empty, grid_page, self._viewer_page):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.filters)
        layout.addWidget(self._pages, 1)

    def _connect(self) -> None:
        self.context.dataset_changed.connect(self.refresh)
        self.context.counts_changed.connect(self._on_counts_changed)
        self.context.subsets_changed.connect(self._on_subsets_changed)
        self.context.run_state_changed.connect(self._on_run_state_changed)
        self.empty.action_requested.connect(self.context.import_requested)
        self.filters.changed.connect(self._query)
        self.filters.finding_left.connect(self._on_finding_left)
        self.filters.opacity_changed.connect(self._on_opacity_changed)
        self.filters.side_changed.connect(self._on_side_changed)
        self.grid.side_changed.connect(self.filters.side.setValue)
        self.grid.selection_changed.connect(self._on_selection_changed)
        self._large.opened.connect(self._on_image_opened)
        self._large.closed.connect(self._on_image_closed)
        self._large.failed.connect(self._fail)
        parts = self._inspector
        parts.classes.class_chosen.connect(self.filters.set_class)
        parts.findings.show_requested.connect(self._on_show_requested)
        parts.findings.action_requested.connect(self._finding_actions.act)
        parts.split.by_itself.clicked.connect(self._on_by_itself_clicked)
        parts.needs.most_useful_requested.connect(lambda: self.context.navigate(LabelMostUseful()))
        parts.check_button.clicked.connect(self._on_check_clicked)
        parts.export_button.clicked.connect(self.show_export)
        parts.facts.open_requested.connect(self._large.open_current)
        for keys, slot in (("Ctrl++", 16), ("Ctrl+-", -16)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(
                lambda step=slot: self.filters.side.setValue(self.filters.side.value() + step)
            )

    def _restore_view(self) -> None:
        settings = self.context.settings
        self.filters.opacity.setValue(round(settings.mask_opacity * 100))
        self.filters.side.setValue(settings.thumbnail_size)
        self._on_opacity_changed(settings.mask_opacity)
        self._on_side_changed(settings.thumbnail_size)

    # Reading

    @Slot()
    def _query(self) -> None:
        project = self._project
        if project is None:
            return
        query = ImageQuery(
            subset=self.filters.subset_value,
            state=self.filters.state_value,
            class_id=self.filters.class_id,
            text=self._text,
        )
        found = self._found
        self._inspector.classes.set_chosen(query.class_id)
        self._tasks.start(
            lambda _progress: find_ids(project, query, found),
            on_done=self._on_ids,
            on_failed=self._fail,
            key="ids",
        )

    def _on_ids(self, ids: list[int]) -> None:
        selected = self.grid.current_row()
        self.grid.images.set_images(self._project, ids)
        if selected is not None:
            self.grid.select_image(selected.id)
        self._on_selection_changed()
        self._show_counts()

    def _on_summary(self, summary: DatasetSummary) -> None:
        self._summary = summary
        colors = self._colors()
        self.grid.set_colors(colors)
        self.viewer.set_colors(colors)
        self.filters.set_labels(summary.labels)
        self._inspector.classes.set_classes(summary.class_facts())
        self._inspector.split.set_names(summary.examples)
        self._inspector.split.set_counts(_subset_text(summary))
        self._inspector.split.set_state(
            tested=summary.counts.by_subset["test"], by_itself=summary.divides_itself
        )
        if not summary.counts.total:
            self._pages.setCurrentIndex(_EMPTY)
        elif self._pages.currentIndex() == _EMPTY:
            self._pages.setCurrentIndex(_GRID)
        self._inspector.needs.set_unlabelled(summary.counts.by_state["unlabelled"])
        self._show_counts()
        self.inspector_changed.emit()
        self.status_changed.emit()

    @Slot(object)
    def _on_counts_changed(self, counts: ImageCounts) -> None:
        """Images are labelled elsewhere; the rest is read when that is done."""
        if self._summary is not None and self._project is not None:
            labels = self._project.labels()
            self._summary = replace(self._summary, counts=counts, labels=labels)
            self.status_changed.emit()

    @Slot()
    def _on_subsets_changed(self) -> None:
        self._stale = True
        if self.isVisible():
            self.refresh()

    def _show_counts(self) -> None:
        shown = self.grid.images.rowCount()
        total = shown if self._summary is None else self._summary.counts.total
        self.filters.setVisible(bool(total))
        self.filters.set_count(shown, total)
        self._no_match.setVisible(bool(total) and not shown)

    def _colors(self) -> list[Color]:
        labels = () if self._summary is None else self._summary.labels
        colors = default_palette(max((item.id for item in labels), default=-1) + 1)
        for item in labels:
            colors[item.id] = item.color
        return colors

    def _check(self, *, compare_content: bool) -> None:
        project = self._project
        if project is None:
            return
        self._inspector.findings_state.setText(tr("Checking …"))
        self._inspector.findings_state.show()
        self._checks.start(
            lambda progress: read_findings(project, progress, compare_content=compare_content),
            on_done=self._on_findings,
            on_failed=self._fail,
            on_progress=self._on_check_progress,
            key="findings",
        )

    def _on_check_progress(self, fraction: float, _text: Message | None) -> None:
        self._inspector.findings_state.setText(
            tr("Checking … {percent:.0f} %", percent=fraction * 100)
        )

    def _on_findings(self, findings: tuple[Finding, ...]) -> None:
        self._findings = findings
        self._show_findings()

    def _show_findings(self) -> None:
        findings = (*self._findings, *self._advice)
        self._inspector.findings.set_findings(findings)
        self._inspector.findings.setVisible(bool(findings))
        if not self._checks.busy:
            self._inspector.findings_state.setVisible(not findings)
            self._inspector.findings_state.setText(tr("Nothing is wrong."))

    def _advise(self) -> None:
        """Say how many labels the classes have and need."""
        project, adviser = self._project, self._adviser
        if project is not None:
            self._counting.start(
                lambda progress: (
                    adviser.needs(project, check=progress.check),
                    adviser.findings(project, check=progress.check),
                ),
                on_done=lambda advice: self._on_advised(*advice),
                on_failed=self.context.error_occurred.emit,
                key="needs",
            )

    def _on_advised(self, needs: tuple[LabelNeed, ...], findings: tuple[Finding, ...]) -> None:
        self._inspector.needs.show_needs(needs)
        if findings != self._advice:
            self._advice = findings
            self._show_findings()

    @Slot(bool)
    def _on_by_itself_clicked(self, wanted: bool) -> None:
        project = self._project
        if project is not None and not project.read_only:
            project.set_divides_itself(wanted)
            self.context.dataset_changed.emit()

    @Slot(str, str)
    def _on_run_state_changed(self, _run_id: str, state: str) -> None:
        if state == "done":  # a training may have said what is missed
            self._advise()

    def _fail(self, error: Exception) -> None:
        self._inspector.findings_state.hide()
        self.context.error_occurred.emit(error)

    # Selection and the large view

    @Slot()
    def _on_selection_changed(self) -> None:
        ids = self.grid.selected_ids()
        row = self.grid.current_row() if len(ids) == 1 else None
        self._inspector.show_selection(bool(ids))
        if ids:
            self._inspector.facts.show_rows(row, len(ids))
        if row is not None and self.isVisible():
            self.context.image_in_hand = row.id
        if row is not None and row.mask_hash is not None:
            self._read_content(row)

    def _read_content(self, row: ImageRow) -> None:
        project = self._project
        if project is None:
            return
        self._tasks.start(
            lambda _progress: count_pixels(project.counted_label_map(row.id)),
            on_done=lambda pixels: self._inspector.facts.show_content(
                () if self._summary is None else self._summary.labels, pixels
            ),
            on_failed=self._fail,
            key="content",
        )

    @Slot()
    def _on_image_opened(self) -> None:
        self._pages.setCurrentIndex(_VIEWER)

    @Slot()
    def _on_image_closed(self) -> None:
        self._pages.setCurrentIndex(_GRID)
        self.grid.setFocus()

    # Choices

    @Slot(object, str)
    def _on_show_requested(self, found: list[Finding], text: str) -> None:
        self._found = found
        self.filters.reset()
        self.filters.set_finding(text)
        self._pages.setCurrentIndex(_GRID)
        self._query()

    @Slot()
    def _on_finding_left(self) -> None:
        self._found = None
        self.filters.set_finding("")
        self._query()

    @Slot(float)
    def _on_opacity_changed(self, opacity: float) -> None:
        self.grid.set_opacity(opacity)
        self.viewer.set_opacity(opacity)
        if self.filters.masks_button.isChecked():
            self.context.settings.mask_opacity = opacity

    @Slot(int)
    def _on_side_changed(self, side: int) -> None:
        self.grid.set_side(side)
        self.context.settings.thumbnail_size = side

    @Slot()
    def show_export(self) -> None:
        """Ask where the labels go and in which format."""
        dialog = ExportDialog(self.context, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    @Slot()
    def _on_check_clicked(self) -> None:
        self._check(compare_content=True)


def _subset_text(summary: DatasetSummary) -> str:
    parts = [
        f"{subset_name(subset)} {count:,}"
        for subset, count in summary.counts.by_subset.items()
        if count
    ]
    return " · ".join(parts)
