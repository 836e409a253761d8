"""The sensitivity analysis: curves of the channel groups beside their list."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QProgressBar,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr, trn
from app.panels.compress.group_list import GroupList, GroupRow, layer_name
from app.panels.compress.sensitivity_plot import SensitivityPlot
from app.widgets.elided_label import ElidedLabel
from app.widgets.empty_state import EmptyState
from app.widgets.layout import button, keep_place, label, row
from app.widgets.switching import switch
from core.compression.pruning.estimate import LossCurve

_PLOT_WIDTH, _LIST_WIDTH = GRID * 66, GRID * 44
_EMPTY, _RESULTS = range(2)
_HALF = 0.5


class SensitivityView(QWidget):
    """Curves and list show the same group as chosen."""

    analysis_requested = Signal(bool)
    """(fast): measure the sensitivity of the model that is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cuts: dict[str, float] = {}
        self._gone: dict[str, int] = {}
        self._widths: dict[str, int] = {}
        self.plot = SensitivityPlot()
        self.list = GroupList()
        self.title = label(tr("Sensitivity"), "heading")
        self.reading = ElidedLabel(mode=Qt.TextElideMode.ElideRight)  # the numbers come first
        self.mode_box = QComboBox()
        self.mode_box.setAccessibleName(tr("How thoroughly to analyse"))
        self.mode_box.addItem(tr("fast: some of the images"), True)
        self.mode_box.addItem(tr("full: every image and ratio"), False)
        self.start_button = button(
            tr("Analyse again"), tooltip=tr("Measure what each group of channels is worth")
        )
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of the analysis"))
        keep_place(self.bar)
        self.empty = EmptyState(
            "compress",
            tr("Not analysed yet"),
            _explanation(),
            action=tr("Analyse the sensitivity"),
        )
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self._make_results())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(row(self.title, 1, self.mode_box, self.start_button))
        layout.addWidget(self.bar)
        layout.addWidget(self._pages, 1)
        self._connect()
        self.show_curves({})
        self.show_progress(None)

    @property
    def fast(self) -> bool:
        """Whether a part of the images is enough."""
        return bool(self.mode_box.currentData())

    def show_curves(
        self, curves: Mapping[str, LossCurve], widths: Mapping[str, int] | None = None
    ) -> None:
        """Show curves by group, and how many channels each has where known."""
        self._widths = dict(widths or {})
        if not curves or not set(self.plot.groups) <= set(curves):
            self.plot.clear()
        for name, curve in curves.items():
            self.plot.set_curve(name, curve)
        self.list.set_rows(
            GroupRow(name, curve.slope, self._widths.get(name), self._gone.get(name))
            for name, curve in curves.items()
        )
        self._pages.setCurrentIndex(_RESULTS if curves else _EMPTY)
        self.start_button.setVisible(bool(curves))
        self.reading.setText(self._summary())

    def show_progress(self, share: float | None, *, waiting: bool = False) -> None:
        """Show how much of the analysis is done (0 … 1); None: none runs."""
        working = share is not None or waiting
        self.bar.setVisible(working)
        self.bar.setRange(0, 1000 if share is not None else 0)
        self.bar.setValue(round(1000 * (share or 0.0)))
        self.empty.button.setVisible(not working)
        self.empty.show_text(
            tr("Analysing the sensitivity") if working else tr("Not analysed yet"),
            _explanation(),
        )

    def set_startable(self, startable: bool, why: str = "") -> None:
        """Whether an analysis may be started now; ``why`` not."""
        switch(self.start_button, self.empty.button, self.mode_box, on=startable, why=why)

    def show_cuts(self, cuts: Mapping[str, float], gone: Mapping[str, int]) -> None:
        """Show which share of each group (0 … 1) and how many channels would go; empty: unknown."""
        self._cuts, self._gone = dict(cuts), dict(gone)
        self.plot.set_cuts(cuts)
        self.list.set_gone(gone)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.plot.renew_colors()
        self.empty.renew_colors()

    def shut_down(self) -> None:
        """Let pyqtgraph go of its scene."""
        self.plot.shut_down()

    def _summary(self) -> str:
        count = len(self.plot.groups)
        return (
            trn("{count} group of channels", "{count} groups of channels", count) if count else ""
        )

    @Slot(str)
    def _on_chosen(self, group: str) -> None:
        self.list.select(group)
        self.plot.set_current(group)
        self._read(group)

    @Slot(object)
    def _on_hovered(self, group: str | None) -> None:
        self.plot.set_pointed(group)
        self._read(group or self.plot.current)

    def _read(self, group: str | None) -> None:
        """Say the numbers of a group."""
        if group is None:
            self.reading.setText(self._summary())
            return
        ratio = self._cuts.get(group) or _HALF
        loss = self.plot.loss_at(group, ratio)
        text = layer_name(group)
        if loss is not None:
            numbers = tr(
                "−{channels:.0f} % channels: −{loss:.1f} % mIoU",
                channels=100 * ratio,
                loss=100 * loss,
            )
            text = f"{numbers} · {text}"
        self.reading.setText(text)

    @Slot()
    def _on_start(self) -> None:
        self.analysis_requested.emit(self.fast)

    def _connect(self) -> None:
        self.start_button.clicked.connect(self._on_start)
        self.empty.action_requested.connect(self._on_start)
        for part in (self.plot, self.list):
            part.chosen.connect(self._on_chosen)
            part.hovered.connect(self._on_hovered)

    def _make_results(self) -> QWidget:
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(GRID, GRID, GRID, GRID)
        inside.setSpacing(GRID // 2)
        inside.addWidget(self.reading)
        inside.addWidget(self.plot, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(GRID)
        split.setProperty("role", "gap")
        split.addWidget(card)
        split.addWidget(self.list)
        split.setSizes([_PLOT_WIDTH, _LIST_WIDTH])
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        return split


def _explanation() -> str:
    return tr(
        "The analysis removes channels of one layer after the other and measures what that costs. "
        "Pruning then takes them where it costs least."
    )
