"""Asks what a new project is made of: its images, what to look for in them, its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr, trn
from app.services.background import BackgroundTasks
from app.shell.class_chips import ClassChips
from app.widgets.dialogs import error_text
from app.widgets.file_drops import FileDrops
from app.widgets.layout import button, label, row
from core.data.found_data import FoundData, find_data
from core.images.io import IMAGE_SUFFIXES
from core.project.class_table import with_background

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_COMMAS = re.compile("[,;，；、]")
_WIDTH = GRID * 68
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class NewProject:
    """What the dialog returns.

    Attributes:
        name: the project's.
        folder: its own.
        labels: class names by id.
        background: whether class 0 is the background.
        images: files and folders that it is made of, labelled or not.
    """

    name: str
    folder: Path
    labels: tuple[str, ...]
    background: bool = True
    images: tuple[Path, ...] = ()


class NewProjectDialog(QDialog):
    """Where the images are, what to look for, how the project is called.

    Emits ``project_chosen`` when the input is complete and was accepted.
    """

    project_chosen = Signal(object)

    def __init__(
        self,
        parent_folder: Path,
        parent: QWidget | None = None,
        *,
        images_folder: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self._images_folder = parent_folder if images_folder is None else images_folder
        self.setWindowTitle(tr("New project"))
        self.setMinimumWidth(_WIDTH)
        self._tasks = BackgroundTasks(self)
        self._images: tuple[Path, ...] = ()
        self._proposed = ""
        self.images_edit = QLineEdit()
        self.folder_button = button(tr("Folder…"))
        self.files_button = button(tr("Images…"))
        self.found = label("", "muted", wrap=True)
        self.labels_edit = QPlainTextEdit()
        self.chips = ClassChips()
        self.background_box = QCheckBox(tr("Everything else is background"))
        self.name_edit = QLineEdit()
        self.folder_edit = QLineEdit(str(parent_folder))
        self._browse = button(tr("Browse…"))
        self.hint = label("", "muted", wrap=True)
        self.create_button = button(tr("Create"), "primary")
        self.create_button.setDefault(True)
        buttons = QDialogButtonBox()
        buttons.addButton(self.create_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._prepare_fields()
        about = tr("One a line, or with commas between them. You can name them while labelling.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(label(tr("Where are the images?"), "heading"))
        layout.addLayout(row(self.images_edit, self.folder_button, self.files_button))
        layout.addWidget(self.found)
        layout.addSpacing(GRID)
        layout.addWidget(label(tr("What do you look for?"), "heading"))
        layout.addWidget(self.labels_edit, 1)
        for part in (self.chips, label(about, "muted", wrap=True), self.background_box):
            layout.addWidget(part)
        layout.addSpacing(GRID)
        layout.addWidget(label(tr("Project"), "heading"))
        layout.addLayout(self._place_form())
        layout.addWidget(self.hint)
        layout.addSpacing(GRID)
        layout.addWidget(buttons)
        self._connect()
        self.set_images(())
        self._on_edited()
        self.folder_button.setFocus()

    def set_images(self, paths: Sequence[Path]) -> None:
        """Make the project of these files and folders."""
        self._images = tuple(paths)
        self.images_edit.setText(_sources_text(paths))
        self.images_edit.setToolTip("\n".join(str(path) for path in paths[:_MOST_NAMED]))
        if not paths:
            self._tasks.cancel("look")
            self.found.setText(_about_images())
            return
        self.found.setText(tr("Looking at the images …"))
        self._tasks.start(
            lambda progress: find_data(paths, check=progress.check),
            on_done=self._on_found,
            on_failed=self._on_not_found,
            key="look",
        )
        first = paths[0] if paths[0].is_dir() else paths[0].parent
        if self.name_edit.text().strip() in ("", self._proposed):
            self._proposed = first.name
            self.name_edit.setText(first.name)
        self.labels_edit.setFocus()

    def value(self) -> NewProject:
        """Return what was entered."""
        name = self.name_edit.text().strip()
        has_background = self.background_box.isChecked()
        labels = _typed_names(self.labels_edit.toPlainText())
        if labels and has_background:
            labels = with_background(labels, tr("background"))
        parent = Path(self.folder_edit.text().strip()).expanduser()
        folder = parent / _folder_name(name)
        return NewProject(name, folder, tuple(labels), has_background, self._images)

    def accept(self) -> None:
        """Tell the choice, out of the way already: opening takes its time."""
        chosen = self.value()
        super().accept()
        self.project_chosen.emit(chosen)

    def done(self, result: int) -> None:
        """Cancel what runs, then close."""
        self._tasks.shut_down()
        super().done(result)

    def _prepare_fields(self) -> None:
        self.images_edit.setReadOnly(True)
        self.images_edit.setPlaceholderText(tr("Drag a folder or images here"))
        self.images_edit.setAccessibleName(tr("Images"))
        self.images_edit.setClearButtonEnabled(False)
        self.labels_edit.setPlaceholderText(tr("scratch\npit"))
        self.labels_edit.setAccessibleName(tr("Classes"))
        self.labels_edit.setMinimumHeight(GRID * 9)
        self.labels_edit.setTabChangesFocus(True)
        for edit in (self.images_edit, self.labels_edit):
            edit.setAcceptDrops(False)  # the dialog takes files, as images and not as text
        self.background_box.setChecked(True)
        self.background_box.setToolTip(
            tr(
                "What belongs to none of the classes; erasing leaves it behind. Switch this off "
                "only if every pixel belongs to one of your classes."
            )
        )
        self.name_edit.setPlaceholderText(tr("Surface inspection"))
        self.name_edit.setMaxLength(80)

    def _place_form(self) -> QFormLayout:
        form = QFormLayout()
        form.setSpacing(GRID)
        form.addRow(tr("&Name"), self.name_edit)
        folder_label = label(tr("&Folder"))
        folder_label.setBuddy(self.folder_edit)
        form.addRow(folder_label, row(self.folder_edit, self._browse))
        return form

    def _connect(self) -> None:
        FileDrops(self).dropped.connect(self.set_images)
        self.folder_button.clicked.connect(self._on_choose_folder)
        self.files_button.clicked.connect(self._on_choose_files)
        self._browse.clicked.connect(self._on_browse)
        self.name_edit.textChanged.connect(self._on_edited)
        self.folder_edit.textChanged.connect(self._on_edited)
        self.labels_edit.textChanged.connect(self._on_edited)
        self.background_box.toggled.connect(self._on_edited)

    def _on_found(self, found: FoundData) -> None:
        if found.labelled:
            text = tr(
                "Labels were found in {place}: you see what they bring before they are taken over.",
                place=found.labelled[0].name,
            )
        elif found.images:
            text = trn(
                "{count} image, not labelled yet.",
                "{count} images, not labelled yet.",
                len(found.images),
            )
        else:
            text = tr("There is no image in {place}.", place=found.left[0].name)
        self.found.setText(text)

    def _on_not_found(self, error: Exception) -> None:
        self.found.setText(error_text(error)[0])

    @Slot()
    def _on_choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, tr("Folder with images"), str(self._images_folder)
        )
        if folder:
            self.set_images([Path(folder)])

    @Slot()
    def _on_choose_files(self) -> None:
        pattern = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        files, _ = QFileDialog.getOpenFileNames(
            self,
            tr("Images"),
            str(self._images_folder),
            f"{tr('Images')} ({pattern});;{tr('All files')} (*)",
        )
        if files:
            self.set_images([Path(file) for file in files])

    @Slot()
    def _on_browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, tr("Folder for the new project"), self.folder_edit.text()
        )
        if folder:
            self.folder_edit.setText(folder)

    @Slot()
    def _on_edited(self) -> None:
        self.chips.show_names(self.value().labels)
        complete = bool(self.name_edit.text().strip() and self.folder_edit.text().strip())
        self.create_button.setEnabled(complete)
        if complete:
            self.hint.setText(tr("The project becomes {folder}", folder=self.value().folder))
        else:
            self.hint.setText(tr("The folder will hold masks and trained models."))


def _about_images() -> str:
    return tr(
        "They stay where they are. Labelled already? Choose the folder with images and labels, or "
        "the labels' file; its format is recognised."
    )


def _sources_text(paths: Sequence[Path]) -> str:
    if len(paths) == 1:
        return str(paths[0])
    return tr("{name} and {count} more", name=paths[0].name, count=len(paths) - 1) if paths else ""


def _typed_names(text: str) -> list[str]:
    """Return the names in ``text``, each once: one a line, or one line with commas."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        lines = [part.strip() for part in _COMMAS.split(lines[0]) if part.strip()]
    return list(dict.fromkeys(lines))


def _folder_name(name: str) -> str:
    """Return ``name`` without what a file system refuses."""
    return _FORBIDDEN.sub("_", name).strip(". ") or "project"
