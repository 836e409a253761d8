"""How images are divided into training, validation and test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from app.look.theme import GRID, set_role
from app.look.translation import tr
from app.widgets.layout import button, label

_MAX_PERCENT = 80
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class SplitChoice:
    """Shares 0 … 1; ``group`` is a regular expression or None; whether test images stay."""

    val: float
    test: float
    group: str | None
    keep_test: bool


class SplitBox(QWidget):
    """Shares, and a pattern that keeps images of one thing together."""

    split_requested = Signal(object)
    """(SplitChoice)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: Sequence[str] = ()
        self.counts = label("", wrap=True)
        self.val = self._percent(15, tr("Share of the images for validation"))
        self.test = self._percent(15, tr("Share of the images for the final test"))
        self.pattern = QLineEdit()
        self.pattern.setPlaceholderText(r"^(.*)_\d+")
        self.pattern.setToolTip(
            tr(
                "A regular expression on the file name: images with the same first group never"
                " end up in different subsets"
            )
        )
        self.example = label("", "muted", wrap=True)
        self.button = button(tr("Split"), tooltip=tr("Divide all images into the three subsets"))
        self.keep_test = QCheckBox(tr("Test images stay"))
        self.keep_test.setChecked(True)
        self.keep_test.setToolTip(
            tr("Models are compared by the same images: only training and validation are divided")
        )
        self.keep_test.hide()
        self.by_itself = QCheckBox(tr("New labels get a subset"))
        self.by_itself.setToolTip(
            tr(
                "Once five images are labelled they are divided, and later ones join them. No "
                "image that has a subset moves; the test set is closed at thirty images."
            )
        )
        form = QFormLayout()
        form.setSpacing(GRID)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(tr("Validation"), self.val)
        form.addRow(tr("Test"), self.test)
        form.addRow(tr("Keep together"), self.pattern)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.counts)
        layout.addLayout(form)
        layout.addWidget(self.example)
        layout.addWidget(self.keep_test)
        layout.addWidget(self.button)
        layout.addWidget(self.by_itself)
        self.pattern.textChanged.connect(self._on_pattern_changed)
        self.button.clicked.connect(self._on_clicked)
        self._on_pattern_changed("")

    def set_names(self, names: Sequence[str]) -> None:
        """File names for the live example."""
        self._names = names
        self._on_pattern_changed(self.pattern.text())

    def set_counts(self, text: str) -> None:
        """Say how the images are divided now."""
        self.counts.setText(text)

    def set_state(self, *, tested: int, by_itself: bool) -> None:
        """Offer to keep the test images where there are any; say what happens to new labels."""
        self.keep_test.setVisible(bool(tested))
        self.by_itself.setChecked(by_itself)

    def choice(self) -> SplitChoice:
        """Return what was entered."""
        return SplitChoice(
            self.val.value() / 100,
            self.test.value() / 100,
            self.pattern.text() or None,
            keep_test=self.keep_test.isChecked() and not self.keep_test.isHidden(),
        )

    def _percent(self, value: int, tooltip: str) -> QSpinBox:
        box = QSpinBox()
        box.setRange(0, _MAX_PERCENT)
        box.setValue(value)
        box.setSuffix(" %")
        box.setToolTip(tooltip)
        return box

    @Slot(str)
    def _on_pattern_changed(self, text: str) -> None:
        set_role(self.example, "muted")
        self.button.setEnabled(True)
        if not text:
            self.example.setText(
                tr(
                    "Images of one part stay together where their names tell, or where they look "
                    "alike. A pattern says it otherwise."
                )
            )
            return
        try:
            expression = re.compile(text)
        except re.error as error:
            set_role(self.example, "danger")
            self.example.setText(tr("Not a regular expression: {reason}", reason=error))
            self.button.setEnabled(False)
            return
        lines = [self._example(expression, name) for name in self._names[:_EXAMPLES]]
        self.example.setText("\n".join(lines))

    def _example(self, expression: re.Pattern[str], name: str) -> str:
        match = expression.search(name)
        if match is None:
            return tr("{name} → stands alone", name=name)
        group = match[1] if expression.groups else match[0]
        return tr("{name} → group “{group}”", name=name, group=group)

    @Slot()
    def _on_clicked(self) -> None:
        self.split_requested.emit(self.choice())
