"""Which errors the list of images shows: of which class, of what kind, of what size."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.class_colors import readable, swatch
from core.images.palette import Color
from core.prediction.object_errors import ErrorKind
from core.prediction.object_matching import SIZE_NAMES

_LETTERS = 5


class KindFilter(QWidget):
    """Three boxes; kind and size are off where an evaluation did not compare objects."""

    class_changed = Signal()
    kind_changed = Signal()
    """Another kind or size was chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.class_box, self.kind_box, self.size_box = QComboBox(), QComboBox(), QComboBox()
        for text, kind in (
            (tr("any error"), None),
            (tr("missed"), ErrorKind.MISSED),
            (tr("false alarm"), ErrorKind.FALSE_ALARM),
            (tr("confused"), ErrorKind.CONFUSED),
        ):
            self.kind_box.addItem(text, kind)
        texts = (tr("any size"), tr("small"), tr("medium"), tr("large"))
        for text, size in zip(texts, (None, *SIZE_NAMES), strict=True):
            self.size_box.addItem(text, size)
        self.class_box.setAccessibleName(tr("Errors of which class"))
        self.class_box.setToolTip(tr("Show the errors of one class only"))
        self.kind_box.setAccessibleName(tr("Kind of error"))
        self.size_box.setAccessibleName(tr("Size of the object"))
        for box in (self.class_box, self.kind_box, self.size_box):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(_LETTERS)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.class_box, 0, 0, 1, 2)
        layout.addWidget(self.kind_box, 1, 0)
        layout.addWidget(self.size_box, 1, 1)
        self.class_box.currentIndexChanged.connect(self._on_class_changed)
        self.kind_box.currentIndexChanged.connect(self._on_kind_changed)
        self.size_box.currentIndexChanged.connect(self._on_kind_changed)
        self.set_classes((), (), possible=True)

    def set_classes(
        self, labels: Sequence[str], colors: Sequence[Color], *, possible: bool
    ) -> None:
        """Offer these classes and choose everything, without telling.

        Args:
            labels: class names.
            colors: theirs.
            possible: whether single objects were compared.
        """
        with QSignalBlocker(self.class_box):
            self.class_box.clear()
            self.class_box.addItem(tr("all classes"), None)
            for index, name in enumerate(labels):
                self.class_box.addItem(name, index)
        self._colors = tuple(colors)
        self.renew_colors()
        self.reset()
        again = tr("Measure again: this measurement did not compare single objects.")
        self.kind_box.setToolTip(
            tr("Images with objects that were missed, claimed out of nothing, or confused")
            if possible
            else again
        )
        self.size_box.setToolTip(
            tr("Small: below 32² pixels; large: from 96² pixels on") if possible else again
        )
        for box in (self.kind_box, self.size_box):
            box.setEnabled(possible)

    def renew_colors(self) -> None:
        """Draw the classes' marks in the current theme."""
        for index, color in enumerate(self._colors):
            self.class_box.setItemIcon(index + 1, swatch(readable(color)))

    @property
    def class_id(self) -> int | None:
        """The class that is looked at, or None."""
        chosen = self.class_box.currentData()
        return None if chosen is None else int(chosen)

    @property
    def kind(self) -> ErrorKind | None:
        """The kind of error, or None."""
        chosen = self.kind_box.currentData()
        return None if chosen is None else ErrorKind(chosen)

    @property
    def object_size(self) -> str | None:
        """One of ``SIZE_NAMES``, or None."""
        chosen = self.size_box.currentData()
        return None if chosen is None else str(chosen)

    def show_class(self, index: int | None) -> None:
        """Show which class is looked at, without telling."""
        with QSignalBlocker(self.class_box):
            self.class_box.setCurrentIndex(0 if index is None else index + 1)

    def reset_kind(self) -> None:
        """Choose every kind, without telling."""
        with QSignalBlocker(self.kind_box):
            self.kind_box.setCurrentIndex(0)

    def reset(self) -> None:
        """Choose everything, without telling."""
        for box in (self.class_box, self.kind_box, self.size_box):
            with QSignalBlocker(box):
                box.setCurrentIndex(0)

    @Slot()
    def _on_class_changed(self) -> None:
        self.class_changed.emit()

    @Slot()
    def _on_kind_changed(self) -> None:
        self.kind_changed.emit()
