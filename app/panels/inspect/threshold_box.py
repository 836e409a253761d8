"""Sliders for how sure the model must be of each class, and what would be found then."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.look.term_finding import with_terms
from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.class_colors import readable, swatch
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import button, clear_layout, label, row
from app.widgets.switching import switch
from core.images.palette import Color
from core.prediction.inspection import Evaluation, background_class
from core.prediction.threshold_trial import can_try_thresholds
from core.prediction.thresholds import (
    FIRST_BIN,
    LAST_BIN,
    NEUTRAL,
    bin_of_share,
    share_of_bin,
)

Thresholds = tuple[float | None, ...]
_SWATCH = 12
_PAGE = 8  # bins: one unit of the logarithm of the odds


class ThresholdBox(QWidget):
    """Shown for models with a background; off where the scores were not kept.

    Attributes:
        sliders: by class id.
    """

    changed = Signal(object)
    """(tuple): other thresholds are to be tried."""
    save_requested = Signal(object)
    """(tuple | None): these are to be the model's; None: it is to have none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._evaluation: Evaluation | None = None
        self._own: Thresholds | None = None
        self._former: Thresholds | None = None
        self._colors: dict[int, Color] = {}
        self._marks: dict[int, QLabel] = {}
        self._why = ""
        self.sliders: dict[int, QSlider] = {}
        self._values: dict[int, QLabel] = {}
        self.title = label(tr("Thresholds"), "heading")
        self.title.setToolTip(
            with_terms(
                tr(
                    "How sure the model must be of a class, as its share against the background. "
                    "Lower: more is found, and more false alarms. 0.50 is what it says without "
                    "thresholds."
                ),
                self.title.text(),
            )
        )
        self.note = label("", "muted", wrap=True)
        self.effect = label("", wrap=True)
        self.warning = label("", "warning", wrap=True)
        self.reset_button = button(tr("As measured"), "link")
        self.own_button = button(
            tr("The model’s own"), "link", tooltip=tr("What its training chose, or was saved here")
        )
        self.best_button = button(
            tr("Best pixels"), "link", tooltip=tr("The highest F1 of each class’s pixels here")
        )
        self.save_button = button(
            tr("Save in the model"),
            tooltip=tr("Exports and predictions that are made “by thresholds” use these then"),
        )
        self.undo_button = button(
            tr("Undo"), "link", tooltip=tr("Give the model back the thresholds that it had before")
        )
        self._saved = QWidget()
        self._saved.setLayout(row(label(tr("Saved in the model."), "muted"), self.undo_button, 1))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setVerticalSpacing(GRID // 2)
        self._grid.setColumnStretch(1, 1)
        self._rows = QWidget()
        inside = QVBoxLayout(self._rows)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(GRID // 2)
        inside.addLayout(self._grid)
        inside.addLayout(row(self.reset_button, self.own_button, self.best_button, 1))
        inside.addWidget(self.effect)
        inside.addWidget(self.warning)
        inside.addWidget(self.save_button)
        inside.addWidget(self._saved)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.title)
        layout.addWidget(self.note)
        layout.addWidget(self._rows)
        self.reset_button.clicked.connect(self._on_reset)
        self.own_button.clicked.connect(self._on_own)
        self.best_button.clicked.connect(self._on_best)
        self.save_button.clicked.connect(self._on_save)
        self.undo_button.clicked.connect(self._on_undo)
        self.hide()

    def show_evaluation(
        self,
        evaluation: Evaluation | None,
        colors: Sequence[Color],
        *,
        own: Thresholds | None,
        why_not_saved: str = "",
    ) -> None:
        """Offer the thresholds of another evaluation.

        Args:
            evaluation: as it was measured; None hides the box.
            colors: of the classes.
            own: the model's thresholds, None where it has none.
            why_not_saved: they cannot be saved; empty: they can.
        """
        self._evaluation, self._own, self._why = evaluation, own, why_not_saved
        background = None if evaluation is None else background_class(evaluation.labels)
        self.setVisible(background is not None)
        clear_layout(self._grid)
        self.sliders, self._values, self._marks, self._colors = {}, {}, {}, {}
        self._saved.hide()
        if evaluation is None or background is None:
            return
        possible = can_try_thresholds(evaluation)
        self._rows.setVisible(possible)
        self.note.setVisible(not possible)
        self.note.setText(
            tr("The images are too large to keep the scores that thresholds are tried with.")
            if evaluation.metrics.get("save_odds")
            else tr("Measure again to try thresholds: this measurement kept no scores for it.")
        )
        if not possible:
            return
        measured = self._measured()
        for index, name in enumerate(evaluation.labels):
            if index != background:
                color = colors[index] if index < len(colors) else (128, 128, 128)
                self._add_row(index, name, color, measured[index])
        self.own_button.setVisible(own is not None)
        self.best_button.setVisible(bool(evaluation.metrics.get("best_thresholds")))
        self.warning.setText(_warning(evaluation.split))
        self.warning.setVisible(bool(self.warning.text()))
        self.show_effect(None)

    @property
    def thresholds(self) -> Thresholds:
        """What the sliders say, None for the background."""
        if self._evaluation is None:
            return ()
        return tuple(
            round(share_of_bin(self.sliders[index].value()), 6) if index in self.sliders else None
            for index in range(len(self._evaluation.labels))
        )

    @property
    def is_as_measured(self) -> bool:
        """Whether the sliders stand where the measurement was made."""
        places = {index: slider.value() for index, slider in self.sliders.items()}
        return places == {index: _place(self._measured()[index]) for index in self.sliders}

    def show_effect(self, tried: Evaluation | None) -> None:
        """Say what changes by thresholds that were tried; None: nothing is tried."""
        before = self._evaluation
        self.effect.setVisible(tried is not None and before is not None)
        if tried is not None and before is not None:
            self.effect.setText(_effect(before, tried))
        self._allow()

    def set_own(self, own: Thresholds | None) -> None:
        """These are the model's thresholds now, None for none."""
        self._former, self._own = self._own, own
        self.own_button.setVisible(own is not None)
        self._saved.show()
        self._allow()

    def renew_colors(self) -> None:
        """Draw the classes' marks in the current theme."""
        for index, mark in self._marks.items():
            color = readable(self._colors[index])
            mark.setPixmap(swatch(color).pixmap(_SWATCH, _SWATCH))

    def _measured(self) -> Thresholds:
        """Return the thresholds of the measurement, even ones for the highest score."""
        shown = self._evaluation
        if shown is None:
            return ()
        return shown.measured_by or (NEUTRAL,) * len(shown.labels)

    def _add_row(self, index: int, name: str, color: Color, threshold: float | None) -> None:
        mark = self._marks[index] = QLabel()
        self._colors[index] = color
        title = ElidedLabel(name, mode=Qt.TextElideMode.ElideRight)
        title.setToolTip(name)
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(FIRST_BIN, LAST_BIN)
        slider.setPageStep(_PAGE)
        slider.setValue(_place(threshold))
        slider.setAccessibleName(tr("Threshold of {name}", name=name))
        value = label("")
        value.setMinimumWidth(value.fontMetrics().horizontalAdvance("0.00"))
        value.setAlignment(Qt.AlignmentFlag.AlignRight)
        slider.valueChanged.connect(partial(self._on_moved, index))
        at = 2 * len(self.sliders)
        self._grid.addWidget(mark, at, 0)
        self._grid.addWidget(title, at, 1)
        self._grid.addWidget(value, at, 2)
        self._grid.addWidget(slider, at + 1, 0, 1, 3)
        self.sliders[index], self._values[index] = slider, value
        self.renew_colors()
        self._tell(index)

    def _tell(self, index: int) -> None:
        self._values[index].setText(f"{share_of_bin(self.sliders[index].value()):.2f}")

    def _move(self, thresholds: Sequence[float | None]) -> None:
        """Move all sliders, and tell once."""
        for index, slider in self.sliders.items():
            with QSignalBlocker(slider):
                slider.setValue(_place(thresholds[index]))
            self._tell(index)
        self._allow()
        self.changed.emit(self.thresholds)

    def _allow(self) -> None:
        own = self._own
        same = own is not None and all(
            _place(own[index]) == slider.value() for index, slider in self.sliders.items()
        )
        switch(self.save_button, on=not self._why and not same, why=self._why)
        self.reset_button.setVisible(not self.is_as_measured)

    def _on_moved(self, index: int, _place: int) -> None:
        self._tell(index)
        self._allow()
        self.changed.emit(self.thresholds)

    @Slot()
    def _on_reset(self) -> None:
        self._move(self._measured())

    @Slot()
    def _on_own(self) -> None:
        if self._own is not None:
            self._move(self._own)

    @Slot()
    def _on_best(self) -> None:
        if self._evaluation is not None:
            self._move(self._evaluation.metrics["best_thresholds"])

    @Slot()
    def _on_save(self) -> None:
        self.save_requested.emit(self.thresholds)

    @Slot()
    def _on_undo(self) -> None:
        self.save_requested.emit(self._former)
        self._saved.hide()


def _place(threshold: float | None) -> int:
    place = bin_of_share(NEUTRAL if threshold is None else threshold)
    return min(max(place, FIRST_BIN), LAST_BIN)


def _warning(split: str) -> str:
    if split == "val":
        return ""
    if split == "test":
        return tr("Choose by the validation images: chosen here, they make the test look better.")
    return tr("Choose by the validation images: the model knows these from its training.")


def _effect(before: Evaluation, after: Evaluation) -> str:
    """Say what was found before and after, objects first."""
    one, two = before.metrics, after.metrics
    lines = [
        tr(
            "Found: {before:,} → {after:,} of {count:,}",
            before=one["objects"]["all"]["found"],
            after=two["objects"]["all"]["found"],
            count=two["objects"]["all"]["objects"],
        ),
        tr(
            "False alarms: {before:,} → {after:,}",
            before=one["objects"]["all"]["false_alarms"],
            after=two["objects"]["all"]["false_alarms"],
        ),
    ]
    images = two["images"]
    if images["defective"]:
        lines.append(
            tr(
                "Defective images marked: {before:,} → {after:,} of {count:,}",
                before=one["images"]["detected"],
                after=images["detected"],
                count=images["defective"],
            )
        )
    if images["good"]:
        lines.append(
            tr(
                "Good images marked: {before:,} → {after:,} of {count:,}",
                before=one["images"]["false_alarms"],
                after=images["false_alarms"],
                count=images["good"],
            )
        )
    if one["miou"] is not None and two["miou"] is not None:
        lines.append(tr("mIoU: {before:.3f} → {after:.3f}", before=one["miou"], after=two["miou"]))
    return "\n".join(lines)
