"""Which class each colour of masks is: named, merged by equal names, background or ignored."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.class_colors import swatch
from app.widgets.focus_policy import TabFocusInputs
from core.data.class_names import BACKGROUND, IGNORE_NAME
from core.data.formats.color_masks import BLACK, FoundColor
from core.data.formats.color_tables import color_text
from core.images.palette import Color

_COLOR, _SHARE, _EXAMPLE, _CLASS = range(4)
_EXAMPLE_WIDTH = GRID * 16


class PaletteTable(QTableWidget):
    """One row for each colour found, with a field for the name of its class.

    Colours with one name become one class. Tab goes from field to field, as everywhere.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self.setHorizontalHeaderLabels([tr("Colour"), tr("Pixels"), tr("Example"), tr("Class")])
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setTabKeyNavigation(False)  # Tab is for the fields, not for the cells around them
        self.setAccessibleName(tr("Colours of the masks"))
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for column in (_COLOR, _SHARE):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_EXAMPLE, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(_EXAMPLE, _EXAMPLE_WIDTH)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._colors: list[Color] = []
        self._boxes: list[QComboBox] = []
        self._tab_focus: TabFocusInputs | None = None

    def set_colors(self, found: Sequence[FoundColor], classes: Sequence[str]) -> None:
        """Show the colours that were found; ``classes`` are names to choose from.

        Black is proposed to be the background, the others have no name yet.
        """
        self._colors = [one.color for one in found]
        self._boxes = []
        self.setRowCount(len(found))
        for row, one in enumerate(found):
            text = color_text(one.color)
            share = f"{100 * one.share:.1f} %" if one.share >= 0.0005 else "< 0.1 %"
            color, example = QTableWidgetItem(text), QTableWidgetItem(one.example.name)
            color.setIcon(swatch(QColor(*one.color)))
            example.setToolTip(str(one.example))
            self.setItem(row, _COLOR, color)
            self.setItem(row, _SHARE, QTableWidgetItem(share))
            self.setItem(row, _EXAMPLE, example)
            box = self._class_box(classes)
            box.setAccessibleName(tr("Class of the colour {color}", color=text))
            if one.color == BLACK:
                box.setEditText(BACKGROUND)
            box.editTextChanged.connect(self.changed)
            self.setCellWidget(row, _CLASS, box)
            self.setRowHeight(row, box.sizeHint().height() + 4)
            self._boxes.append(box)
        if self._tab_focus is not None:
            self._tab_focus.deleteLater()
        self._tab_focus = TabFocusInputs(self)  # the wheel scrolls the table
        for box in self._boxes:
            box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # one types into it
        self.horizontalHeader().setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def focus_first(self) -> None:
        """Put the cursor into the first field without a name."""
        for box in self._boxes:
            if not box.currentText().strip():
                box.setFocus()
                return

    def color_table(self) -> dict[Color, str] | None:
        """Return the class of each colour; None while one has no name."""
        names = [self._name(box) for box in self._boxes]
        return dict(zip(self._colors, names, strict=True)) if all(names) else None

    def _class_box(self, classes: Sequence[str]) -> QComboBox:
        box = QComboBox()
        box.setEditable(True)
        box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        for name in dict.fromkeys((BACKGROUND, *classes)):
            box.addItem(name, name)
        box.addItem(tr("Ignore these pixels (255)"), IGNORE_NAME)
        box.setCurrentIndex(-1)
        box.setEditText("")
        edit = box.lineEdit()
        if edit is not None:
            edit.setPlaceholderText(tr("name of the class"))
        return box

    def _name(self, box: QComboBox) -> str:
        """Return what a field says: the text, or what the chosen entry stands for."""
        text = " ".join(box.currentText().split())
        place = box.findText(text, Qt.MatchFlag.MatchExactly)
        return str(box.itemData(place)) if place >= 0 else text
