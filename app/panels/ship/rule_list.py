"""The rules as rows, or all of them as text for those who prefer that."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QPlainTextEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.ship.rule_row import RuleEdit, RuleRow, RuleText, first_rule
from app.services.timers import single_shot
from app.widgets.focus_policy import WheelScrolls
from app.widgets.layout import button, indent_spin_boxes, label, row
from core.portable.portable_error import PortableError
from core.portable.rules import Rule, parse_rules, unnamed_classes

_TEXT_HEIGHT = GRID * 14
_MOST_HEIGHT = GRID * 28


class RuleList(QWidget):
    """``rules`` is None as long as one of them makes no sense."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fit = single_shot(self, 0, self._fit_height)
        self._labels: tuple[str, ...] = ()
        self._background: int | None = None
        self._has_pixel_size = False
        self.rows: list[RuleEdit] = []
        self.none = label(
            tr("There are no rules: every image in which anything is found is a reject."),
            "muted",
            wrap=True,
        )
        self.unnamed = label("", "warning", wrap=True)
        self.text = QPlainTextEdit()
        self.text.setAccessibleName(tr("Rules as text"))
        self.text.setFixedHeight(_TEXT_HEIGHT)
        self.text.setPlaceholderText("any Crack longer than 2 mm -> reject, unsure above 1 mm")
        self.text_problem = label("", "warning", wrap=True)
        self.add_button = button(tr("Add a rule"), icon="add", tooltip=tr("One more rule"))
        self.text_button = button(
            tr("As text"), "link", tooltip=tr("All rules as text, for what the boxes cannot say")
        )
        self._inside = QWidget()
        self._inside.setProperty("role", "scrolled")
        self._list = QVBoxLayout(self._inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(GRID // 2)
        self._list.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._inside)
        self._scroll.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        rows = QWidget()
        column = QVBoxLayout(rows)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.none)
        column.addWidget(self._scroll)
        texts = QWidget()
        column = QVBoxLayout(texts)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.text)
        column.addWidget(self.text_problem)
        self._as_rows, self._as_text = rows, texts  # not a stack: that is as high as the highest
        self._as_text.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(rows)
        layout.addWidget(texts)
        layout.addWidget(self.unnamed)
        layout.addLayout(row(self.add_button, self.text_button, 1))
        self.add_button.clicked.connect(self._on_add)
        self.text_button.clicked.connect(self._on_text)
        self.text.textChanged.connect(self._on_text_changed)
        self.changed.connect(self._show_unnamed)
        self._show_unnamed()

    def show_rules(
        self,
        rules: Sequence[Rule],
        labels: Sequence[str],
        background: int | None,
        *,
        has_pixel_size: bool,
    ) -> None:
        """Show these rules of a model with these classes; silently."""
        self._labels, self._background = tuple(labels), background
        self._has_pixel_size = has_pixel_size
        for old in self.rows:
            self._drop(old)
        self.rows = []
        for rule in rules:
            self._append(rule)
        self._show_amount()
        if self.is_text:
            self._show_text()
        self._show_unnamed()

    def set_pixel_size_known(self, known: bool) -> None:
        """Offer millimetres or not."""
        self._has_pixel_size = known
        for one in self.rows:
            if isinstance(one, RuleRow):
                one.set_pixel_size_known(known)

    @property
    def rules(self) -> tuple[Rule, ...] | None:
        """The rules; None where one makes no sense, which then says why."""
        if self.is_text:
            try:
                found = parse_rules(
                    self.text.toPlainText().split("\n"), self._labels, background=self._background
                )
            except PortableError as error:
                self._show_text_problem(tr(error.template, **error.params))
                return None
            self._show_text_problem("")
            return found
        made = [one.rule() for one in self.rows]
        return tuple(one for one in made if one is not None) if all(made) else None

    @property
    def is_text(self) -> bool:
        """Whether the rules are edited as text."""
        return not self._as_text.isHidden()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Break the rows where there is little room."""
        super().resizeEvent(event)
        self._fit_rows()

    def show_problem(self, text: str) -> None:
        """Say what is wrong with the rules together with the rest; empty: nothing."""
        if self.is_text:
            self._show_text_problem(text)
        elif self.rows:
            self.rows[-1].show_problem(text)

    def _names(self) -> list[str]:
        return [name for place, name in enumerate(self._labels) if place != self._background]

    @Slot()
    def _show_unnamed(self) -> None:
        """Say which classes pass whatever is found of them: not what one rule suggests."""
        names = unnamed_classes(self.rules or (), self._names())
        self.unnamed.setText(
            tr("No rule is about {classes}: that is accepted.", classes=", ".join(names))
        )
        self.unnamed.setVisible(bool(names))

    def _append(self, rule: Rule) -> RuleEdit:
        names = self._names()
        made: RuleEdit
        if RuleRow.can_say(rule):
            made = RuleRow(names, rule, has_pixel_size=self._has_pixel_size)
        else:
            made = RuleText(str(rule), self._labels, self._background)
        self.rows.append(made)
        self._list.insertWidget(self._list.count() - 1, made)
        indent_spin_boxes(made)
        WheelScrolls(made)
        made.changed.connect(self._on_changed)
        made.removed.connect(lambda: self._on_removed(made))
        if isinstance(made, RuleRow):
            made.set_room(self.width() - GRID * 2)
        return made

    def _drop(self, one: RuleEdit) -> None:
        self._list.removeWidget(one)
        one.hide()
        one.deleteLater()

    def _fit_rows(self) -> None:
        for one in self.rows:
            if isinstance(one, RuleRow):
                one.set_room(self.width() - GRID * 2)
        self._show_amount()

    def _show_amount(self) -> None:
        self.none.setVisible(not self.rows)
        self._scroll.setVisible(bool(self.rows))
        self._fit.start()  # once the rows have been laid out

    @Slot()
    def _fit_height(self) -> None:
        self._inside.adjustSize()
        height = self._inside.sizeHint().height()
        self._scroll.setFixedHeight(min(max(height, GRID), _MOST_HEIGHT))

    def _show_as(self, *, text: bool) -> None:
        self._as_text.setVisible(text)
        self._as_rows.setVisible(not text)

    def _show_text(self) -> None:
        rules = [one.rule() for one in self.rows]
        self.text.blockSignals(True)
        self.text.setPlainText("\n".join(str(one) for one in rules if one is not None))
        self.text.blockSignals(False)

    def _show_text_problem(self, text: str) -> None:
        self.text_problem.setText(text)
        self.text_problem.setVisible(bool(text))

    @Slot()
    def _on_add(self) -> None:
        made = self._append(first_rule(self._names(), has_pixel_size=self._has_pixel_size))
        self._show_amount()
        self._scroll.ensureWidgetVisible(made)
        if isinstance(made, RuleRow):
            made.class_box.setFocus()
        self.changed.emit()

    def _on_removed(self, one: RuleEdit) -> None:
        self.rows.remove(one)
        self._drop(one)
        self._show_amount()
        self.changed.emit()

    @Slot()
    def _on_text(self) -> None:
        if not self.is_text:
            self._show_text()
            self._show_text_problem("")
            self._show_as(text=True)
            self.text.setFocus()
        else:
            rules = self.rules
            if rules is None:
                return  # what is wrong is said below
            self._show_as(text=False)
            self.show_rules(
                rules, self._labels, self._background, has_pixel_size=self._has_pixel_size
            )
        self.text_button.setText(tr("As sentences") if self.is_text else tr("As text"))
        self.add_button.setVisible(not self.is_text)

    @Slot()
    def _on_changed(self) -> None:
        self._show_amount()
        self.changed.emit()

    @Slot()
    def _on_text_changed(self) -> None:
        self.changed.emit()
