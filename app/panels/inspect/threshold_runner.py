"""Measures an evaluation by other thresholds off the UI thread; the newest wish counts."""

from __future__ import annotations

import time
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.services.background import BackgroundTasks, Progress
from core.advice.verdict import judge_evaluation
from core.prediction.inspection import Evaluation
from core.prediction.threshold_trial import ThresholdTrial

Thresholds = tuple[float | None, ...]
#: A measurement that takes longer than this is given up for a newer wish; a shorter one ends first,
#: so that something is seen while a slider is dragged.
_PATIENCE_S = 0.3


class ThresholdRunner(QObject):
    """One measurement at a time."""

    measured = Signal(object)
    """(Evaluation): by the thresholds that it names."""
    failed = Signal(object)
    """(Exception)."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self)
        self._trial: ThresholdTrial | None = None
        self._waiting: Thresholds | None = None
        self._started: float | None = None

    def set_evaluation(self, evaluation: Evaluation | None) -> None:
        """Measure this one from now on; one whose odds were kept."""
        self.stop()
        self._trial = None if evaluation is None else ThresholdTrial(evaluation)

    def measure(self, thresholds: Thresholds) -> None:
        """Ask for thresholds; ``measured`` follows unless others are asked for before."""
        if self._trial is None:
            return
        now = time.monotonic()
        if self._started is not None and now - self._started < _PATIENCE_S:
            self._waiting = thresholds
            return
        self._start(thresholds)

    def stop(self) -> None:
        """Forget what was asked for."""
        self._tasks.cancel_all()
        self._waiting = self._started = None

    @property
    def busy(self) -> bool:
        """Whether something is being measured."""
        return self._tasks.busy

    def shut_down(self) -> None:
        """Wait for the thread."""
        self._trial = None
        self.stop()
        self._tasks.shut_down()

    def _start(self, thresholds: Thresholds) -> None:
        trial = self._trial
        assert trial is not None
        self._waiting, self._started = None, time.monotonic()

        def measure(progress: Progress) -> Evaluation:
            found = trial.measure(thresholds, check=lambda _done, _images: progress.check())
            verdict = judge_evaluation(found).to_dict()
            return replace(found, metrics={**found.metrics, "verdict": verdict})

        self._tasks.start(
            measure, on_done=self._on_done, on_failed=self._on_failed, key="thresholds"
        )

    def _on_done(self, found: Evaluation) -> None:
        waiting, self._waiting, self._started = self._waiting, None, None
        self.measured.emit(found)
        if waiting is not None and self._trial is not None:
            self._start(waiting)

    def _on_failed(self, error: Exception) -> None:
        self._waiting = self._started = None
        self.failed.emit(error)
