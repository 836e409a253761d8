"""Beside a run's curves: how they are drawn, another run to compare with, and its settings."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QLabel,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr, translated
from app.panels.train.note_box import NoteBox
from app.panels.train.resource_box import ResourceBox
from app.panels.train.training_form import OPTIMIZERS
from app.widgets.layout import button, column, label
from app.widgets.name_box import NameBox
from core.project.rows import RunRow
from core.runs.events import Warned
from core.runs.kinds import TrainSpec
from core.runs.spec import JobSpec
from core.system.messages import Message

_SMOOTHEST = 95
_MOST_WARNINGS = 5


class RunInspector(QScrollArea):
    """Choices of the monitor."""

    display_changed = Signal()
    """``smoothing`` or ``in_epochs`` changed."""
    compare_changed = Signal()
    """``compared`` changed."""
    csv_requested = Signal()
    picture_requested = Signal()
    board_requested = Signal()
    folder_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.axis_box = QComboBox()
        self.axis_box.addItems([tr("epochs"), tr("steps")])
        self.axis_box.setAccessibleName(tr("Horizontal axis"))
        self.axis_box.currentIndexChanged.connect(self._on_display_changed)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _SMOOTHEST)
        self.slider.setValue(60)
        self.slider.setAccessibleName(tr("Smoothing of the loss"))
        self.slider.setToolTip(tr("How much the past counts in each point of the loss curve"))
        self.slider.valueChanged.connect(self._on_display_changed)
        self.compare_box = NameBox()
        self.compare_box.setAccessibleName(tr("Compare with"))
        self.compare_box.setToolTip(tr("Draw another run's loss and mIoU as dashed lines"))
        self.compare_box.addItem(tr("no other run"), None)
        self.compare_box.currentIndexChanged.connect(self._on_compare_changed)
        self.warnings = label("", "warning", wrap=True)
        self.warnings.hide()
        self.settings = QFormLayout()
        self.settings.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self.settings.setHorizontalSpacing(GRID * 2)
        self.settings.setVerticalSpacing(GRID // 2)
        self.resources = ResourceBox()
        self.note = NoteBox()
        self.csv_button = button(
            tr("Save as a table (CSV)…"), "link", tooltip=tr("All curves, for a spreadsheet")
        )
        self.picture_button = button(
            tr("Save as a picture (PNG)…"),
            "link",
            tooltip=tr("The curves as they are drawn here"),
        )
        self.board_button = button(
            tr("Open in VisualDL"), "link", tooltip=tr("Show the curves in the browser")
        )
        self.folder_button = button(
            tr("Open the run's folder"), "link", tooltip=tr("Models, curves, previews and log")
        )
        self._links = (
            (self.csv_button, self.csv_requested),
            (self.picture_button, self.picture_requested),
            (self.board_button, self.board_requested),
            (self.folder_button, self.folder_requested),
        )
        for made, signal in self._links:
            made.clicked.connect(signal)
            made.hide()
        self.setWidget(self._make_content())
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    @property
    def smoothing(self) -> float:
        """Weight of the past, 0 … 0.95."""
        return self.slider.value() / 100

    @property
    def in_epochs(self) -> bool:
        """Whether the x axis counts epochs."""
        return self.axis_box.currentIndex() == 0

    @property
    def compared(self) -> RunRow | None:
        """The run to compare with."""
        run = self.compare_box.currentData()
        return run if isinstance(run, RunRow) else None

    def set_runs(self, runs: Sequence[RunRow]) -> None:
        """Offer these runs for comparison; the chosen one stays chosen if it is among them."""
        chosen = self.compared
        self.compare_box.blockSignals(True)
        while self.compare_box.count() > 1:
            self.compare_box.removeItem(1)
        for run in runs:
            self.compare_box.addItem(run.name, run)
            if chosen is not None and run.id == chosen.id:
                self.compare_box.setCurrentIndex(self.compare_box.count() - 1)
        self.compare_box.blockSignals(False)
        now = self.compared
        if (now is None) != (chosen is None):
            self.compare_changed.emit()

    def show_spec(self, spec: JobSpec) -> None:
        """List a run's settings."""
        for made, _ in self._links:
            made.show()
        while self.settings.rowCount():
            self.settings.removeRow(0)
        if isinstance(spec, TrainSpec):
            for name, value in training_facts(spec):
                text = QLabel(value)
                text.setTextFormat(Qt.TextFormat.PlainText)
                text.setWordWrap(True)
                text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                self.settings.addRow(label(name, "muted"), text)

    @Slot(bool)
    def show_board_starting(self, starting: bool) -> None:
        """VisualDL takes some seconds."""
        self.board_button.setText(tr("Starting VisualDL…") if starting else tr("Open in VisualDL"))

    def show_warnings(self, warnings: Sequence[Warned]) -> None:
        """Show the last warnings, each once."""
        texts = [
            translated(Message(w.template, w.params)) if w.template else w.message for w in warnings
        ]
        unique = list(dict.fromkeys(texts))[-_MOST_WARNINGS:]
        self.warnings.setText("\n\n".join(unique))
        self.warnings.setVisible(bool(unique))

    def _make_content(self) -> QWidget:
        content = QWidget()
        content.setProperty("role", "scrolled")
        form = QFormLayout()
        form.setHorizontalSpacing(GRID * 2)
        form.setVerticalSpacing(GRID)
        form.addRow(label(tr("Axis"), "muted"), self.axis_box)
        form.addRow(label(tr("Smoothing"), "muted"), self.slider)
        form.addRow(label(tr("Compare"), "muted"), self.compare_box)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(self.resources)
        layout.addWidget(label(tr("Curves"), "heading"))
        layout.addLayout(form)
        layout.addLayout(column(self.csv_button, self.picture_button, self.board_button, spacing=0))
        layout.addWidget(label(tr("Note"), "heading"))
        layout.addWidget(self.note)
        layout.addSpacing(GRID)
        layout.addWidget(self.warnings)
        layout.addWidget(label(tr("Settings of this run"), "heading"))
        layout.addLayout(self.settings)
        layout.addWidget(self.folder_button)
        layout.addStretch(1)
        return content

    @Slot()
    def _on_display_changed(self) -> None:
        self.display_changed.emit()

    @Slot()
    def _on_compare_changed(self) -> None:
        self.compare_changed.emit()


def training_facts(spec: TrainSpec) -> list[tuple[str, str]]:
    """Return (name, value) of the settings worth showing, in the current language."""
    weights = {"none": tr("none"), "balanced": tr("balanced")}
    shown = spec.class_weights
    facts = [
        (tr("Network"), spec.model),
        (tr("Image size"), "{}×{}".format(*spec.image_size)),
        (tr("Batch"), str(spec.batch_size)),
        (tr("Epochs"), str(spec.epochs)),
        (tr("Optimizer"), OPTIMIZERS[spec.optimizer]),
        (tr("Learning rate"), f"{spec.learning_rate:g}"),
        (tr("Class weights"), weights[shown] if isinstance(shown, str) else str(shown)),
        (tr("Device"), spec.device),
        (tr("Seed"), str(spec.seed)),
    ]
    if spec.pretrain_weights:
        facts.append((tr("Started from"), spec.pretrain_weights))
    if spec.resume is not None:
        facts.append((tr("Continues"), str(spec.resume)))
    return facts
