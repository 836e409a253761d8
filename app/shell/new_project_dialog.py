"""Asks for what a new project needs: a name and a place; classes may come later."""

from __future__ import annotations

import re
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
from app.look.translation import tr
from app.widgets.layout import button, label, row
from core.project.class_table import with_background

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_COMMAS = re.compile("[,;，；、]")
_WIDTH = GRID * 60


@dataclass(frozen=True, slots=True)
class NewProject:
    """What the dialog returns.

    Attributes:
        name: the project's.
        folder: its own.
        labels: class names by id.
        background: whether class 0 is the background.
    """

    name: str
    folder: Path
    labels: tuple[str, ...]
    background: bool = True


class NewProjectDialog(QDialog):
    """Emits ``project_chosen`` when the input is complete and was accepted."""

    project_chosen = Signal(object)

    def __init__(self, parent_folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("New project"))
        self.setMinimumWidth(_WIDTH)
        self.name_edit = QLineEdit()
        self.name_edit.setPlaceholderText(tr("Surface inspection"))
        self.name_edit.setMaxLength(80)
        self.folder_edit = QLineEdit(str(parent_folder))
        browse = button(tr("Browse…"))
        browse.clicked.connect(self._on_browse)
        self.labels_edit = QPlainTextEdit()
        self.labels_edit.setPlaceholderText(tr("background\nscratch\npit"))
        self.labels_edit.setMinimumHeight(GRID * 12)
        self.labels_edit.setTabChangesFocus(True)
        form = QFormLayout()
        form.setSpacing(GRID)
        form.addRow(tr("&Name"), self.name_edit)
        folder_label = label(tr("&Folder"))
        folder_label.setBuddy(self.folder_edit)
        form.addRow(folder_label, row(self.folder_edit, browse))
        form.addRow(tr("&Classes"), self.labels_edit)
        self.background_box = QCheckBox(tr("Class 0 is the background"))
        self.background_box.setChecked(True)
        self.background_box.setToolTip(
            tr(
                "What belongs to none of the classes; erasing leaves it behind. Switch this off "
                "only if every pixel belongs to one of your classes."
            )
        )
        form.addRow("", self.background_box)
        self.classes_hint = label("", wrap=True)
        about = tr("One a line, or with commas between them. Optional: an import brings its own.")
        self.hint = label("", "muted", wrap=True)
        buttons = QDialogButtonBox()
        self.create_button = button(tr("Create"), "primary")
        buttons.addButton(self.create_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addLayout(form, 1)
        # Not in the form, which gives wrapped texts the height of their least width.
        for text in (self.classes_hint, label(about, "muted", wrap=True), self.hint):
            layout.addWidget(text)
        layout.addWidget(buttons)
        self.name_edit.textChanged.connect(self._on_edited)
        self.folder_edit.textChanged.connect(self._on_edited)
        self.labels_edit.textChanged.connect(self._on_edited)
        self.background_box.toggled.connect(self._on_edited)
        self._on_edited()

    def value(self) -> NewProject:
        """Return what was entered."""
        name = self.name_edit.text().strip()
        has_background = self.background_box.isChecked()
        labels = _typed_names(self.labels_edit.toPlainText())
        if labels and has_background:
            labels = with_background(labels, tr("background"))
        parent = Path(self.folder_edit.text().strip()).expanduser()
        return NewProject(name, parent / _folder_name(name), tuple(labels), has_background)

    def accept(self) -> None:
        """Tell the choice."""
        self.project_chosen.emit(self.value())
        super().accept()

    @Slot()
    def _on_browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, tr("Folder for the new project"), self.folder_edit.text()
        )
        if folder:
            self.folder_edit.setText(folder)

    @Slot()
    def _on_edited(self) -> None:
        labels = enumerate(self.value().labels)
        self.classes_hint.setText(" · ".join(f"{number} {name}" for number, name in labels))
        self.classes_hint.setVisible(bool(self.classes_hint.text()))
        complete = bool(self.name_edit.text().strip() and self.folder_edit.text().strip())
        self.create_button.setEnabled(complete)
        if complete:
            self.hint.setText(tr("The project becomes {folder}", folder=self.value().folder))
        else:
            self.hint.setText(tr("The folder will hold masks and trained models."))


def _typed_names(text: str) -> list[str]:
    """Return the names in ``text``, each once: one a line, or one line with commas."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        lines = [part.strip() for part in _COMMAS.split(lines[0]) if part.strip()]
    return list(dict.fromkeys(lines))


def _folder_name(name: str) -> str:
    """Return ``name`` without what a file system refuses."""
    return _FORBIDDEN.sub("_", name).strip(". ") or "project"
