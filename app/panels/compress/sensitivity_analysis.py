"""The sensitivity analysis of the chosen model: its curves, and what they predict of a pruning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from app.look.translation import tr
from app.panels.compress.compression_inspector import PruneBox, Strategy
from app.panels.compress.model_runs import ModelRuns
from app.panels.compress.run_follower import RunFollower
from app.panels.compress.sensitivity_view import SensitivityView
from core.compression.pruning.costs import PruningCosts, read_costs
from core.compression.pruning.estimate import LossCurve, PruneEstimate, estimate_pruning
from core.project.variants import ModelVariant
from core.runs.history import RunHistory
from core.system.errors import InputError

_PREFIX = "sensitivity/"
_REACHED = 0.01  # how close to the chosen share of operations the estimate has to come


class Analysis(QObject):
    """Keeps the view and the prediction beside the slider in step with one run.

    Attributes:
        follower: reads the analysis's run; tell it when the run told something.
        curves: the losses of each group measured by now.
    """

    failed = Signal(object)
    """(InputError): what the analysis left cannot be read."""

    def __init__(self, view: SensitivityView, box: PruneBox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view, self._box = view, box
        self._finished = False
        self._costs: PruningCosts | None = None
        self._costs_wanted = True
        self.curves: dict[str, LossCurve] = {}
        self.follower = RunFollower(self)
        self.follower.opened.connect(self._on_opened)
        self.follower.changed.connect(self._on_changed)
        box.changed.connect(self._predict)

    @property
    def folder(self) -> Path | None:
        """Where the finished analysis is; None: there is none yet."""
        return self.follower.folder if self._finished else None

    @property
    def busy(self) -> bool:
        """Whether the run is still to be read."""
        return self.follower.busy

    def show_model(self, runs: ModelRuns, model: ModelVariant | None) -> None:
        """Show the newest analysis of the trained model that a variant comes from."""
        run = None if model is None else runs.sensitivity.get(model.root)
        finished = run is not None and run.state == "done"
        newly = finished and not self._finished
        self._finished = finished
        if run is None or run.folder != self.follower.folder:
            self._forget()
        self.follower.follow(run)
        if newly and self.follower.reader is not None:
            self.follower.notify()
            self._show()
        self._show_progress()

    def shut_down(self) -> None:
        """Wait for what reads in the background."""
        self.follower.shut_down()

    def _forget(self) -> None:
        self.curves, self._costs, self._costs_wanted = {}, None, True
        self._view.show_curves({})
        self._box.offer_sensitivity(False)
        self._predict()

    @Slot()
    def _on_opened(self) -> None:
        self._show()

    @Slot()
    def _on_changed(self) -> None:
        self._show()

    def _show(self) -> None:
        reader = self.follower.reader
        if reader is None:
            self._show_progress()
            return
        self.curves = _curves(reader.history)
        if self._finished and self._costs_wanted:
            self._costs_wanted = False  # what is damaged is said once
            try:
                self._costs = read_costs(reader.folder.path)
            except InputError as error:
                self.failed.emit(error)
        widths = {} if self._costs is None else dict(self._costs.widths)
        self._view.show_curves(self.curves, widths)
        self._box.offer_sensitivity(self._finished and bool(self.curves))
        self._show_progress()
        self._predict()

    def _show_progress(self) -> None:
        if self._finished or self.follower.folder is None:
            self._view.show_progress(None)
            return
        reader = self.follower.reader
        progress = None if reader is None else reader.history.progress
        share = None if progress is None else progress.step / max(progress.steps, 1)
        self._view.show_progress(share, waiting=True)

    def estimate(self) -> PruneEstimate | None:
        """Return what pruning by sensitivity would do with the share chosen; None: not known."""
        if self._costs is None or not self.curves or self._box.strategy is Strategy.GLOBAL:
            return None
        return estimate_pruning(self.curves, self._costs, self._box.flops.share)

    @Slot()
    def _predict(self) -> None:
        found = self.estimate()
        slider = self._box.flops
        if found is None or self._costs is None:
            slider.show_prediction(loss=None, gone=None, channels=None)
            slider.show_note(self._why_unknown())
            self._view.show_cuts({}, {})
            return
        gone = self._costs.gone(found.ratios)
        slider.show_prediction(
            loss=found.loss,
            gone=sum(gone.values()),
            channels=sum(self._costs.widths.values()),
        )
        if found.flops < slider.share - _REACHED:
            note = tr(
                "The layers analysed give only −{percent:.0f} %; choose the other way for more.",
                percent=100 * found.flops,
            )
        else:
            note = tr(
                "Before fine-tuning; the dearest layer costs {percent:.1f} % of the mIoU.",
                percent=100 * found.worst_loss,
            )
        slider.show_note(note)
        self._view.show_cuts(found.ratios, gone)

    def _why_unknown(self) -> str:
        if not self.curves:
            return tr("Analyse the sensitivity to see what this costs.")
        if not self._finished:
            return tr("The prediction appears when the analysis is done.")
        return tr("Known only after pruning.")


def _curves(history: RunHistory) -> dict[str, LossCurve]:
    return {
        tag.removeprefix(_PREFIX): LossCurve(np.array(series.steps) / 100, np.array(series.values))
        for tag, series in history.series.items()
        if tag.startswith(_PREFIX)
    }
