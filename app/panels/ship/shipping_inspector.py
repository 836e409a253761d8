"""Beside each stage of shipping: what is chosen, what can be chosen, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from app.look.theme import GRID, set_role
from app.look.translation import tr
from app.panels.ship.stage_bar import Stage
from app.widgets.layout import button, label, line
from app.widgets.number_text import flops_text, latency_text, size_text
from app.widgets.variant_names import origin_text, variant_name
from app.widgets.verdict_box import VerdictBox
from core.project.variants import ModelVariant


class ModelChoices(QWidget):
    """Facts of the chosen model, and the way to its errors and to smaller ones."""

    compress_requested = Signal()
    inspect_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verdict = VerdictBox(lines=3)
        self.note = label("", "muted", wrap=True)
        self._form = QFormLayout()
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(GRID * 2)
        self._form.setVerticalSpacing(GRID // 2)
        self.facts = {}
        for key, title in (
            ("miou", tr("mIoU")),
            ("latency", tr("Time per image")),
            ("size", tr("File size")),
            ("flops", tr("FLOPs")),
            ("classes", tr("Classes")),
        ):
            self.facts[key] = label("–", wrap=key == "classes")
            self._form.addRow(label(title, "muted"), self.facts[key])
        self.compress_button = button(
            tr("Make it smaller, or measure it"),
            "link",
            tooltip=tr("Pruned and int8 models are made and measured in Compress"),
        )
        self.inspect_button = button(
            tr("See its errors"), "link", tooltip=tr("Look at the worst images in Inspect")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.verdict)
        layout.addLayout(self._form)
        layout.addWidget(self.note)
        layout.addWidget(self.inspect_button)
        layout.addWidget(self.compress_button)
        self.compress_button.clicked.connect(self.compress_requested)
        self.inspect_button.clicked.connect(self.inspect_requested)

    def show_model(self, variant: ModelVariant | None) -> None:
        """Show what is known of a model."""
        self.verdict.show_verdict(None if variant is None else variant.verdict)
        measured = None if variant is None else variant.measured
        miou = None if variant is None else variant.best_miou
        texts = {
            "miou": "–" if miou is None else f"{miou:.3f}",
            "latency": "–" if measured is None else latency_text(measured.latency_ms),
            "size": "–" if measured is None else size_text(measured.size_bytes),
            "flops": "–" if measured is None else flops_text(measured.flops),
            "classes": "–" if variant is None else ", ".join(variant.labels),
        }
        for key, text in texts.items():
            self.facts[key].setText(text)
        self.note.setText(
            tr("Its speed and size are not measured yet; you can ship it all the same.")
        )
        self.note.setVisible(variant is not None and measured is None)


class ShipInspector(QWidget):
    """The model on top, the choices of the stage in the middle, the next step last."""

    next_requested = Signal()

    def __init__(self, choices: Mapping[Stage, QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = dict(choices)
        self.name = label("", "heading", wrap=True)
        self.origin = label("", "muted", wrap=True)
        self.note = label("", "warning", wrap=True)
        self.warning = VerdictBox(lines=1)
        self.next_button = button("")
        self.next_button.setObjectName("ship_next")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(self.name)
        layout.addWidget(self.origin)
        layout.addWidget(self.warning)
        layout.addWidget(self.note)
        layout.addSpacing(GRID // 2)
        layout.addWidget(line())
        layout.addSpacing(GRID // 2)
        for part in self._choices.values():
            layout.addWidget(part)
        layout.addSpacing(GRID)
        layout.addWidget(self.next_button)
        layout.addStretch(1)
        self.next_button.clicked.connect(self.next_requested)
        self.show_stage(Stage.MODEL)
        self.show_model(None)
        self.show_note("")

    def show_stage(self, stage: Stage) -> None:
        """Show the choices of a stage."""
        for key, part in self._choices.items():
            part.setVisible(key is stage)
        texts = {
            Stage.MODEL: tr("Next: try it on images"),
            Stage.TRY: tr("Next: verify the file"),
            Stage.VERIFY: tr("Next: what is a reject?"),
            Stage.RULES: tr("Next: export it"),
        }
        self.next_button.setText(texts.get(stage, ""))
        self.next_button.setVisible(stage in texts)
        self._stage = stage
        self.warning.setVisible(self.warning.isVisibleTo(self) and stage is not Stage.MODEL)

    def show_model(self, variant: ModelVariant | None) -> None:
        """Say which model it is about, and that it finds nothing if so."""
        self.name.setText(tr("No model chosen") if variant is None else variant_name(variant))
        self.origin.setText("" if variant is None else origin_text(variant))
        self.origin.setVisible(variant is not None)
        verdict = None if variant is None else variant.verdict
        warns = verdict is not None and verdict.is_warning
        shown = warns and self._stage is not Stage.MODEL  # there its own box says so
        self.warning.show_verdict(verdict if shown else None)
        self.next_button.setEnabled(variant is not None)

    def show_done(self, done: bool) -> None:
        """Whether the stage is done, so that the next one is what is wanted."""
        set_role(self.next_button, "primary" if done else "")

    def show_note(self, text: str) -> None:
        """Say why nothing can be started; empty: it can."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.warning.renew_colors()
