"""The settings of the tool in hand."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QSlider, QSpinBox, QWidget

from app.canvas.editor import Editor
from app.canvas.tool_options import OVER_ALL, option_range
from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.class_colors import swatch
from app.widgets.layout import label, row
from core.project import LabelClass

_SLIDER_END = {"brush_size": 200, "min_area": 500}


class OptionBox(QWidget):
    """A form with the rows that matter to the tool."""

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setSpacing(GRID)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows: dict[str, QWidget] = {}
        self._numbers: dict[str, tuple[QSpinBox, QSlider]] = {}
        for name, text, unit in (
            ("brush_size", tr("Size"), tr(" px")),
            ("tolerance", tr("Tolerance"), ""),
            ("superpixel_size", tr("Superpixels"), tr(" px")),
            ("radius", tr("Radius"), tr(" px")),
            ("min_area", tr("Specks below"), tr(" px")),
        ):
            self._add_number(name, text, unit)
        self.shape = QComboBox()
        self.shape.addItem(tr("Round"), "round")
        self.shape.addItem(tr("Square"), "square")
        self.shape.activated.connect(self._on_shape_chosen)
        self._add_row("brush_shape", tr("Shape"), self.shape)
        self.over = QComboBox()
        self.over.activated.connect(self._on_over_chosen)
        self._add_row("only_over", tr("Paint over"), self.over)
        self.contiguous = QCheckBox(tr("Connected pixels only"))
        self.contiguous.toggled.connect(
            lambda checked: self._editor.set_option("contiguous", checked)
        )
        self._add_row("contiguous", "", self.contiguous)
        editor.options_changed.connect(self.refresh)
        self.set_labels(())
        self.refresh()

    def show_options(self, names: Sequence[str]) -> None:
        """Show the rows of a tool."""
        for name, field in self._rows.items():
            self._form.setRowVisible(field, name in names)
        self.setVisible(bool(names))

    def set_labels(self, labels: Sequence[LabelClass]) -> None:
        """Offer to paint only over one of these."""
        self.over.clear()
        self.over.addItem(tr("Everything"), OVER_ALL)
        for item in labels:
            self.over.addItem(
                swatch(QColor(*item.color)), tr("Only {name}", name=item.name), item.id
            )
        if self.over.findData(self._editor.options.only_over) < 0:
            self._editor.set_option("only_over", OVER_ALL)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the options in use."""
        options = self._editor.options
        for name, (box, slider) in self._numbers.items():
            for part in (box, slider):
                with QSignalBlocker(part):
                    part.setValue(getattr(options, name))
        self.shape.setCurrentIndex(self.shape.findData(options.brush_shape))
        self.over.setCurrentIndex(max(0, self.over.findData(options.only_over)))
        self.contiguous.setChecked(options.contiguous)

    def _add_number(self, name: str, text: str, unit: str) -> None:
        low, high = option_range(name)
        box = QSpinBox()
        box.setRange(low, high)
        box.setSuffix(unit)
        box.setFixedWidth(GRID * 11)
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(low, _SLIDER_END.get(name, high))
        slider.setMinimumWidth(GRID * 4)
        for part in (box, slider):
            part.setAccessibleName(text)
            part.valueChanged.connect(lambda value: self._editor.set_option(name, value))
        holder = QWidget()
        holder.setLayout(row(slider, box))
        self._numbers[name] = (box, slider)
        self._add_row(name, text, holder)

    def _add_row(self, name: str, text: str, field: QWidget) -> None:
        if text:
            field.setAccessibleName(text)
            self._form.addRow(label(text), field)
        else:
            self._form.addRow(field)
        self._rows[name] = field

    @Slot()
    def _on_shape_chosen(self) -> None:
        self._editor.set_option("brush_shape", self.shape.currentData())

    @Slot()
    def _on_over_chosen(self) -> None:
        self._editor.set_option("only_over", self.over.currentData())
