"""One rule as a sentence of boxes: class, quantity, comparison, number, unit, outcome."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import keep_place, label
from core.portable.conditions import (
    Condition,
    Count,
    ObjectTest,
    Operator,
    RuleOutcome,
    TotalArea,
)
from core.portable.portable_error import PortableError
from core.portable.rules import Rule, parse_rule

_WIDE = GRID * 104  # from here on everything stands in one line
_MOST = 1e6


class Measured(StrEnum):
    """What a rule looks at."""

    PRESENCE = "presence"
    LENGTH = "length"
    WIDTH = "width"
    AREA = "area"
    TOTAL = "total"
    NUMBER = "number"
    SCORE = "score"


_UNITS: dict[Measured, tuple[str, ...]] = {
    Measured.LENGTH: ("mm", "px"),
    Measured.WIDTH: ("mm", "px"),
    Measured.AREA: ("mm2", "px2", "%"),
    Measured.TOTAL: ("mm2", "px2", "%"),
}
_NEEDS_PIXEL_SIZE = ("mm", "mm2")
_OPERATORS: tuple[Operator, ...] = (">", ">=", "<", "<=")
_OUTCOMES: tuple[RuleOutcome, ...] = ("reject", "warn", "inconclusive")


class RuleEdit(QFrame):
    """What every row has: it can be removed, and says what is wrong with it."""

    changed = Signal()
    removed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.problem = label("", "warning", wrap=True)
        self.problem.hide()
        self.remove_button = QToolButton()
        set_icon(self.remove_button, "trash")
        self.remove_button.setToolTip(tr("Remove this rule"))
        self.remove_button.setAccessibleName(tr("Remove this rule"))
        self.remove_button.clicked.connect(self.removed)

    def rule(self) -> Rule | None:
        """Return the rule; None, and a sentence below, where it makes no sense."""
        raise NotImplementedError

    def show_problem(self, text: str) -> None:
        """Say what is wrong; empty: nothing."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def _with_problem(self, line: QBoxLayout) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(line)
        layout.addWidget(self.problem)


