"""Settings of several runs side by side, those that differ marked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.panels.train.comparing.run_facts import RunFacts
from app.widgets.layout import label, row
from core.runs.setting_comparison import differing

_ROW = GRID * 3 + 4
_WIDEST = GRID * 30


class SettingsTable(QWidget):
    """One row a setting, one column a run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: list[RunFacts] = []
        self.only_box = QCheckBox(tr("Only what differs"))
        self.only_box.setChecked(True)
        self.only_box.toggled.connect(self._on_toggled)
        self.hint = label("", "muted")
        self.table = QTableWidget()
        self.table.setAccessibleName(tr("Settings of the ticked runs"))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().setDefaultSectionSize(_ROW)
        self.table.verticalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMaximumSectionSize(_WIDEST)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(row(self.only_box, self.hint, 1))
        layout.addWidget(self.table, 1)

    def show_runs(self, facts: Sequence[RunFacts]) -> None:
        """Show the settings of these runs."""
        self._facts = [one for one in facts if one.settings]
        self._fill()

    def renew_colors(self) -> None:
        """Mark differences in the current theme."""
        self._fill()

    @Slot()
    def _on_toggled(self) -> None:
        self._fill()

    def _fill(self) -> None:
        facts = self._facts
        settings = [one.settings for one in facts]
        differ = differing(settings) if settings else set()
        names = list(dict.fromkeys(name for one in settings for name in one))
        titles = _titles()
        order = {name: place for place, name in enumerate(titles)}
        names.sort(key=lambda name: order.get(name, len(order)))  # stable: as in the spec
        if self.only_box.isChecked() and len(facts) > 1:
            names = [name for name in names if name in differ]
        self.hint.setText(self._hint(differs=bool(differ)))
        self.table.setRowCount(len(names))
        self.table.setColumnCount(len(facts))
        self.table.setVisible(bool(names))
        self.table.setHorizontalHeaderLabels([one.run.name for one in facts])
        self.table.setVerticalHeaderLabels([titles.get(name, name) for name in names])
        marked = QFont()
        marked.setBold(True)
        for at, name in enumerate(names):
            for column, one in enumerate(settings):
                item = QTableWidgetItem(_text(one.get(name)))
                item.setToolTip(f"{name}: {item.text()}")
                if name in differ:
                    item.setFont(marked)
                    item.setForeground(QColor(tokens().text))
                    item.setBackground(QColor(tokens().accent_soft))
                else:
                    item.setForeground(QColor(tokens().muted))
                self.table.setItem(at, column, item)

    def _hint(self, *, differs: bool) -> str:
        if not self._facts:
            return tr("Tick runs in the table to see their settings.")
        if len(self._facts) == 1:
            return tr("Tick a second run to see what differs.")
        return "" if differs else tr("These runs have the same settings.")


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return (" × " if len(value) == 2 else ", ").join(_text(one) for one in value)
    return str(value)


def _titles() -> dict[str, str]:
    """Return what the form of a new run calls settings; others go by their names in ``--set``."""
    return {
        "model": tr("Network"),
        "image_size": tr("Image size"),
        "image_scale": tr("Scale of the images"),
        "batch_size": tr("Batch"),
        "epochs": tr("Epochs, at most"),
        "minutes": tr("Time"),
        "device": tr("Device"),
        "optimizer": tr("Optimizer"),
        "learning_rate": tr("Learning rate"),
        "class_weights": tr("Class weights"),
        "use_mixed_loss": tr("Loss"),
        "early_stop": tr("Early stop"),
        "save_interval_epochs": tr("Evaluate and save every"),
        "seed": tr("Seed"),
        "pretrain_weights": tr("Weights to start from"),
    }
