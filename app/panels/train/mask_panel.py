"""The masks of a run with the tools to look at them."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.train.mask_strip import MaskStrip, StripView
from app.widgets.flow_layout import FlowLayout
from app.widgets.layout import button

_EVERY_STEPS = (10, 50, 200)


class MaskPanel(QWidget):
    """What the strip shows, and when a living run redraws it."""

    redraw_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strip = MaskStrip()
        self.views = QButtonGroup(self)
        self.truth_box = QCheckBox(tr("Ground truth below"))
        self.every_box = QComboBox()
        self.redraw_button = button(
            tr("Redraw now"), icon="refresh", tooltip=tr("Predict these images after this step")
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID, 0, 0)
        column.addWidget(self._make_tools())
        column.addWidget(self.strip, 1)

    @property
    def every(self) -> int:
        """After how many steps masks are wanted beside those of evaluations; 0: never."""
        return int(self.every_box.currentData())

    def set_alive(self, alive: bool) -> None:
        """Offer to redraw only while something can."""
        self.redraw_button.setVisible(alive)
        self.every_box.setVisible(alive)

    def _make_tools(self) -> QWidget:
        line = QWidget()
        tools = FlowLayout(line, spacing=GRID // 2)
        for index, (text, tip) in enumerate(
            (
                (tr("Prediction"), tr("What the network sees now")),
                (tr("Difference"), tr("Where prediction and ground truth differ")),
                (tr("Image"), tr("The image alone")),
            )
        ):
            made = QToolButton()
            made.setText(text)
            made.setCheckable(True)
            made.setChecked(index == 0)
            made.setToolTip(tip)
            self.views.addButton(made, index)
            tools.addWidget(made)
        self.views.idClicked.connect(self._on_view_chosen)
        self.truth_box.setChecked(True)
        self.truth_box.toggled.connect(self.strip.set_truth_shown)
        tools.addWidget(self.truth_box)
        self.every_box.setAccessibleName(tr("When masks are redrawn"))
        self.every_box.addItem(tr("after each evaluation"), 0)
        for steps in _EVERY_STEPS:
            self.every_box.addItem(tr("also every {steps} {steps:step|steps}", steps=steps), steps)
        self.redraw_button.clicked.connect(self.redraw_requested)
        tools.addWidget(self.every_box)
        tools.addWidget(self.redraw_button)
        return line

    @Slot(int)
    def _on_view_chosen(self, index: int) -> None:
        self.strip.set_view(list(StripView)[index])
