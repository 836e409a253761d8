"""The buttons of the Compression panel: each starts a job on the chosen model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Slot

from app.panels.compress import spec_fields
from app.panels.compress.compression_inspector import CompressionInspector
from app.panels.compress.compression_page import CompressionPage
from app.panels.compress.model_runs import ModelRuns
from app.panels.compress.sensitivity_analysis import Analysis
from app.services.context import AppContext
from app.services.job_starter import JobStarter
from app.services.targets import SetUpTraining, ShipModel
from core.project.variants import ModelVariant


class CompressionActions(JobStarter):
    """Starts jobs; one at a time is prepared, so that a double click starts one.

    Args:
        context: starts the runs.
        page: its buttons.
        choices: the inspector with its buttons and settings.
        analysis: what pruning by sensitivity follows.
        model: returns the variant chosen.
        runs: returns what is known of the project.
        parent: owner.
    """

    def __init__(
        self,
        context: AppContext,
        page: CompressionPage,
        choices: CompressionInspector,
        *,
        analysis: Analysis,
        model: Callable[[], ModelVariant | None],
        runs: Callable[[], ModelRuns],
        parent: QObject,
    ) -> None:
        super().__init__(context, parent)
        self._page, self._choices, self._analysis = page, choices, analysis
        self._model, self._runs = model, runs
        page.train_requested.connect(self._on_train)
        page.variants.measure_requested.connect(self._on_measure_requested)
        page.sensitivity.analysis_requested.connect(self._on_analysis_requested)
        page.compare.masks_requested.connect(self._on_masks_requested)
        choices.prune.requested.connect(self._on_prune)
        choices.quantize.requested.connect(self._on_quantize)
        choices.ship.measure_requested.connect(self._on_measure)
        choices.ship.ship_requested.connect(self._on_ship)

    @Slot()
    def _on_train(self) -> None:
        self._context.navigate(SetUpTraining())

    @Slot(bool)
    def _on_analysis_requested(self, fast: bool) -> None:
        model = self._model()
        trained = None if model is None else self._runs().variant(model.root)
        if trained is not None:
            self._start(spec_fields.sensitivity_fields(trained, fast=fast))

    @Slot()
    def _on_prune(self) -> None:
        model = self._model()
        if model is None:
            return
        box = self._choices.prune
        self._start(
            spec_fields.prune_fields(
                model,
                share=box.flops.share,
                strategy=box.strategy,
                sensitivity=self._analysis.folder,
                epochs=box.epochs.value(),
                training=self._runs().trainings.get(model.root),
            )
        )

    @Slot()
    def _on_quantize(self) -> None:
        model = self._model()
        if model is not None:
            epochs = self._choices.quantize.chosen_epochs
            training = self._runs().trainings.get(model.root)
            self._start(spec_fields.quantize_fields(model, epochs=epochs, training=training))

    @Slot(object)
    def _on_measure_requested(self, variants: Sequence[ModelVariant]) -> None:
        for variant in variants:
            if self._runs().working("measure", variant.folder) is None:
                self._start(spec_fields.measure_fields(variant))

    @Slot()
    def _on_measure(self) -> None:
        model = self._model()
        if model is not None:
            self._on_measure_requested([model])

    @Slot(object)
    def _on_masks_requested(self, variants: Sequence[ModelVariant]) -> None:
        for variant in variants:
            if self._runs().working("evaluate", variant.folder) is None:
                self._start(spec_fields.mask_fields(variant))

    @Slot()
    def _on_ship(self) -> None:
        model = self._model()
        self._context.navigate(ShipModel(None if model is None else model.folder))
