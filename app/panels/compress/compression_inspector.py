"""Choices of the Compression panel: how much to prune, how to quantise, what to ship."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFormLayout, QSpinBox, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.compress.flops_slider import FlopsSlider
from app.widgets.choice_card import ChoiceColumn
from app.widgets.layout import button, label, line, row
from app.widgets.switching import switch
from app.widgets.verdict_box import VerdictBox

_MOST_EPOCHS = 1000
_FINETUNE, _QAT = 5, 3


class Strategy(StrEnum):
    """How the channels that go are shared among the layers; values of ``PruneSpec.strategy``."""

    SENSITIVITY = "sensitivity"
    GLOBAL = "global"


class PruneBox(QWidget):
    """How much goes, by which rule, and how long to train afterwards."""

    requested = Signal()
    changed = Signal()
    """Share or strategy changed: the prediction is another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.flops = FlopsSlider()
        self.strategy_box = QComboBox()
        self.strategy_box.setAccessibleName(tr("How to choose the channels"))
        self.strategy_box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.strategy_box.addItem(tr("where it costs least"), Strategy.SENSITIVITY)
        self.strategy_box.addItem(tr("weakest of all layers"), Strategy.GLOBAL)
        self.strategy_box.setToolTip(
            tr("By the sensitivity analysis, or by one threshold over all layers without it")
        )
        self.epochs = epochs_box(_FINETUNE, tr("Epochs of fine-tuning"))
        self.button = button(
            tr("Prune and fine-tune"),
            "primary",
            tooltip=tr("Starts a job; the model stays as it is"),
        )
        self.reason = label("", "muted", wrap=True)
        form = _form()
        form.addRow(self.strategy_box)
        form.addRow(label(tr("Epochs"), "muted"), self.epochs)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(label(tr("Prune"), "heading"))
        layout.addWidget(self.flops)
        layout.addLayout(form)
        layout.addWidget(self.button)
        layout.addWidget(self.reason)
        self.button.clicked.connect(self.requested)
        self.flops.share_changed.connect(self._on_changed)
        self.strategy_box.currentIndexChanged.connect(self._on_changed)
        self.epochs.valueChanged.connect(self._on_epochs_changed)

    @property
    def strategy(self) -> Strategy:
        """The rule chosen."""
        return Strategy(self.strategy_box.currentData())

    def offer_sensitivity(self, analysed: bool) -> None:
        """Allow the rule that needs an analysis only where there is one."""
        choices = self.strategy_box.model()
        if isinstance(choices, QStandardItemModel):
            choices.item(0).setEnabled(analysed)
        self.strategy_box.setCurrentIndex(0 if analysed else 1)

    @Slot()
    def _on_changed(self) -> None:
        self.changed.emit()

    @Slot(int)
    def _on_epochs_changed(self, epochs: int) -> None:
        self.button.setText(tr("Prune and fine-tune") if epochs else tr("Prune"))


class QuantizeBox(QWidget):
    """After training, or while training on."""

    requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ways = ChoiceColumn(
            [
                (tr("After training"), tr("Minutes, no training: try this first.")),
                (tr("While training"), tr("Better: the network learns to live with 8 bits.")),
            ]
        )
        self.ways.choose(0)
        self.epochs = epochs_box(_QAT, tr("Epochs of training in 8 bits"), least=1)
        self.button = button(
            tr("Quantise to int8"), tooltip=tr("Starts a job; the model stays as it is")
        )
        self.reason = label("", "muted", wrap=True)
        self._form = _form()
        self._form.addRow(label(tr("Epochs"), "muted"), self.epochs)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(label(tr("Quantise"), "heading"))
        layout.addWidget(self.ways)
        layout.addLayout(self._form)
        layout.addWidget(self.button)
        layout.addWidget(self.reason)
        self.button.clicked.connect(self.requested)
        self.ways.group.idToggled.connect(self._on_way_toggled)
        self._on_way_toggled()

    @property
    def chosen_epochs(self) -> int:
        """0: after training."""
        return self.epochs.value() if self.ways.index == 1 else 0

    @Slot()
    def _on_way_toggled(self) -> None:
        self._form.setRowVisible(0, self.ways.index == 1)


class ShipBox(QWidget):
    """Measuring the variant chosen, and the way to the step that ships it."""

    measure_requested = Signal()
    ship_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.measure_button = button(
            tr("Measure"), tooltip=tr("Export, time it on this machine, and compare with the masks")
        )
        self.ship_button = button(
            tr("Ship it"), icon="ship", tooltip=tr("Try, verify, export and pack this variant")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row(self.measure_button, self.ship_button, 1))
        self.measure_button.clicked.connect(self.measure_requested)
        self.ship_button.clicked.connect(self.ship_requested)


class CompressionInspector(QWidget):
    """The variant chosen, and what can be made of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = label("", "heading", wrap=True)
        self.origin = label("", "muted", wrap=True)
        self.note = label("", "warning", wrap=True)
        self.verdict = VerdictBox(lines=0, unfolds=True)
        self.prune = PruneBox()
        self.quantize = QuantizeBox()
        self.ship = ShipBox()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(self.name)
        layout.addWidget(self.origin)
        layout.addWidget(self.verdict)
        layout.addWidget(self.ship)
        layout.addWidget(self.note)
        for part in (self.prune, self.quantize):
            layout.addSpacing(GRID // 2)
            layout.addWidget(line())
            layout.addSpacing(GRID // 2)
            layout.addWidget(part)
        layout.addStretch(1)
        self.show_model("", "")
        self.show_note("")

    def show_model(self, name: str, origin: str) -> None:
        """Say which model the choices are about; empty: none."""
        self.name.setText(name or tr("No model chosen"))
        self.origin.setText(origin)
        self.origin.setVisible(bool(origin))

    def show_note(self, text: str) -> None:
        """Say why nothing can be started; empty: it can."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def allow(
        self, *, prune: str | None, quantize: str | None, measure: bool, why: str = ""
    ) -> None:
        """Switch the buttons; a text says why one is off, None that it is off for now.

        Args:
            prune: about pruning; empty: it is on.
            quantize: about quantising.
            measure: whether measuring is on.
            why: nothing can be started.
        """
        for box, reason in ((self.prune, prune), (self.quantize, quantize)):
            switch(box.button, on=reason == "", why=why)
            box.reason.setText(reason or "")
            box.reason.setVisible(bool(reason))
        switch(self.ship.measure_button, on=measure, why=why)

    def renew_colors(self) -> None:
        """Draw the cards in the current theme."""
        self.quantize.ways.renew_colors()
        self.verdict.renew_colors()


def epochs_box(start: int, name: str, *, least: int = 0) -> QSpinBox:
    """Return a spin box for a number of epochs."""
    box = QSpinBox()
    box.setRange(least, _MOST_EPOCHS)
    box.setValue(start)
    box.setAccessibleName(name)
    return box


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(GRID * 2)
    form.setVerticalSpacing(GRID)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form
