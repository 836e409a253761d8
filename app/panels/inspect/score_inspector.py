"""Beside the errors: the chosen image's scores and what was taken for what."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, trn
from app.panels.inspect.error_list import score_lines
from app.widgets.layout import button, clear_layout, label, line
from core.prediction.inspection import ImageScore

_MOST = 8


class ScoreInspector(QWidget):
    """Facts of one image and the way back to its mask; ``below`` them what is about all."""

    open_requested = Signal()
    label_requested = Signal()

    def __init__(self, *below: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = label("", "heading", wrap=True)
        self.scores = label("", "muted", wrap=True)
        self.open_button = button(
            tr("Show in the data set"),
            tooltip=tr("Look at the image and correct its mask (Return)"),
        )
        self.open_button.clicked.connect(self.open_requested)
        self.label_button = button(
            tr("Edit the labels"),
            icon="label",
            tooltip=tr("Open what is chosen in the labelling panel; several one after the other"),
        )
        self.label_button.clicked.connect(self.label_requested)
        self._title = label(tr("Taken for another class"), "heading")
        self._list = QVBoxLayout()
        self._list.setSpacing(GRID // 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(self.name)
        layout.addWidget(self.scores)
        layout.addWidget(self.label_button)
        layout.addWidget(self.open_button)
        layout.addSpacing(GRID)
        layout.addWidget(self._title)
        layout.addLayout(self._list)
        for part in below:
            layout.addSpacing(GRID)
            layout.addWidget(line())
            layout.addWidget(part)
        layout.addStretch(1)
        self.show_score(None, (), openable=False)

    def show_choice(self, count: int) -> None:
        """Say how many images are chosen."""
        self.label_button.setText(
            trn("Edit the labels", "Label these {count} images", max(count, 1))
        )

    def show_score(
        self, score: ImageScore | None, labels: Sequence[str], *, openable: bool
    ) -> None:
        """Show an image's facts; ``openable``: the project still has it."""
        clear_layout(self._list)
        for way in (self.open_button, self.label_button):
            way.setVisible(score is not None)
            way.setEnabled(openable)
        self._title.setVisible(score is not None and bool(score.confusions))
        if score is None:
            self.name.setText(tr("No image chosen"))
            self.scores.setText("")
            return
        self.name.setText(score.image.name)
        self.scores.setText("\n".join(score_lines(score)))
        worst = sorted(score.confusions.items(), key=lambda pair: -pair[1])[:_MOST]
        for (truth, predicted), count in worst:
            text = tr(
                "{label} → {other}: {count:,} {count:pixel|pixels}",
                label=labels[truth],
                other=labels[predicted],
                count=count,
            )
            self._list.addWidget(label(text, wrap=True))
