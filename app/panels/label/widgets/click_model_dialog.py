"""Choosing the files of a click model; they are tried before they are taken."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.services.background import BackgroundTasks, Progress
from app.widgets.dialogs import error_text
from app.widgets.layout import button, label, row
from core.annotation.click_model import ClickModel, ClickModelFiles, open_click_model


class ClickModelDialog(QDialog):
    """Deletes itself when closed."""

    chosen = Signal(object, object)
    """(ClickModelFiles, ClickModel): the files fit and are open."""

    def __init__(self, files: ClickModelFiles | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Model that follows clicks"))
        self._tasks = BackgroundTasks(self)
        self.kind = QComboBox()
        self.kind.setAccessibleName(tr("Kind"))
        self.kind.addItem(tr("Segment Anything: encoder and decoder"), True)
        self.kind.addItem(tr("RITM: one file"), False)
        self.kind.currentIndexChanged.connect(self._show_fields)
        self.model, model_row = self._file_row(tr("Encoder or model"))
        self.decoder, decoder_row = self._file_row(tr("Decoder"))
        self.note = label("", "muted", wrap=True)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        self._form = QFormLayout()
        self._form.setSpacing(GRID)
        self._form.addRow(tr("Kind"), self.kind)
        self._form.addRow(tr("Encoder or model"), model_row)
        self._form.addRow(tr("Decoder"), decoder_row)
        self._decoder_row = decoder_row
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(
            label(
                tr("ONNX files of your own; the guide says which inputs they must have."),
                "muted",
                wrap=True,
            )
        )
        layout.addLayout(self._form)
        layout.addWidget(self.note)
        layout.addWidget(self.buttons)
        self.resize(GRID * 64, self.sizeHint().height())
        if files is not None:
            self.kind.setCurrentIndex(0 if files.decoder is not None else 1)
            self.model.setText(str(files.model))
            self.decoder.setText("" if files.decoder is None else str(files.decoder))
        self._show_fields()

    @property
    def files(self) -> ClickModelFiles | None:
        """What is filled in; None while something is missing."""
        model, decoder = self.model.text().strip(), self.decoder.text().strip()
        is_pair = bool(self.kind.currentData())
        if not model or (is_pair and not decoder):
            return None
        return ClickModelFiles(Path(model), Path(decoder) if is_pair else None)

    def done(self, result: int) -> None:
        """Wait for a file that is being opened."""
        self._tasks.shut_down()
        super().done(result)

    def _file_row(self, name: str) -> tuple[QLineEdit, QWidget]:
        edit = QLineEdit()
        edit.setAccessibleName(name)
        edit.textChanged.connect(self._show_fields)
        browse = button(tr("Browse…"), tooltip=tr("Choose the file: {name}", name=name))
        browse.setAccessibleName(tr("Choose the file: {name}", name=name))
        browse.clicked.connect(lambda: self._browse(edit, name))
        holder = QWidget()
        holder.setLayout(row(edit, browse))
        return edit, holder

    def _browse(self, edit: QLineEdit, name: str) -> None:
        start = str(Path(edit.text()).parent) if edit.text() else str(Path.home())
        file, _ = QFileDialog.getOpenFileName(self, name, start, "ONNX (*.onnx)")
        if file:
            edit.setText(file)

    @Slot()
    def _show_fields(self) -> None:
        self._form.setRowVisible(self._decoder_row, bool(self.kind.currentData()))
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setEnabled(self.files is not None and not self._tasks.busy)

    @Slot()
    def _on_accepted(self) -> None:
        files = self.files
        if files is None:
            return

        def work(_progress: Progress) -> tuple[ClickModelFiles, ClickModel]:
            return files, open_click_model(files)

        self.note.setText(tr("Opening the files …"))
        self._tasks.start(work, on_done=self._on_opened, on_failed=self._on_failed)
        self._show_fields()

    def _on_opened(self, found: tuple[ClickModelFiles, ClickModel]) -> None:
        self.chosen.emit(*found)
        self.accept()

    def _on_failed(self, error: Exception) -> None:
        self.note.setText(error_text(error)[0])
        self._show_fields()
