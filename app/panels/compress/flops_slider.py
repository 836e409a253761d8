"""How much to prune: a slider over the operations, and what it is expected to cost."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import label, row

LEAST, MOST = 5, 80
_START = 40


class FlopsSlider(QWidget):
    """5 to 80 % of the operations; the arrow keys move it by one, page keys by five."""

    share_changed = Signal(float)
    """(share of the operations to remove, 0 … 1)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(LEAST, MOST)
        self.slider.setPageStep(5)
        self.slider.setAccessibleName(tr("Operations to remove, in %"))
        self.amount = label("", "title")
        self.loss = label("–")
        self.channels = label("–")
        self.note = label("", "muted", wrap=True)
        facts = QGridLayout()
        facts.setContentsMargins(0, 0, 0, 0)
        facts.setHorizontalSpacing(GRID * 2)
        facts.setVerticalSpacing(GRID // 2)
        for line, (name, value) in enumerate(
            ((tr("Predicted loss of mIoU"), self.loss), (tr("Channels that go"), self.channels))
        ):
            facts.addWidget(label(name, "muted"), line, 0)
            facts.addWidget(value, line, 1, Qt.AlignmentFlag.AlignRight)
            value.setAccessibleName(name)
        facts.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(row(self.amount, _hint(tr("of the operations")), 1))
        layout.addWidget(self.slider)
        layout.addLayout(facts)
        layout.addWidget(self.note)
        self.slider.valueChanged.connect(self._on_value_changed)
        self.slider.setValue(_START)

    @property
    def share(self) -> float:
        """Share of the operations to remove, 0.05 … 0.8."""
        return self.slider.value() / 100

    def show_prediction(
        self, *, loss: float | None, gone: int | None, channels: int | None
    ) -> None:
        """Show the expected loss (share of the mIoU) before fine-tuning; None: not known."""
        self.loss.setText("–" if loss is None else tr("{percent:.1f} %", percent=100 * loss))
        self.channels.setText(
            "–" if gone is None else tr("{gone:,} of {channels:,}", gone=gone, channels=channels)
        )

    def show_note(self, text: str) -> None:
        """Say something about the prediction; empty: nothing."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    @Slot(int)
    def _on_value_changed(self, value: int) -> None:
        self.amount.setText(tr("−{percent} %", percent=value))
        self.share_changed.emit(value / 100)


def _hint(text: str) -> QLabel:
    made = label(text, "muted")
    made.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
    return made
