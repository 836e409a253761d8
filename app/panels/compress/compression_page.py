"""The Compression panel's views: variants, sensitivity, masks side by side, curves."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QSizePolicy,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.compress.job_curves import JobCurves
from app.panels.compress.sensitivity_view import SensitivityView
from app.panels.compress.variant_compare import VariantCompare
from app.panels.compress.variant_view import VariantView
from app.widgets.empty_state import EmptyState
from app.widgets.layout import button, label, row
from app.widgets.name_box import NameBox


class View(IntEnum):
    """The tabs from left to right."""

    VARIANTS = 0
    SENSITIVITY = 1
    COMPARE = 2
    CURVES = 3


class CompressionPage(QWidget):
    """An invitation to train while there is no model."""

    train_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model_box = NameBox()
        self.model_box.setAccessibleName(tr("Model"))
        self.model_box.setMinimumWidth(GRID * 20)
        self.model_box.setMaximumWidth(GRID * 46)
        self.model_box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.model_box.setToolTip(tr("A trained model, or a variant that was made of one"))
        self.activity = label("", "muted")
        self.curves_button = button(
            tr("Show its curves"), "link", tooltip=tr("Loss and IoU while it trains on")
        )
        self.variants = VariantView()
        self.sensitivity = SensitivityView()
        self.compare = VariantCompare()
        self.curves = JobCurves()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        for part, title in (
            (self.variants, tr("Variants")),
            (self.sensitivity, tr("Sensitivity")),
            (self.compare, tr("Side by side")),
            (self.curves, tr("Curves")),
        ):
            self.tabs.addTab(part, title)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID)
        column.setSpacing(GRID)
        header = row(self.model_box, 1, self.activity, self.curves_button)
        header.setStretchFactor(self.model_box, 1000)  # up to its largest width, then the gap
        column.addLayout(header)
        column.addWidget(self.tabs, 1)
        self._empty = EmptyState(
            "compress",
            tr("No model to compress yet"),
            tr("Train a model first; then it can be made smaller and faster here."),
            action=tr("Train a model"),
        )
        self._empty.action_requested.connect(self.train_requested)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.show_activity("", trains=False)

    def show_page(self, filled: bool) -> None:
        """Show the views, or the invitation."""
        self._pages.setCurrentIndex(1 if filled else 0)

    def show_view(self, view: View) -> None:
        """Bring a tab to the front."""
        self.tabs.setCurrentIndex(view)

    def show_activity(self, text: str, *, trains: bool) -> None:
        """Say what is being done with the model; ``trains``: there are curves to it."""
        self.activity.setText(text)
        self.curves_button.setVisible(trains)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self._empty.renew_colors()
        for part in (self.variants, self.sensitivity, self.compare, self.curves):
            part.renew_colors()

    def shut_down(self) -> None:
        """Wait for what draws in the background, and let pyqtgraph go of its scenes."""
        for part in (self.variants, self.sensitivity, self.compare, self.curves):
            part.shut_down()
