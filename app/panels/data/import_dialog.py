"""Import: choose a folder, see what would come in, map classes, go."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID, set_role
from app.look.translation import tr, translated
from app.panels.data.class_map_table import ClassMapTable
from app.panels.data.import_preview import Preview, read_preview
from app.panels.data.palette_table import PaletteTable
from app.panels.data.problem_list import ProblemList
from app.services.background import BackgroundTasks, Progress
from app.services.context import AppContext
from app.widgets import dialogs
from app.widgets.file_drops import FileDrops
from app.widgets.layout import button, column, label, row
from app.widgets.problem_bar import ProblemBar
from app.widgets.problem_fixes import describe
from core.data.formats import registry
from core.data.formats.color_masks import FoundColor
from core.data.formats.detection import IMAGES_ONLY
from core.data.formats.format import ReadOptions
from core.images.palette import Color
from core.project import ImportReport, Project
from core.system.messages import Message, message

_SIZE = (GRID * 80, GRID * 84)
_LIST_HEIGHT = GRID * 10
_BAR_STEPS = 1000
_EMPTY, _FOUND, _PALETTE = range(3)
"""The pages, in their order."""


class ImportDialog(QDialog):
    """Reading and importing run in the background; closing the dialog cancels them."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        if context.project is None:
            raise RuntimeError("no project is open")
        self._context = context
        self._project: Project = context.project
        self._tasks = BackgroundTasks(self)
        self._preview: Preview | None = None
        self._asked: Path | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="maskwright-")
        self.setWindowTitle(tr("Import images"))
        self.resize(*_SIZE)
        self.folder_edit = QLineEdit()
        self._browse = button(tr("Browse…"))
        self._browse_file = button(tr("File…"), tooltip=tr("Choose one annotation file"))
        self.format_box = QComboBox()
        self.hint = label(tr("Choose a folder; nothing is changed in it."), "muted", wrap=True)
        self.summary = label("", wrap=True)
        self.classes_label = label(tr("Classes"), "heading")
        self.class_map = ClassMapTable()
        self.crowd_label = label()
        self.crowd_box = QComboBox()
        self.crowds = QWidget()
        self.report = ProblemList()
        self.palette_table = PaletteTable()
        self.palette_button = button(tr("Use these classes"), "primary")
        self.rename_button = button(tr("Name the colours…"))
        self._named: tuple[FoundColor, ...] = ()
        self.copy_box = QCheckBox(tr("Copy the images into the project"))
        self.replace_box = QCheckBox(tr("Replace masks that the project has already"))
        self._pages = QStackedWidget()
        self.bar = QProgressBar()
        self.import_button = button(tr("Import"), "primary")
        self.problem = ProblemBar()
        self.buttons = QDialogButtonBox()
        self.buttons.addButton(self.import_button, QDialogButtonBox.ButtonRole.ActionRole)
        self._cancel_button = self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        FileDrops(self).dropped.connect(self._on_dropped)
        self.folder_edit.setAcceptDrops(False)  # the dialog takes it, as a folder and not as text
        self._fill_source()
        self._fill_crowds()
        self._fill_pages()
        self._pages.addWidget(self._palette_page())
        self._fill_buttons()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addLayout(
            column(
                label(tr("Folder"), "heading"),
                row(self.folder_edit, self._browse, self._browse_file),
                row(label(tr("Format"), "muted"), self.format_box, 1),
            )
        )
        layout.addWidget(self._pages, 1)
        layout.addWidget(self.problem)
        layout.addWidget(self.bar)
        layout.addWidget(self.buttons)
        self.setTabOrder(self.folder_edit, self._browse)
        self.setTabOrder(self._browse, self._browse_file)
        self.setTabOrder(self._browse_file, self.format_box)

    def set_folder(self, folder: Path) -> None:
        """Look at ``folder`` and recognise its format."""
        self.folder_edit.setText(str(folder))
        self._read(folder, None)

    @Slot(object)
    def _on_dropped(self, paths: list[Path]) -> None:
        if self.folder_edit.isEnabled():
            self.set_folder(paths[0])

    def done(self, result: int) -> None:
        """Cancel what runs, then close."""
        self._tasks.shut_down()
        self._scratch.cleanup()
        super().done(result)

    def _fill_source(self) -> None:
        self.folder_edit.setPlaceholderText(
            tr("Folder or file with annotations, or a folder with images")
        )
        self.folder_edit.setAccessibleName(tr("Folder"))
        self.folder_edit.editingFinished.connect(self._on_folder_edited)
        self._browse.clicked.connect(self._on_browse)
        self._browse_file.clicked.connect(self._on_browse_file)
        self.format_box.setAccessibleName(tr("Format"))
        for known in registry.READABLE:
            self.format_box.addItem(translated(known.title), known.key)
        self.format_box.addItem(tr("Images only, without masks"), IMAGES_ONLY)
        self.format_box.setPlaceholderText(tr("recognised by the files"))
        self.format_box.setCurrentIndex(-1)
        self.format_box.setEnabled(False)
        self.format_box.activated.connect(self._on_format_chosen)

    def _fill_pages(self) -> None:
        self.hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.report.rows.setMaximumHeight(_LIST_HEIGHT)
        self.copy_box.setToolTip(tr("Otherwise they are used where they are, and must stay there"))
        self.replace_box.setToolTip(tr("The replaced masks stay in each image's history"))
        found = QWidget()
        heading = row(self.summary, self.rename_button)
        heading.setStretch(0, 1)
        parts = column(
            heading,
            self.classes_label,
            self.class_map,
            self.crowds,
            self.report,
            self.copy_box,
            self.replace_box,
        )
        parts.setStretch(2, 1)
        parts.addStretch(0)  # takes the room where there are no classes to show
        found.setLayout(parts)
        empty = QWidget()
        empty.setLayout(column(self.hint, 1))
        self._pages.addWidget(empty)
        self._pages.addWidget(found)

    def _palette_page(self) -> QWidget:
        """What is shown where masks are in colours that no file names."""
        advice = label(
            tr(
                "The masks are in colours, and no file says which class each is. Name them; equal"
                " names make one class."
            ),
            wrap=True,
        )
        self.palette_table.changed.connect(self._on_palette_changed)
        self.palette_button.clicked.connect(self._on_palette_named)
        self.rename_button.clicked.connect(self._on_rename)
        self.rename_button.hide()
        page = QWidget()
        parts = column(advice, self.palette_table, row(1, self.palette_button))
        parts.setStretch(1, 1)
        page.setLayout(parts)
        return page

    def _fill_crowds(self) -> None:
        """What becomes of COCO's crowds; shown where there are some."""
        self.crowd_box.setAccessibleName(tr("Crowds"))
        self.crowd_box.setToolTip(
            tr("A crowd (iscrowd) covers many things of one class without outlining each")
        )
        self.crowd_box.addItem(tr("Ignore these pixels (255)"), "ignore")
        self.crowd_box.addItem(tr("Take them as their class"), "class")
        line = row(self.crowd_label, self.crowd_box, 1)
        line.setContentsMargins(0, 0, 0, 0)
        self.crowds.setLayout(line)

    def _fill_buttons(self) -> None:
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _BAR_STEPS)
        self.bar.setAccessibleName(tr("Progress"))
        self.bar.hide()
        self.import_button.setEnabled(False)
        self.import_button.clicked.connect(self._on_import)
        self._cancel_button.setAutoDefault(False)  # or Return in the field would press it
        self.buttons.rejected.connect(self.reject)

    def _read(
        self, folder: Path, chosen: str | None, colors: Mapping[Color, str] | None = None
    ) -> None:
        self._preview = None
        self._asked = folder
        if chosen is None:
            self.format_box.setCurrentIndex(-1)
        self.import_button.setEnabled(False)
        self.rename_button.setVisible(colors is not None)
        self._pages.setCurrentIndex(_EMPTY)
        set_role(self.hint, "muted")
        self.hint.setText(tr("Reading {folder} …", folder=folder))
        self._show_progress(-1, None)
        scratch = Path(self._scratch.name)
        self._tasks.start(
            lambda progress: read_preview(folder, chosen, scratch, progress, colors=colors),
            on_done=self._on_read,
            on_failed=self._on_read_failed,
            key="read",
        )

    def _on_read(self, preview: Preview) -> None:
        self.bar.hide()
        self._preview = preview
        self.format_box.setEnabled(True)
        self.format_box.setCurrentIndex(self.format_box.findData(preview.format))
        if preview.unnamed:
            self._ask_colors(preview.unnamed)
            return
        self._show_preview(preview)
        self._pages.setCurrentIndex(_FOUND)
        self.import_button.setEnabled(bool(preview.images))
        self.import_button.setDefault(True)

    def _ask_colors(self, colors: tuple[FoundColor, ...]) -> None:
        if colors != self._named:  # else the names that were typed stay
            self.palette_table.set_colors(colors, [one.name for one in self._project.labels()])
        self._named = colors
        self.import_button.setDefault(False)
        self._on_palette_changed()
        self._pages.setCurrentIndex(_PALETTE)
        self.palette_table.focus_first()

    @Slot()
    def _on_palette_changed(self) -> None:
        is_complete = self.palette_table.color_table() is not None
        self.palette_button.setEnabled(is_complete)
        self.palette_button.setDefault(is_complete)

    @Slot()
    def _on_palette_named(self) -> None:
        preview, table = self._preview, self.palette_table.color_table()
        if preview is not None and table is not None:
            self._read(preview.folder, preview.format, table)

    @Slot()
    def _on_rename(self) -> None:
        self.import_button.setEnabled(False)
        self._ask_colors(self._named)

    def _on_read_failed(self, error: Exception) -> None:
        self.bar.hide()
        self.format_box.setEnabled(True)
        text, advice = dialogs.error_text(error)
        set_role(self.hint, "danger")
        self.hint.setText(f"{text} {advice}".strip())

    def _show_preview(self, preview: Preview) -> None:
        result = preview.result
        self.summary.setText(preview.summary())
        with_classes = result is not None and bool(result.labels)
        self.classes_label.setVisible(with_classes)
        self.class_map.setVisible(with_classes)
        self.replace_box.setVisible(result is not None)
        if result is not None:
            self.class_map.set_classes(result.labels, result.colors, self._project.labels())
        self.crowds.setVisible(preview.crowds > 0)
        self.crowd_label.setText(tr("Crowds ({count})", count=f"{preview.crowds:,}"))
        self.crowd_box.setCurrentIndex(0)
        self.report.show_problems(preview.remarks)

    @Slot()
    def _on_import(self) -> None:
        preview = self._preview
        if preview is None:
            return
        for widget in self._choices():
            widget.setEnabled(False)
        self.import_button.setEnabled(False)
        self._show_progress(0, None)
        run = self._import_function(preview)
        self._tasks.start(
            run,
            on_done=self._on_imported,
            on_failed=self._on_import_failed,
            on_progress=self._show_progress,
            key="import",
        )

    def _choices(self) -> tuple[QWidget, ...]:
        return (
            self.folder_edit,
            self._browse,
            self._browse_file,
            self.format_box,
            self._pages,
        )

    def _options(self) -> tuple[QWidget, ...]:
        """What is of no use any more once all is imported."""
        return (
            self.rename_button,
            self.classes_label,
            self.class_map,
            self.crowds,
            self.copy_box,
            self.replace_box,
        )

    def _import_function(self, preview: Preview) -> Callable[[Progress], ImportReport]:
        project = self._project
        copy, replace = self.copy_box.isChecked(), self.replace_box.isChecked()
        class_map = self.class_map.class_map()
        crowd = self.crowd_box.currentData()

        def run(progress: Progress) -> ImportReport:
            def tell(done: int, total: int) -> None:
                progress.report(done / max(total, 1))

            if preview.result is None:
                return project.add_images(preview.images, copy=copy, progress=tell)
            result = preview.result
            if "extract_to" in registry.FORMATS[preview.format].options or crowd == "class":
                inside = project.folder / "images" / preview.folder.name
                options = ReadOptions(extract_to=inside, crowd=crowd)
                result = registry.read(preview.format, preview.folder, options)
            return project.import_result(
                result,
                source=preview.folder,
                copy=copy,
                replace=replace,
                class_map=class_map,
                progress=tell,
            )

        return run

    def _on_imported(self, report: ImportReport) -> None:
        self.bar.hide()
        self._context.dataset_changed.emit()
        known = [] if self._preview is None else [str(text) for text in self._preview.remarks]
        if not report.conflicts and all(str(text) in known for text in report.lost):
            self.accept()
            return
        self._show_report(report)

    def _show_report(self, report: ImportReport) -> None:
        self.summary.setText(
            tr(
                "Imported: {added} new {added:image|images}, {masks} {masks:mask|masks}.",
                added=report.added,
                masks=report.masks,
            )
        )
        conflicts = [
            message("{file} keeps the mask it had.", file=path) for path in report.conflicts
        ]
        self.report.show_problems([*report.lost, *([] if report.replaced else conflicts)])
        for widget in self._options():
            widget.hide()
        self.report.rows.setMaximumHeight(self.height())
        self._pages.setEnabled(True)
        self.import_button.hide()
        self._cancel_button.setText(tr("Close"))

    def _on_import_failed(self, error: Exception) -> None:
        self.bar.hide()
        for widget in self._choices():
            widget.setEnabled(True)
        self.import_button.setEnabled(True)
        self.problem.show_problem(describe(error, self._context, self))

    def _show_progress(self, fraction: float, _text: Message | None) -> None:
        self.bar.show()
        self.bar.setRange(0, 0 if fraction < 0 else _BAR_STEPS)
        if fraction >= 0:
            self.bar.setValue(round(fraction * _BAR_STEPS))

    @Slot()
    def _on_browse(self) -> None:
        start = self.folder_edit.text() or str(self._context.images_dir())
        folder = QFileDialog.getExistingDirectory(self, tr("Folder to import"), start)
        if folder:
            self.set_folder(Path(folder))

    @Slot()
    def _on_browse_file(self) -> None:
        start = self.folder_edit.text() or str(self._context.images_dir())
        files = [known.file for known in registry.READABLE if known.file is not None]
        suffixes = {suffix for file in files if file.is_source for suffix in file.suffixes}
        patterns = " ".join(f"*{suffix}" for suffix in sorted(suffixes))
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("File to import"), start, tr("Annotations ({patterns})", patterns=patterns)
        )
        if chosen:
            self.set_folder(Path(chosen))

    @Slot()
    def _on_folder_edited(self) -> None:
        text = self.folder_edit.text().strip()
        folder = Path(text).expanduser()
        if text and folder != self._asked and self.isVisible():
            self._read(folder, None)

    @Slot()
    def _on_format_chosen(self) -> None:
        text = self.folder_edit.text().strip()
        if text:
            self._read(Path(text).expanduser(), self.format_box.currentData())
