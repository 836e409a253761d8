"""Beside the rules: the size of a pixel, least areas, doubt, thresholds, regions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QFormLayout, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, translated
from app.panels.ship.area_choices import AreaChoices
from app.panels.ship.object_table import ImageFacts
from app.regions.region_state import RegionState
from app.widgets.layout import button, indent_spin_boxes, label, line
from app.widgets.switching import switch
from core.advice.least_areas import IgnoredObjects
from core.portable.quantities import Quantity

_MOST_AREA = 1e6


class JudgingChoices(QWidget):
    """``values`` are fields of ``Settings.to_dict`` but rules and regions."""

    changed = Signal()

    def __init__(self, regions: RegionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.area = AreaChoices(regions)
        self._kept: dict[str, Any] = {}
        self._labels: tuple[str, ...] = ()
        self.pixel_box = _box(0, 1000, 4, tr("not known"))
        self.pixel_box.setSuffix(" mm")
        self.pixel_box.setSingleStep(0.01)
        self.pixel_box.setKeyboardTracking(False)  # half a number would change the areas
        self.pixel_box.setAccessibleName(tr("Side of a pixel"))
        self.pixel_box.setToolTip(
            tr("Width of what the camera sees, in millimetres, divided by the image's pixels")
        )
        self.doubt_box = _box(0, 1, 2, tr("off"))
        self.doubt_box.setSingleStep(0.05)
        self.doubt_box.setAccessibleName(tr("Doubtful below a score of"))
        self.doubt_box.setToolTip(
            tr("A part whose rejection depends on objects of a lower score goes to a person")
        )
        self.thresholds_box = QCheckBox(tr("Use the model's thresholds"))
        self.thresholds_box.setToolTip(
            tr("Chosen on the validation images; without them the likeliest class counts")
        )
        self.area_boxes: dict[str, QDoubleSpinBox] = {}
        self._size: float | None = None
        basic = _form()
        basic.addRow(label(tr("Side of a pixel"), "muted"), self.pixel_box)
        basic.addRow(label(tr("Doubtful below"), "muted"), self.doubt_box)
        self._areas = _form()
        self._areas_title = label("", "muted", wrap=True)
        self.specks_note = label("", "muted", wrap=True)
        self.specks_button = button(tr("Leave specks out"), "link")
        self._specks: Mapping[str, int] = {}
        self.ignored = label("", "warning", wrap=True)
        self.facts = ImageFacts()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(basic)
        layout.addWidget(self.thresholds_box)
        layout.addWidget(self._areas_title)
        layout.addLayout(self._areas)
        layout.addWidget(self.specks_note)
        layout.addWidget(self.specks_button, alignment=Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.ignored)
        layout.addWidget(line())
        layout.addWidget(self.area)
        layout.addWidget(line())
        layout.addWidget(self.facts)
        self.show_ignored(())
        self._show_specks()
        self.specks_button.clicked.connect(self._on_leave_specks_out)
        self.pixel_box.valueChanged.connect(self._on_pixel_size_changed)
        self.doubt_box.valueChanged.connect(self._on_changed)
        self.thresholds_box.toggled.connect(self._on_changed)

    def show_values(
        self,
        values: Mapping[str, Any],
        labels: Sequence[str],
        *,
        has_thresholds: bool,
        specks: Mapping[str, int],
    ) -> None:
        """Show what ``values`` of an earlier session says about these classes; silently.

        Args:
            values: see ``values``.
            labels: classes that objects are made of.
            has_thresholds: whether the model has thresholds of its own.
            specks: areas in pixels that are offered, by class name.
        """
        self._specks = specks
        self._kept = dict(values)
        with QSignalBlocker(self.pixel_box), QSignalBlocker(self.doubt_box):
            self.pixel_box.setValue(float(values.get("pixel_size_mm") or 0.0))
            self.doubt_box.setValue(float(values.get("inconclusive_below") or 0.0))
        with QSignalBlocker(self.thresholds_box):
            self.thresholds_box.setChecked(bool(values.get("use_thresholds")) and has_thresholds)
        self.thresholds_box.setVisible(has_thresholds)
        if tuple(labels) != self._labels:
            self._labels = tuple(labels)
            while self._areas.rowCount():
                self._areas.removeRow(0)
            self.area_boxes = {name: self._area_box(name) for name in labels}
        areas = values.get("minimum_area") or {}
        for name, box in self.area_boxes.items():
            with QSignalBlocker(box):
                box.setDecimals(self._decimals)
                box.setValue(_number_of(str(areas.get(name, areas.get("*", "0")))))
        self._size = self.pixel_size
        self._show_units()
        self._show_specks()

    @Slot(object)
    def show_ignored(self, ignored: Sequence[IgnoredObjects]) -> None:
        """Say which least areas would leave out what people labelled."""
        self.ignored.setText("\n".join(translated(one.message) for one in ignored))
        self.ignored.setVisible(bool(ignored))

    @property
    def pixel_size(self) -> float | None:
        """Side of a pixel in millimetres, None where it is not known."""
        return self.pixel_box.value() or None

    @property
    def _decimals(self) -> int:
        """Decimals of an area that tell it from one of a pixel more."""
        size = self.pixel_size
        return 0 if size is None else max(2, math.ceil(-2 * math.log10(size)))

    @property
    def values(self) -> dict[str, Any]:
        """The fields as they are now."""
        unit = "mm2" if self.pixel_size is not None else "px2"
        return {
            "pixel_size_mm": self.pixel_size,
            "inconclusive_below": self.doubt_box.value() or None,
            "use_thresholds": self.thresholds_box.isChecked(),
            "minimum_area": {
                name: str(Quantity(box.value(), unit))
                for name, box in self.area_boxes.items()
                if box.value()
            },
            "fill_holes": self._kept.get("fill_holes") or {},
        }

    def set_startable(self, allowed: bool, why: str = "") -> None:
        """Whether anything may be changed; ``why`` not."""
        fields = (self.pixel_box, self.doubt_box, self.thresholds_box, *self.area_boxes.values())
        switch(self.specks_button, *fields, on=allowed, why=why)
        self.area.set_startable(allowed, why)
        self.facts.set_startable(allowed, why)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.area.renew()
        self.facts.renew_colors()

    def _area_box(self, name: str) -> QDoubleSpinBox:
        box = _box(0, _MOST_AREA, 2, tr("any"))
        box.setAccessibleName(tr("Least area of {name}", name=name))
        box.valueChanged.connect(self._on_changed)
        self._areas.addRow(label(name, "muted"), box)
        indent_spin_boxes(self)
        return box

    def _show_units(self) -> None:
        unit = "mm²" if self.pixel_size is not None else "px²"
        self._areas_title.setText(tr("Smaller objects do not count:"))
        for box in self.area_boxes.values():
            box.setSuffix(f" {unit}")
            box.setDecimals(self._decimals)

    @Slot()
    def _on_pixel_size_changed(self) -> None:
        before, self._size = self._size, self.pixel_size
        scale = 1.0  # what is in mm² stays what it is
        if before is None and self._size is not None:
            scale = self._size**2
        elif before is not None and self._size is None:
            scale = 1 / before**2
        for box in self.area_boxes.values():
            with QSignalBlocker(box):
                value = box.value() * scale
                box.setDecimals(self._decimals)
                box.setValue(value)
        self._show_units()
        self.changed.emit()

    def _offered(self) -> dict[str, int]:
        """Areas that are offered, of classes of which any counts so far."""
        return {
            name: area
            for name, area in self._specks.items()
            if name in self.area_boxes and not self.area_boxes[name].value()
        }

    def _show_specks(self) -> None:
        offered = self._offered()
        areas = ", ".join(f"{name} {area}\N{NO-BREAK SPACE}px²" for name, area in offered.items())
        self.specks_note.setText(
            tr(
                "On the validation images these areas leave out false alarms that are smaller than "
                "half of anything real: {areas}.",
                areas=areas,
            )
        )
        for part in (self.specks_note, self.specks_button):
            part.setVisible(bool(offered))

    @Slot()
    def _on_leave_specks_out(self) -> None:
        scale = 1.0 if self.pixel_size is None else self.pixel_size**2
        for name, area in self._offered().items():
            with QSignalBlocker(self.area_boxes[name]):
                self.area_boxes[name].setValue(area * scale)
        self._on_changed()

    @Slot()
    def _on_changed(self) -> None:
        self._show_specks()
        self.changed.emit()


def _box(least: float, most: float, decimals: int, none: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(decimals)
    box.setRange(least, most)
    box.setSpecialValueText(none)
    box.setMinimumWidth(GRID * 12)
    return box


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(GRID * 2)
    form.setVerticalSpacing(GRID // 2)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def _number_of(text: str) -> float:
    try:
        return float(text.split()[0])
    except (ValueError, IndexError):
        return 0.0
