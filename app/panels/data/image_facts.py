"""Facts of the selected images, and what can be changed about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, trn
from app.panels.data.class_list import percent_text
from app.widgets.elided_label import ElidedLabel
from app.widgets.image_status_text import state_name, subset_name
from app.widgets.layout import button, label
from core.images.io import IGNORE_INDEX
from core.project import ImageRow, ImageSubset, LabelClass
from core.project.rows import IMAGE_SUBSETS


class ImageFacts(QWidget):
    """One image's facts, or for several how many they are."""

    subset_chosen = Signal(str)
    comment_edited = Signal(int, str)
    """(image id, text)."""
    flag_changed = Signal(bool)
    open_requested = Signal()
    label_requested = Signal()
    remove_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = ElidedLabel("", "heading")
        self.facts = label("", "muted", wrap=True)
        self.content = label("", "muted", wrap=True)
        self.subset = QComboBox()
        self.subset.setAccessibleName(tr("Subset"))
        for subset in IMAGE_SUBSETS:
            self.subset.addItem(subset_name(subset), subset)
        self.subset.activated.connect(self._on_subset_activated)
        self.comment = QLineEdit()
        self.comment.setPlaceholderText(tr("A note on this image"))
        self.comment.setAccessibleName(tr("Comment"))
        self.comment.editingFinished.connect(self._on_comment_edited)
        self.flag = QCheckBox(tr("Flagged"))
        self.flag.clicked.connect(self.flag_changed)
        self.open_button = button(tr("View large"), icon="fit", tooltip=tr("View large (Enter)"))
        self.open_button.clicked.connect(self.open_requested)
        self.label_button = button(
            tr("Edit the labels"),
            icon="label",
            tooltip=tr("Open the image in the labelling panel"),
        )
        self.label_button.clicked.connect(self.label_requested)
        self.remove_button = button(
            tr("Remove from project"),
            icon="trash",
            tooltip=tr("Takes the selected images off the list; no file is deleted (Del)"),
        )
        self.remove_button.setShortcut(Qt.Key.Key_Delete)
        self.remove_button.clicked.connect(self.remove_requested)
        form = QFormLayout()
        form.setSpacing(GRID)
        form.addRow(tr("Subset"), self.subset)
        form.addRow(tr("Comment"), self.comment)
        form.addRow("", self.flag)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        for widget in (self.name, self.facts, self.content):
            layout.addWidget(widget)
        layout.addLayout(form)
        layout.addWidget(self.label_button)
        layout.addWidget(self.open_button)
        layout.addWidget(self.remove_button)
        self._comment = ""
        self._image_id = -1

    def show_rows(self, row: ImageRow | None, count: int) -> None:
        """Show one image, or with ``row`` None the number of selected ones."""
        single = row is not None
        alone = (self.facts, self.content, self.comment, self.flag)
        for widget in (*alone, self.label_button, self.open_button):
            widget.setVisible(single)
        self.content.clear()
        if row is None:
            self.name.setText(trn("{count} image selected", "{count} images selected", count))
            self.subset.setCurrentIndex(-1)
            return
        self.name.setText(row.name)
        self.name.setToolTip(str(row.path))
        facts = [f"{row.width} × {row.height}", state_name(row.state)]
        if row.score is not None:
            facts.append(tr("mIoU {miou:.3f}", miou=row.score))
        self.facts.setText(" · ".join(facts))
        self.subset.setCurrentIndex(self.subset.findData(row.subset))
        self._image_id = row.id
        self._comment = row.comment
        self.comment.setText(row.comment)
        self.flag.setChecked(row.flagged)

    def show_content(self, labels: Sequence[LabelClass], pixels: dict[int, int]) -> None:
        """Say which classes the mask holds; ``pixels`` counts by class id."""
        total = sum(pixels.values())
        names = {item.id: item.name for item in labels} | {IGNORE_INDEX: tr("ignored")}
        parts = [
            f"{names.get(class_id, str(class_id))} {percent_text(count / total)}"
            for class_id, count in sorted(pixels.items(), key=lambda entry: -entry[1])
            if count
        ]
        self.content.setText(", ".join(parts))

    @Slot()
    def _on_subset_activated(self) -> None:
        self.subset_chosen.emit(cast("ImageSubset", self.subset.currentData()))

    @Slot()
    def _on_comment_edited(self) -> None:
        if self.comment.text() != self._comment:
            self._comment = self.comment.text()
            self.comment_edited.emit(self._image_id, self._comment)
