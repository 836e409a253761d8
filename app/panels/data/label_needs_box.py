"""How many labels each class has and needs, and the image to label next."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QProgressBar, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, translated
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import button, clear_layout, label
from core.advice.label_needs import LabelNeed

_MOST_ROWS = 6
_BAR = GRID * 8


class LabelNeedsBox(QWidget):
    """Those that lack labels one by one, those that have enough in one line."""

    most_useful_requested = Signal()
    """Show the image that helps most."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.texts: list[str] = []
        self._rows = QGridLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setHorizontalSpacing(GRID)
        self._rows.setVerticalSpacing(GRID // 2)
        self._rows.setColumnStretch(0, 1)
        self.rest = label("", "muted", wrap=True)
        self.next_button = button(
            tr("Label the most useful image"),
            icon="label",
            tooltip=tr(
                "The image without labels that a model is least sure of; without drafts, the first "
                "one without labels"
            ),
        )
        self.next_button.clicked.connect(self.most_useful_requested)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(self._rows)
        layout.addWidget(self.rest)
        layout.addWidget(self.next_button)
        self.show_needs(())

    def show_needs(self, needs: Sequence[LabelNeed]) -> None:
        """Show what each class needs, what lacks most first."""
        clear_layout(self._rows)
        lacking = [need for need in needs if need.missing]
        enough = [need.name for need in needs if not need.missing]
        self.texts = [self._add(place, need) for place, need in enumerate(lacking[:_MOST_ROWS])]
        rest = []
        if len(lacking) > _MOST_ROWS:
            more = ", ".join(need.name for need in lacking[_MOST_ROWS:])
            rest.append(tr("Too few as well: {names}.", names=more))
        if enough and lacking:
            rest.append(tr("Enough: {names}.", names=", ".join(enough)))
        elif enough:
            rest.append(tr("Every class has about enough labels to be found."))
        self.rest.setText("\n".join(rest))
        self.rest.setToolTip("\n".join(_line(need) for need in needs if not need.missing))
        self.rest.setVisible(bool(rest))

    def set_unlabelled(self, count: int) -> None:
        """Offer to label more where there are images without labels."""
        self.next_button.setVisible(bool(count))

    def _add(self, place: int, need: LabelNeed) -> str:
        name = ElidedLabel(need.name, mode=Qt.TextElideMode.ElideRight)
        bar = QProgressBar()
        bar.setRange(0, need.wanted)
        bar.setValue(min(need.have, need.wanted))
        bar.setTextVisible(False)
        bar.setFixedWidth(_BAR)
        text = _count(need)
        count = label(text, "muted")
        count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for column, part in enumerate((name, bar, count)):
            part.setToolTip(_line(need))
            self._rows.addWidget(part, place, column)
        bar.setAccessibleName(_line(need))
        return f"{need.name}: {text}"


def _count(need: LabelNeed) -> str:
    return tr("{have} of about {wanted}", have=f"{need.have:,}", wanted=f"{need.wanted:,}")


def _line(need: LabelNeed) -> str:
    return f"{need.name}: {_count(need)}. {translated(need.reason)}"