class RuleRow(RuleEdit):
    """A rule that the boxes can say.

    Args:
        labels: classes that objects can have.
        rule: what to begin with.
        has_pixel_size: whether millimetres can be chosen.
    """

    def __init__(
        self,
        labels: Sequence[str],
        rule: Rule,
        *,
        has_pixel_size: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.class_box = _box(tr("Class"), GRID * 12)
        self.class_box.addItem(tr("any class"), None)
        for name in labels:
            self.class_box.addItem(name, name)
        self.measured_box = _box(tr("What is measured"), GRID * 13)
        for measured in Measured:
            self.measured_box.addItem(_measured_name(measured), measured)
        self.operator_box = _box(tr("Comparison"), GRID * 12)
        for operator in _OPERATORS:
            self.operator_box.addItem(_operator_name(operator), operator)
        self.value_box = _number(tr("Limit"))
        self.unit_box = _box(tr("Unit"), GRID * 10)
        self.outcome_box = _box(tr("Outcome"), GRID * 15)
        for outcome in _OUTCOMES:
            self.outcome_box.addItem(_outcome_words(outcome), outcome)
        self.unsure_label = label(tr("inconclusive from"), "muted")
        self.unsure_box = _number(tr("Inconclusive from"))
        self.unsure_box.setSpecialValueText("–")
        self.unsure_box.setToolTip(
            tr("A second limit: between the two a person decides. – for none.")
        )
        self._lines = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._lines.setSpacing(GRID // 2)
        first, second = QHBoxLayout(), QHBoxLayout()
        for line in (first, second):
            line.setSpacing(GRID // 2)
            self._lines.addLayout(line)
        self._lines.setStretch(0, 1)
        first.addWidget(self.class_box, 1)
        first.addWidget(self.measured_box, 1)
        first.addWidget(self.operator_box)
        first.addWidget(self.value_box)
        first.addWidget(self.unit_box)
        second.addWidget(label("→", "muted"))
        second.addWidget(self.outcome_box)
        second.addWidget(self.unsure_label)
        second.addWidget(self.unsure_box)
        second.addStretch(1)
        second.addWidget(self.remove_button)
        self._with_problem(self._lines)
        self._fill(rule)
        self.set_pixel_size_known(has_pixel_size)
        hidden = (self.operator_box, self.value_box, self.unit_box)
        for part in (*hidden, self.unsure_label, self.unsure_box):
            keep_place(part)  # the columns of the rows stay below each other
        for box in (
            self.class_box,
            self.measured_box,
            self.operator_box,
            self.unit_box,
            self.outcome_box,
        ):
            box.currentIndexChanged.connect(self._on_changed)
        self.value_box.valueChanged.connect(self._on_changed)
        self.unsure_box.valueChanged.connect(self._on_changed)

    @staticmethod
    def can_say(rule: Rule) -> bool:
        """Whether the boxes can say a rule."""
        condition = rule.condition
        if isinstance(condition, TotalArea):
            return True
        if not isinstance(condition, Count) or len(condition.tests) > 1:
            return False
        return not condition.tests or condition.is_any

    def rule(self) -> Rule | None:
        """Return the rule of the boxes."""
        try:
            made = Rule(self._condition(), self.outcome_box.currentData(), self._unsure())
        except PortableError as error:
            self.show_problem(tr(error.template, **error.params))
            return None
        self.show_problem("")
        return made

    def set_pixel_size_known(self, known: bool) -> None:
        """Offer millimetres or not; what is chosen stays."""
        choices = self.unit_box.model()
        if isinstance(choices, QStandardItemModel):
            for place in range(self.unit_box.count()):
                needs = self.unit_box.itemData(place) in _NEEDS_PIXEL_SIZE
                choices.item(place).setEnabled(known or not needs)
        self._has_pixel_size = known

    def set_room(self, width: int) -> None:
        """Break into two lines where there is little room."""
        wide = width >= _WIDE
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._lines.direction() != direction:
            self._lines.setDirection(direction)

    @property
    def _measured(self) -> Measured:
        return Measured(self.measured_box.currentData())

    def _condition(self) -> Condition:
        name = self.class_box.currentData()
        operator: Operator = self.operator_box.currentData()
        value, unit = self.value_box.value(), self.unit_box.currentData() or ""
        match self._measured:
            case Measured.PRESENCE:
                return Count(name)
            case Measured.NUMBER:
                return Count(name, operator, round(value))
            case Measured.TOTAL:
                return TotalArea(name, operator, value, unit)
            case Measured.LENGTH:
                return Count(name, tests=(ObjectTest("length", operator, value, unit),))
            case Measured.WIDTH:
                return Count(name, tests=(ObjectTest("width", operator, value, unit),))
            case Measured.AREA:
                return Count(name, tests=(ObjectTest("area", operator, value, unit),))
            case Measured.SCORE:
                return Count(name, tests=(ObjectTest("score", operator, value),))

    def _unsure(self) -> float | None:
        hidden = self.unsure_box.isHidden()
        return None if hidden or self.unsure_box.value() == 0 else self.unsure_box.value()

    def _fill(self, rule: Rule) -> None:
        condition = rule.condition
        measured, operator, value, unit = Measured.PRESENCE, ">", 0.0, ""
        name = None
        if isinstance(condition, TotalArea):
            name, operator = condition.class_name, condition.operator
            measured, value, unit = Measured.TOTAL, condition.limit, condition.unit
        elif isinstance(condition, Count):
            name = condition.class_name
            if condition.tests:
                test = condition.tests[0]
                measured, operator = Measured(test.measure), test.operator
                value, unit = test.limit, test.unit
            elif not condition.is_any:
                measured, operator = Measured.NUMBER, condition.operator
                value = float(condition.number)
        _choose(self.class_box, name)
        _choose(self.measured_box, measured)
        _choose(self.operator_box, operator)
        _choose(self.outcome_box, rule.outcome)
        self._offer_units()
        _choose(self.unit_box, unit)
        self._fit_numbers()
        self.value_box.setValue(value)
        self.unsure_box.setValue(rule.unsure or 0.0)
        self._show_parts()

    @Slot()
    def _on_changed(self) -> None:
        if self.sender() is self.measured_box:
            self._offer_units()
            self._fit_numbers()
            self.set_pixel_size_known(self._has_pixel_size)
        self._show_parts()
        self.changed.emit()

    def _offer_units(self) -> None:
        units = _UNITS.get(self._measured, ())
        chosen = self.unit_box.currentData()
        with QSignalBlocker(self.unit_box):
            self.unit_box.clear()
            for unit in units:
                self.unit_box.addItem(unit.replace("2", "²"), unit)
            known = getattr(self, "_has_pixel_size", True)
            usual = next((u for u in units if known or u not in _NEEDS_PIXEL_SIZE), None)
            _choose(self.unit_box, chosen if chosen in units else usual)

    def _fit_numbers(self) -> None:
        measured = self._measured
        decimals = 0 if measured is Measured.NUMBER else 2
        most = 1.0 if measured is Measured.SCORE else _MOST
        step = {Measured.SCORE: 0.05, Measured.NUMBER: 1.0}.get(measured, 0.5)
        for box in (self.value_box, self.unsure_box):
            with QSignalBlocker(box):
                box.setDecimals(decimals)
                box.setSingleStep(step)
                box.setMaximum(most)

    def _show_parts(self) -> None:
        has_limit = self._measured is not Measured.PRESENCE
        self.operator_box.setVisible(has_limit)
        self.value_box.setVisible(has_limit)
        self.unit_box.setVisible(bool(self.unit_box.count()))
        band = has_limit and self.outcome_box.currentData() == "reject"
        self.unsure_label.setVisible(band)
        self.unsure_box.setVisible(band)


class RuleText(RuleEdit):
    """A rule that only its text can say.

    Args:
        text: what to begin with.
        labels: the model's classes.
        background: class id of which no objects are made.
    """

    def __init__(
        self,
        text: str,
        labels: Sequence[str],
        background: int | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._labels, self._background = tuple(labels), background
        self.edit = QLineEdit(text)
        self.edit.setAccessibleName(tr("Rule as text"))
        line = QHBoxLayout()
        line.setSpacing(GRID // 2)
        line.addWidget(self.edit, 1)
        line.addWidget(self.remove_button)
        self._with_problem(line)
        self.edit.textEdited.connect(self.changed)

    def rule(self) -> Rule | None:
        """Return the rule that the text says."""
        try:
            made = parse_rule(self.edit.text(), self._labels, background=self._background)
        except PortableError as error:
            self.show_problem(tr(error.template, **error.params))
            return None
        self.show_problem("")
        return made


def first_rule(labels: Sequence[str], *, has_pixel_size: bool) -> Rule:
    """Return what a new row begins with."""
    unit = "mm" if has_pixel_size else "px"
    name = labels[0] if labels else None
    test = ObjectTest("length", ">", 1.0 if has_pixel_size else 20.0, unit)
    return Rule(Count(name, tests=(test,)), "reject")


def _box(name: str, width: int) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(name)
    box.setMinimumWidth(width)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return box


def _number(name: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setAccessibleName(name)
    box.setRange(0, _MOST)
    box.setFixedWidth(GRID * 10)
    return box


def _choose(box: QComboBox, data: object) -> None:
    for place in range(box.count()):
        if box.itemData(place) == data:
            box.setCurrentIndex(place)


def _measured_name(measured: Measured) -> str:
    return {
        Measured.PRESENCE: tr("is there"),
        Measured.LENGTH: tr("length"),
        Measured.WIDTH: tr("width"),
        Measured.AREA: tr("area"),
        Measured.TOTAL: tr("total area"),
        Measured.NUMBER: tr("number"),
        Measured.SCORE: tr("score"),
    }[measured]


def _operator_name(operator: Operator) -> str:
    return {
        ">": tr("over"),
        ">=": tr("at least"),
        "<": tr("under"),
        "<=": tr("at most"),
    }[operator]


def _outcome_words(outcome: RuleOutcome) -> str:
    return {
        "reject": tr("reject"),
        "warn": tr("warning"),
        "inconclusive": tr("inconclusive"),
    }[outcome]
