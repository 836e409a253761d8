"""How fast the exports are on this computer, and what to run them with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.empty_state import EmptyState
from app.widgets.layout import button, label, row
from app.widgets.number_text import latency_text, size_text
from app.widgets.switching import switch

_ROW = GRID * 4
_STAGE = "file_to_mask"
_P95 = 4  # its column
_WIDE = GRID * 90
_RUNTIMES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "paddle": "Paddle"}


class BenchmarkPage(QWidget):
    """An invitation, what is being done, or the table with the advice."""

    benchmark_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty = EmptyState("play", _title(), _invitation(), action=tr("Measure the speed"))
        self.title = label("", "heading", wrap=True)
        self.machine = label("", "muted", wrap=True)
        self.advice = label("", wrap=True)
        self.again_button = button(
            tr("Measure again"), tooltip=tr("Time all exports of the project side by side")
        )
        self.table = QTableWidget(0, 7)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_ROW)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.setAccessibleName(tr("Speed of the exports"))
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setSizeAdjustPolicy(QTableWidget.SizeAdjustPolicy.AdjustToContents)
        self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.table.setMinimumHeight(_ROW * 3)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        filled = QWidget()
        column = QVBoxLayout(filled)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID)
        head = row(self.title, self.again_button)
        head.setStretch(0, 1)
        column.addLayout(head)
        column.addWidget(self.table)
        column.addWidget(self.machine)
        column.addWidget(self.advice)
        column.addStretch(1)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(filled)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.empty.action_requested.connect(self.benchmark_requested)
        self.again_button.clicked.connect(self.benchmark_requested)

    def show_waiting(self, text: str, *, exported: bool) -> None:
        """Say what is being done; empty: nothing, and there is no result.

        Args:
            text: what is being done.
            exported: whether there is something to measure.
        """
        self._pages.setCurrentIndex(0)
        self.empty.button.setVisible(not text and exported)
        nothing = tr("Export the model first; then its speed can be measured here.")
        self.empty.show_text(_title(), text or (_invitation() if exported else nothing))

    def show_result(self, result: Mapping[str, Any]) -> None:
        """Show what a measurement found (the result of the job)."""
        rows = _rows(result)
        titles = (
            tr("Export"),
            tr("Runtime"),
            tr("Threads"),
            tr("File to mask"),
            tr("95 % within"),
            tr("Images/s"),
            tr("Memory"),
        )
        self.table.setHorizontalHeaderLabels(titles)
        self.table.setRowCount(len(rows))
        bold = QFont(self.table.font())
        bold.setBold(True)
        for place, (cells, recommended) in enumerate(rows):
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                if column > 1:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                if recommended:
                    item.setFont(bold)
                self.table.setItem(place, column, item)
        for column in range(len(titles)):
            side = Qt.AlignmentFlag.AlignRight if column > 1 else Qt.AlignmentFlag.AlignLeft
            if (title := self.table.horizontalHeaderItem(column)) is not None:
                title.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        self.table.updateGeometry()
        sentences = [_sentence(one) for one in result.get("advice") or ()]
        self.title.setText(sentences[0] if sentences else _title())
        self.advice.setText("\n".join([*sentences[1:], *_problems(result)]))
        size = result.get("image_size") or (0, 0)
        self.machine.setText(
            tr(
                "Image of {width} × {height} pixels on {processor}, {cores} {cores:core|cores}. "
                "Bold: what to run each export with.",
                width=size[0],
                height=size[1],
                processor=str(result.get("processor", "")),
                cores=int(result.get("cores") or 0),
            )
        )
        self._pages.setCurrentIndex(1)

    def set_startable(self, startable: bool, why: str = "") -> None:
        """Whether it may be started; ``why`` not."""
        switch(self.empty.button, self.again_button, on=startable, why=why)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.empty.renew_colors()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Leave a column out rather than the names of the exports."""
        super().resizeEvent(event)
        self.table.setColumnHidden(_P95, self.width() < _WIDE)


def _rows(result: Mapping[str, Any]) -> list[tuple[Sequence[str], bool]]:
    """Return the cells of each export in each runtime with its best threads; and if to take it."""
    recommended = {
        (one["export"], one["runtime"], one["device"]): int(one["threads"])
        for one in result.get("recommended") or ()
    }
    rows: list[tuple[Sequence[str], bool]] = []
    for one in result.get("measured") or ():
        key = (one["export"], one["runtime"], one["device"])
        timings = [t for t in one["timings"] if t["stage"] == _STAGE and t["batch"] == 1]
        runtime = _RUNTIMES.get(one["runtime"], one["runtime"])
        if one["device"] != "CPU":
            runtime = f"{runtime} ({one['device']})"
        name = Path(one["export"]).name
        if not timings:
            rows.append(((name, runtime, *["–"] * 5), False))
            continue
        threads = recommended.get(key)
        best = min(timings, key=lambda t: (t["threads"] != threads, t["p50_ms"]))
        memory = int(one["peak_memory_bytes"])
        cells = (
            name,
            runtime,
            str(best["threads"]),
            latency_text(best["p50_ms"]),
            latency_text(best["p95_ms"]),
            f"{best['images_per_second']:.1f}",
            size_text(memory) if memory else "–",
        )
        rows.append((cells, key in recommended))
    return rows


def _problems(result: Mapping[str, Any]) -> list[str]:
    """Say why some could not be timed."""
    texts = []
    for one in result.get("measured") or ():
        told = one.get("problem_message")  # earlier versions only kept English
        problem = _sentence(told) if told else str(one.get("problem") or "")
        if problem:
            runtime = _RUNTIMES.get(one["runtime"], one["runtime"])
            name = Path(one["export"]).name
            texts.append(
                tr("{name} in {runtime}: {problem}", name=name, runtime=runtime, problem=problem)
            )
    return texts


def _sentence(content: Mapping[str, Any]) -> str:
    return tr(str(content["template"]), **dict(content["params"]))


def _title() -> str:
    return tr("How fast is it here?")


def _invitation() -> str:
    return tr(
        "All exports of the project, timed side by side on this computer in every runtime that "
        "is there."
    )
