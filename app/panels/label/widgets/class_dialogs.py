"""Asking for a new class, and into which one a class goes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr, trn
from app.widgets.class_colors import hatched_swatch, swatch
from app.widgets.layout import button, keep_place, label
from core.images.io import IGNORE_INDEX
from core.images.palette import Color
from core.project import LabelClass


class AddClassDialog(QDialog):
    """Name and colour; deletes itself when closed."""

    chosen = Signal(str, object)
    """(name, (red, green, blue))."""

    def __init__(
        self, color: Color, parent: QWidget | None = None, *, taken: Collection[str] = ()
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Add a class"))
        self._color = QColor(*color)
        self._taken = taken
        self.name = QLineEdit()
        self.name.setAccessibleName(tr("Name"))
        self.color_button = QPushButton()
        self.color_button.setAutoDefault(False)
        self.color_button.setIconSize(QSize(20, 20))
        self.color_button.setAccessibleName(tr("Colour"))
        self.color_button.clicked.connect(self._on_color)
        form = QFormLayout()
        form.setSpacing(GRID)
        form.addRow(tr("Name"), self.name)
        form.addRow(tr("Colour"), self.color_button)
        self.note = label("", "danger", wrap=True)
        keep_place(self.note)
        self._buttons, layout = _buttons(self, tr("Add"))
        self._buttons.setEnabled(False)
        self.name.textChanged.connect(self._on_typed)
        layout.insertLayout(0, form)
        layout.insertWidget(1, self.note)
        self.setMinimumWidth(GRID * 44)
        self._show_color()
        self.name.setFocus()

    def accept(self) -> None:
        """Tell what was typed."""
        if self._buttons.isEnabled():
            color = self._color
            self.chosen.emit(self.name.text().strip(), (color.red(), color.green(), color.blue()))
            super().accept()

    @Slot(str)
    def _on_typed(self, text: str) -> None:
        name = text.strip()
        is_taken = name in self._taken
        self._buttons.setEnabled(bool(name) and not is_taken)
        self.note.setText(
            tr("There is a class {name} already; choose another name.", name=name)
            if is_taken
            else ""
        )

    @Slot()
    def _on_color(self) -> None:
        dialog = QColorDialog(self._color, self)
        dialog.colorSelected.connect(self._on_color_selected)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot(QColor)
    def _on_color_selected(self, color: QColor) -> None:
        self._color = color
        self._show_color()

    def _show_color(self) -> None:
        self.color_button.setIcon(swatch(self._color, size=20))
        self.color_button.setText(self._color.name())


class MergeClassDialog(QDialog):
    """Which class gets the pixels; deletes itself when closed."""

    chosen = Signal(int)

    def __init__(
        self,
        name: str,
        others: Sequence[LabelClass],
        count: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Merge {name}", name=name))
        self.target = QComboBox()
        self.target.setAccessibleName(tr("Class that gets the pixels"))
        for item in others:
            self.target.addItem(swatch(QColor(*item.color)), item.name, item.id)
        self.target.addItem(hatched_swatch(), tr("Don't care"), IGNORE_INDEX)
        # Giving the pixels to the background is what deleting is for.
        self.target.setCurrentIndex(
            next((place for place, item in enumerate(others) if item.id), 0)
        )
        _, layout = _buttons(self, tr("Merge"))
        texts = (
            trn(
                "All pixels of {name} in {count} image go to:",
                "All pixels of {name} in {count} images go to:",
                count,
                name=name,
            ),
            tr("The class is deleted. This cannot be undone; trained models and their data stay."),
        )
        layout.insertWidget(0, label(texts[0]))
        layout.insertWidget(1, self.target)
        layout.insertWidget(2, label(texts[1], "muted", wrap=True))
        self.setMinimumWidth(GRID * 52)

    def accept(self) -> None:
        """Tell what was chosen."""
        self.chosen.emit(self.target.currentData())
        super().accept()


def _buttons(dialog: QDialog, accept: str) -> tuple[QPushButton, QVBoxLayout]:
    """Give a dialog its layout with the buttons at the end; return the accepting one."""
    box = QDialogButtonBox()
    yes = button(accept, "primary")
    yes.setDefault(True)
    box.addButton(yes, QDialogButtonBox.ButtonRole.AcceptRole)
    box.addButton(button(tr("Cancel")), QDialogButtonBox.ButtonRole.RejectRole)
    box.accepted.connect(dialog.accept)
    box.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
    layout.setSpacing(GRID * 2)
    layout.addWidget(box)
    return yes, layout
