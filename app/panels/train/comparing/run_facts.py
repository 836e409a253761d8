"""What is compared of a training, read off the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.services.background import Progress
from app.services.run_reader import RunReader, open_run
from core.project.rows import RunRow
from core.project.runs import ALIVE
from core.runs.history import RunHistory, figure
from core.runs.kinds import TrainSpec
from core.runs.setting_comparison import training_settings
from core.system.errors import InputError


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A training with what it told; ``spec`` is None where its folder was changed by hand.

    ``oacc`` and ``kappa`` are those of the epoch with the best mIoU, or of the best model where its
    scores were adjusted afterwards.
    """

    run: RunRow
    spec: TrainSpec | None = None
    history: RunHistory = field(default_factory=RunHistory)
    labels: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def miou(self) -> float | None:
        """The best one, 0 … 1."""
        return self.run.best_miou

    @property
    def oacc(self) -> float | None:
        """Share of right pixels."""
        return self._at_best("oacc")

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance."""
        return self._at_best("kappa")

    @property
    def speed(self) -> float | None:
        """Images a second in training."""
        return self.history.images_per_second

    @property
    def seconds(self) -> float | None:
        """How long it worked, without pauses."""
        return self.history.elapsed(self.history.last_time) or None

    def _at_best(self, name: str) -> float | None:
        if self.history.adjusted is not None:
            return figure(self.history.adjusted, name)
        series = self.history.series
        best, wanted = series.get("val/miou"), series.get(f"val/{name}")
        if best is None or wanted is None or self.miou is None:
            return None
        values = dict(zip(wanted.steps.tolist(), wanted.values.tolist(), strict=True))
        scored = list(zip(best.values.tolist(), best.steps.tolist(), strict=True))
        reached = [step for value, step in scored if value == value and value >= self.miou - 1e-9]
        value = values.get(reached[0]) if reached else None
        return None if value is None or value != value else float(value)


class FactsReader:
    """Reads runs; those that are over only once.

    Not for use from several threads at once.
    """

    def __init__(self) -> None:
        self._readers: dict[Path, RunReader] = {}

    def read(self, runs: list[RunRow], check: Callable[[], None]) -> list[RunFacts]:
        """Return the facts of runs, in their order; ``check`` may raise to give up."""
        found = []
        for run in runs:
            check()
            found.append(self._facts(run))
        return found

    def _facts(self, run: RunRow) -> RunFacts:
        try:
            reader = self._readers.get(run.folder)
            if reader is None:
                reader = self._readers[run.folder] = open_run(run.folder)
            reader.read_new()
        except InputError:
            return RunFacts(run)
        spec = reader.spec if isinstance(reader.spec, TrainSpec) else None
        settings = {} if spec is None else training_settings(spec)
        # The window draws what it is given while this thread may read on.
        history = deepcopy(reader.history) if run.state in ALIVE else reader.history
        return RunFacts(run, spec, history, tuple(reader.labels), settings)


def read_facts(reader: FactsReader, runs: list[RunRow], progress: Progress) -> list[RunFacts]:
    """Read the facts of runs; for the thread pool."""
    return reader.read(runs, progress.check)
