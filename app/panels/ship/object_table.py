"""Beside a judged image: what becomes of it and why, and its objects with their sizes."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import pixmap
from app.look.theme import GRID, tokens
from app.look.translation import tr, trn
from app.panels.ship.outcomes import JudgedImage, Outcome, outcome_color, outcome_name
from app.widgets.class_colors import swatch
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import button, label, row
from app.widgets.switching import switch
from core.images.palette import Color

_ROW = GRID * 3 + 2
_MARK = 20
_MOST_ROWS = 200
_SHOWN_ROWS = 8


class ObjectTable(QTableWidget):
    """Class, area and length, width in the tips; in millimetres where a pixel's size is known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setProperty("role", "plain")
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Objects in the image"))
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(GRID * 4)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def show_objects(self, one: JudgedImage | None, colors: Mapping[str, Color]) -> None:
        """List the objects of an image, the largest first."""
        objects = () if one is None else one.objects
        shown = sorted(objects, key=lambda each: -each.area_px)[:_MOST_ROWS]
        in_mm = bool(shown) and shown[0].pixel_size_mm is not None
        self.setHorizontalHeaderLabels(
            [
                tr("Class"),
                tr("Area"),
                tr("Length"),
            ]
        )
        if (title := self.horizontalHeaderItem(0)) is not None:
            title.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setRowCount(len(shown))
        for place, each in enumerate(shown):
            name = QTableWidgetItem(each.name)
            color = colors.get(each.name)
            if color is not None:
                name.setIcon(swatch(QColor(*color)))
            self.setItem(place, 0, name)
            area, length, width = (
                (each.area_mm2, each.length_mm, each.width_mm)
                if in_mm
                else (each.area_px, each.length_px, each.width_px)
            )
            tip = tr(
                "{length} long, {width} wide",
                length=number_text(length or 0.0),
                width=number_text(width or 0.0),
            )
            name.setToolTip(f"{each.name}: {tip}")
            for column, number in enumerate((area, length), start=1):
                cell = QTableWidgetItem(number_text(number or 0.0))
                cell.setToolTip(tip)
                cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(place, column, cell)
        rows = min(max(len(shown), 1), _SHOWN_ROWS)
        self.setFixedHeight(rows * _ROW + self.horizontalHeader().sizeHint().height() + 4)
        self.setVisible(bool(shown))


class ImageFacts(QWidget):
    """What is known of the image chosen, and the way to its labels."""

    label_requested = Signal(object)
    """(JudgedImage)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._one: JudgedImage | None = None
        self.name = ElidedLabel("", "muted")
        self.outcome = label("", "heading", wrap=True)
        self._mark = QLabel()
        self._head = QWidget()
        head = row(self._mark, self.outcome)
        head.setStretch(1, 1)
        self._head.setLayout(head)
        self.reasons = label("", wrap=True)
        self.objects_title = label("", "muted", wrap=True)
        self.table = ObjectTable()
        self.label_button = button(
            tr("Label this image"),
            icon="label",
            tooltip=tr("Add it to the project and correct what the model says"),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        for part in (self._head, self.name, self.reasons, self.objects_title, self.table):
            layout.addWidget(part)
        layout.addWidget(self.label_button)
        self.label_button.clicked.connect(lambda: self.label_requested.emit(self._one))
        self.show_image(None, {})

    def show_image(
        self, one: JudgedImage | None, colors: Mapping[str, Color], *, measured: bool = True
    ) -> None:
        """Show an image's facts.

        Args:
            one: the image; None: none is chosen.
            colors: of the classes.
            measured: whether its objects are known.
        """
        self._one = one
        for part in (self._head, self.name):
            part.setVisible(one is not None)
        self.label_button.setVisible(one is not None and one.outcome is not Outcome.FAILED)
        self.table.show_objects(one, colors)
        if one is None:
            self.reasons.hide()
            self.objects_title.hide()
            return
        self.name.setText(one.image.name)
        self.outcome.setText(outcome_name(one.outcome))
        self.renew_colors()
        reasons = [one.problem] if one.problem else list(one.reasons)
        self.reasons.setText("\n".join(reasons))
        self.reasons.setVisible(bool(reasons))
        count = len(one.objects)
        in_mm = bool(count) and one.objects[0].pixel_size_mm is not None
        unit = tr("in mm and mm²") if in_mm else tr("in pixels")
        self.objects_title.setText(
            trn("{count} object, {unit}", "{count} objects, {unit}", count, unit=unit)
            if count
            else tr("Nothing found")
        )
        self.objects_title.setVisible(measured and one.outcome is not Outcome.FAILED)

    def renew_colors(self) -> None:
        """Draw the mark in the current theme."""
        if self._one is None:
            return
        name = {Outcome.ACCEPT: "check", Outcome.REJECT: "close"}.get(self._one.outcome, "warning")
        color = outcome_color(self._one.outcome, tokens())
        ratio = self.devicePixelRatio()
        self._mark.setPixmap(pixmap(name, _MARK, color=color, ratio=ratio))

    def set_startable(self, allowed: bool, why: str = "") -> None:
        """Whether the project may be changed; ``why`` not."""
        switch(self.label_button, on=allowed, why=why)


def number_text(number: float) -> str:
    """Return a measure with as many digits as mean something."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"
