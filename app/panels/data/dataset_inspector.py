"""The inspector of the Dataset panel: selection, classes, findings, split."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.data.class_list import ClassList
from app.panels.data.findings_list import FindingsList
from app.panels.data.image_facts import ImageFacts
from app.panels.data.label_needs_box import LabelNeedsBox
from app.panels.data.split_box import SplitBox
from app.widgets.layout import button, label, line, row


class DatasetInspector(QWidget):
    """Only a column of parts; the panel connects them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts = ImageFacts()
        self.classes = ClassList()
        self.needs = LabelNeedsBox()
        self.needs_title = label(tr("Enough labels?"), "heading")
        self.findings = FindingsList()
        self.findings_state = label("", "muted", wrap=True)
        self.check_button = button(
            tr("Check"), icon="refresh", tooltip=tr("Look at all images and masks for problems")
        )
        self.split = SplitBox()
        self.export_button = button(
            tr("Export labels…"), tooltip=tr("Write images and masks in the format of another tool")
        )
        self._facts_line = line()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(self.facts)
        layout.addWidget(self._facts_line)
        layout.addWidget(label(tr("Classes"), "heading"))
        layout.addWidget(self.classes)
        layout.addWidget(line())
        layout.addWidget(self.needs_title)
        layout.addWidget(self.needs)
        layout.addWidget(line())
        layout.addLayout(row(label(tr("Findings"), "heading"), 1, self.check_button))
        layout.addWidget(self.findings_state)
        layout.addWidget(self.findings)
        layout.addWidget(line())
        layout.addWidget(label(tr("Split"), "heading"))
        layout.addWidget(self.split)
        layout.addWidget(line())
        layout.addWidget(self.export_button)
        layout.addStretch(1)
        self.show_selection(False)

    def show_selection(self, selected: bool) -> None:
        """Show the part about selected images."""
        self.facts.setVisible(selected)
        self._facts_line.setVisible(selected)
