"""The curves of a job that trains a compressed network."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.services.run_reader import RunReader
from app.widgets.empty_state import EmptyState
from app.widgets.layout import label, row
from app.widgets.name_box import NameBox
from app.widgets.run_charts import RunCharts
from app.widgets.run_states import state_text
from core.project.rows import RunRow

_EMPTY, _CURVES = range(2)


class JobCurves(QWidget):
    """Loss and IoU of the run chosen above them."""

    run_chosen = Signal(object)
    """(RunRow | None): the run whose curves are wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run_box = NameBox()
        self.run_box.setAccessibleName(tr("Run"))
        self.run_box.setMinimumWidth(GRID * 28)
        self.run_box.currentIndexChanged.connect(self._on_run_changed)
        self.note = label("", "muted")
        self.charts = RunCharts()
        self._empty = EmptyState(
            "train",
            tr("Nothing was trained yet"),
            tr("Fine-tuning after pruning and training in 8 bits draw their curves here."),
        )
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.charts)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(row(self.run_box, self.note, 1))
        layout.addWidget(self._pages, 1)
        self.set_runs([])

    @property
    def current(self) -> RunRow | None:
        """The run chosen."""
        run = self.run_box.currentData()
        return run if isinstance(run, RunRow) else None

    def set_runs(self, runs: Sequence[RunRow]) -> None:
        """Offer these runs, newest first; the chosen one stays, else the newest is shown."""
        chosen = None if self.current is None else self.current.id
        with QSignalBlocker(self.run_box):
            self.run_box.clear()
            for run in runs:
                self.run_box.addItem(
                    tr("{name} · {state}", name=run.name, state=state_text(run.state)), run
                )
                if run.id == chosen:
                    self.run_box.setCurrentIndex(self.run_box.count() - 1)
        self.run_box.setVisible(bool(runs))
        self._pages.setCurrentIndex(_CURVES if runs else _EMPTY)
        if (None if self.current is None else self.current.id) != chosen:
            self._on_run_changed()

    def select(self, run_id: int) -> bool:
        """Show the run with this id; returns whether there is one."""
        for index in range(self.run_box.count()):
            if self.run_box.itemData(index).id == run_id:
                self.run_box.setCurrentIndex(index)
                return True
        return False

    def show_run(self, reader: RunReader | None) -> None:
        """Start with the curves of another run."""
        if reader is None:
            self.charts.reset([], [])
            self.note.setText("")
            return
        self.charts.reset(reader.labels, reader.colors)
        self.show_history(reader)

    def show_history(self, reader: RunReader) -> None:
        """Draw what the run told by now."""
        self.charts.update_from(reader.history)
        best = reader.history.final_miou
        self.note.setText("" if best is None else tr("best mIoU {miou:.3f}", miou=best))

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.charts.renew_colors()
        self._empty.renew_colors()

    def shut_down(self) -> None:
        """Let pyqtgraph go of its scenes."""
        self.charts.shut_down()

    @Slot()
    def _on_run_changed(self) -> None:
        self.run_chosen.emit(self.current)
