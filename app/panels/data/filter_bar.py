"""What the grid shows: subset, class, state, files of a finding; and how it shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QSizePolicy, QSlider, QToolButton, QWidget

from app.look.icons import set_icon
from app.look.term_finding import with_terms
from app.look.theme import GRID
from app.look.translation import tr
from app.panels.data.thumbnail_grid import MAX_SIDE, MIN_SIDE
from app.widgets.class_colors import swatch
from app.widgets.image_status_text import state_name, subset_name
from app.widgets.layout import button, label, row
from core.project import ImageQuery, ImageSubset, LabelClass, State
from core.project.rows import IMAGE_SUBSETS, STATES

_SLIDER_WIDTH = GRID * 12


class FilterBar(QWidget):
    """Emits ``changed`` when the wanted images change."""

    changed = Signal()
    opacity_changed = Signal(float)
    side_changed = Signal(int)
    finding_left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.subset = self._box(tr("Subset"))
        self.subset.addItem(tr("All subsets"), None)
        for subset in IMAGE_SUBSETS:
            self.subset.addItem(subset_name(subset), subset)
        self.class_box = self._box(tr("Class"))
        self.class_box.addItem(tr("All classes"), None)
        self.state = self._box(tr("State"))
        self.state.addItem(tr("Any state"), None)
        for state in STATES:
            self.state.addItem(state_name(state), state)
        self.saved_button = QToolButton()
        set_icon(self.saved_button, "star")
        self.saved_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.saved_button.setToolTip(
            tr("Saved filters: keep what is chosen here, or take it again")
        )
        self.saved_button.setAccessibleName(tr("Saved filters"))
        self.finding = button("", icon="close")
        self.finding.setToolTip(tr("Show all images again"))
        self.finding.clicked.connect(self.finding_left)
        self.finding.hide()
        self.count = label("", "muted")
        self.opacity = self._slider(0, 100, tr("Opacity of the masks"))
        self.opacity.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        self.side = self._slider(MIN_SIDE, MAX_SIDE, tr("Size of the thumbnails"))
        self.side.valueChanged.connect(self.side_changed)
        self.masks_button = QToolButton()
        set_icon(self.masks_button, "eye")
        self.masks_button.setCheckable(True)
        self.masks_button.setChecked(True)
        self.masks_button.setShortcut(QKeySequence("M"))
        self.masks_button.setToolTip(tr("Show masks (M)"))
        self.masks_button.setAccessibleName(tr("Show masks"))
        self.masks_button.toggled.connect(self._on_masks_toggled)
        size_icon = QToolButton()
        set_icon(size_icon, "image")
        size_icon.setEnabled(False)
        size_icon.setAccessibleName(self.side.accessibleName())
        self._wanted = row(
            self.subset, self.class_box, self.state, self.saved_button, self.finding, self.count
        )
        self._tools = row(self.masks_button, self.opacity, size_icon, self.side)
        self._lines = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._lines.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        self._lines.setSpacing(GRID)
        self._lines.addLayout(self._wanted)
        self._lines.addStretch(1)
        self._lines.addLayout(self._tools)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As wide as the longer of two lines."""
        lines = (self._wanted, self._tools)
        width = max(line.minimumSize().width() for line in lines) + 4 * GRID
        return QSize(width, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Take a second line, or leave it."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        needed = self._wanted.sizeHint().width() + self._tools.minimumSize().width() + 6 * GRID
        ways = QBoxLayout.Direction
        has_two = needed > self.width()
        self._lines.setDirection(ways.TopToBottom if has_two else ways.LeftToRight)
        side = Qt.AlignmentFlag.AlignLeft if has_two else Qt.AlignmentFlag(0)
        for line_ in (self._wanted, self._tools):
            self._lines.setAlignment(line_, side)

    def set_labels(self, labels: Sequence[LabelClass]) -> None:
        """Offer these classes, keeping the choice where it is still there."""
        chosen = self.class_id
        self.class_box.blockSignals(True)
        self.class_box.clear()
        self.class_box.addItem(tr("All classes"), None)
        for item in labels:
            self.class_box.addItem(swatch(QColor(*item.color)), item.name, item.id)
        self.class_box.setCurrentIndex(max(0, self.class_box.findData(chosen)))
        self.class_box.blockSignals(False)

    def set_count(self, shown: int, total: int) -> None:
        """Say how many of the images are shown."""
        if shown == total:
            self.count.setText(tr("{count} {count:image|images}", count=f"{total:,}"))
        else:
            self.count.setText(
                tr(
                    "{shown} of {total} {total:image|images}",
                    shown=f"{shown:,}",
                    total=f"{total:,}",
                )
            )
        self._arrange()

    def set_finding(self, text: str) -> None:
        """Name the finding whose files are shown; "" for none."""
        self.finding.setVisible(bool(text))
        metrics = self.finding.fontMetrics()
        self.finding.setText(
            metrics.elidedText(text, Qt.TextElideMode.ElideRight, _SLIDER_WIDTH * 2)
        )
        self._arrange()

    def set_class(self, class_id: int | None) -> None:
        """Filter by a class."""
        self.class_box.setCurrentIndex(max(0, self.class_box.findData(class_id)))

    def reset(self) -> None:
        """Show everything, without telling."""
        self._choose(ImageQuery())
        self.set_finding("")

    def show_query(self, query: ImageQuery) -> None:
        """Filter by a query's subset, class and state."""
        self._choose(query)
        self.changed.emit()

    def _choose(self, query: ImageQuery) -> None:
        for box, value in (
            (self.subset, query.subset),
            (self.class_box, query.class_id),
            (self.state, query.state),
        ):
            box.blockSignals(True)
            box.setCurrentIndex(max(0, box.findData(value)))
            box.blockSignals(False)

    @property
    def class_id(self) -> int | None:
        """The class to filter by."""
        return cast("int | None", self.class_box.currentData())

    @property
    def subset_value(self) -> ImageSubset | None:
        """The subset to filter by."""
        return cast("ImageSubset | None", self.subset.currentData())

    @property
    def state_value(self) -> State | None:
        """The state to filter by."""
        return cast("State | None", self.state.currentData())

    def _box(self, name: str) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(name)
        box.setToolTip(with_terms(tr("Filter: {name}", name=name), name))
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        box.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        box.currentIndexChanged.connect(self._on_changed)
        return box

    def _slider(self, low: int, high: int, name: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(low, high)
        slider.setMinimumWidth(_SLIDER_WIDTH // 2)
        slider.setMaximumWidth(_SLIDER_WIDTH)
        slider.setToolTip(name)
        slider.setAccessibleName(name)
        return slider

    @Slot()
    def _on_changed(self) -> None:
        self.changed.emit()

    @Slot(bool)
    def _on_masks_toggled(self, shown: bool) -> None:
        self.opacity.setEnabled(shown)
        self.opacity_changed.emit(self.opacity.value() / 100 if shown else 0.0)
