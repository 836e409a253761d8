"""Beside the exports: which format, where to, and what goes into a bundle."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QToolButton, QVBoxLayout, QWidget

from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.choice_card import ChoiceColumn
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import button, label, line, row
from app.widgets.switching import switch
from core.project.variants import ModelVariant

FORMATS = ("onnx", "openvino", "paddle")


class ExportChoices(QWidget):
    """The folder is suggested until the user chooses another."""

    export_requested = Signal()
    folder_requested = Signal()
    bundle_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder: Path | None = None
        self._model: Path | None = None
        self.formats = ChoiceColumn(
            [
                (tr("ONNX"), tr("Runs everywhere: take this unless something asks for another.")),
                (tr("OpenVINO"), tr("Often the fastest on processors by Intel.")),
                (tr("Paddle"), tr("For PaddleX and Paddle's own tools.")),
            ]
        )
        self.formats.choose(0)
        self.folder_label = ElidedLabel("", "muted")
        self.folder_button = button(
            tr("Change…"), "link", tooltip=tr("Choose another folder for the files")
        )
        self.advanced_button = QToolButton()
        self.advanced_button.setText(tr("Advanced"))
        self.advanced_button.setCheckable(True)
        self.advanced_button.setProperty("role", "fold")
        self.advanced_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        set_icon(self.advanced_button, "chevron-right")
        self.advanced = QWidget()
        self.plain_box = QCheckBox(tr("Only the network"))
        self.plain_box.setToolTip(
            tr("Normalised image in, raw scores out, as earlier versions exported it")
        )
        self.plain_note = label(
            tr(
                "Left off, the file takes images as a camera gives them and returns masks of their "
                "size: nothing can be got wrong around it."
            ),
            "muted",
            wrap=True,
        )
        self.flip_box = QCheckBox(tr("Mirror image, too"))
        self.flip_box.setToolTip(
            tr("Averages what the network says of an image and its mirror image")
        )
        self.flip_note = label(
            tr("This model is better with it. Off, an image takes half the time."),
            "muted",
            wrap=True,
        )
        inside = QVBoxLayout(self.advanced)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(GRID // 2)
        inside.addWidget(self.plain_box)
        inside.addWidget(self.plain_note)
        inside.addWidget(self.flip_box)
        inside.addWidget(self.flip_note)
        self.advanced.hide()
        self.export_button = button(
            tr("Export"), "primary", tooltip=tr("Writes the files, then verifies them")
        )
        self.bundle_box = QComboBox()
        self.bundle_box.setAccessibleName(tr("Form of the bundle"))
        self.bundle_box.addItem(tr("Folder"), False)
        self.bundle_box.addItem(tr("Zip file"), True)
        self.bundle_button = button(
            tr("Make a bundle…"), tooltip=tr("Asks where to; exports the model first if need be")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(label(tr("Format"), "heading"))
        layout.addWidget(self.formats)
        where = row(label(tr("Into")), self.folder_label, self.folder_button)
        where.setStretch(1, 1)
        layout.addLayout(where)
        layout.addWidget(self.advanced_button)
        layout.addWidget(self.advanced)
        layout.addWidget(self.export_button)
        layout.addWidget(line())
        layout.addWidget(label(tr("For the line PC"), "heading"))
        layout.addWidget(
            label(
                tr(
                    "A bundle holds the model, the rules, sample images and a small program: the "
                    "line PC needs nothing of ours, and tests it by itself."
                ),
                "muted",
                wrap=True,
            )
        )
        layout.addWidget(self.bundle_box)
        layout.addWidget(self.bundle_button)
        self.export_button.clicked.connect(self.export_requested)
        self.bundle_button.clicked.connect(self.bundle_requested)
        self.folder_button.clicked.connect(self.folder_requested)
        self.advanced_button.toggled.connect(self._on_advanced)

    @property
    def format(self) -> str:
        """The format chosen."""
        return FORMATS[self.formats.index]

    @property
    def leaves_mirror_out(self) -> bool:
        """Whether the file is to predict the image alone, where the model has its mirror, too."""
        return not self.flip_box.isHidden() and not self.flip_box.isChecked()

    @property
    def as_zip(self) -> bool:
        """Whether a bundle becomes a file."""
        return bool(self.bundle_box.currentData())

    def show_model(self, model: ModelVariant | None) -> None:
        """Offer to leave the mirror image out where the model makes use of it.

        What was chosen stays until another model is shown.
        """
        folder = None if model is None else model.folder
        if folder != self._model:
            self._model = folder
            self.flip_box.setChecked(True)
        for part in (self.flip_box, self.flip_note):
            part.setVisible(model is not None and model.flip_test)

    def show_folder(self, folder: Path | None) -> None:
        """Say where the files go."""
        self.folder_label.setText("" if folder is None else str(folder))

    def set_startable(self, allowed: bool, why: str = "") -> None:
        """Whether anything may be started; ``why`` not."""
        switch(self.export_button, self.bundle_button, on=allowed, why=why)

    def renew_colors(self) -> None:
        """Draw the cards in the current theme."""
        self.formats.renew_colors()

    @Slot(bool)
    def _on_advanced(self, shown: bool) -> None:
        self.advanced.setVisible(shown)
        set_icon(self.advanced_button, "chevron-down" if shown else "chevron-right")
