"""What was said of the models that a project's runs made or measured; needs no engine."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from core.models.model_folder import EVALUATION, SUCCESS
from core.models.model_verdict import Verdict, read_verdict
from core.project.rows import RunRow

_METRICS = "metrics.json"
#: Folders of the models that runs make, the one that counts first.
_MODELS = ("best_model", "quantized", "pruned")


class RunVerdicts:
    """Reads verdicts; keeps them as long as their files stay the same."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, Verdict | None]] = {}

    def of(self, run: RunRow) -> Verdict | None:
        """Return what was said at the end of a run; None where nothing was, or it is not over."""
        return None if run.state in ("queued", "running", "paused") else self.of_ended(run)

    def of_ended(self, run: RunRow) -> Verdict | None:
        """As ``of``, of a run that is known to be over, whatever its row says."""
        if run.kind == "evaluate":
            return self._read(run.folder / _METRICS)
        for name in _MODELS:
            if (run.folder / name / SUCCESS).exists():
                return self.of_model(run.folder / name)
        return None

    def of_model(self, folder: Path) -> Verdict | None:
        """Return what was said of a model folder when it was measured last."""
        return self._read(folder / EVALUATION)

    def all_warn(self, runs: Iterable[RunRow]) -> bool:
        """Whether there are runs that are done and not one of their models can be used."""
        done = [run for run in runs if run.state == "done"]
        return bool(done) and all(_warns(self.of(run)) for run in done)

    def _read(self, file: Path) -> Verdict | None:
        try:
            changed = file.stat().st_mtime_ns
        except OSError:
            return None
        known = self._known.get(file)
        if known is None or known[0] != changed:
            verdict = read_verdict(file.parent) if file.name == EVALUATION else _told(file)
            known = self._known[file] = (changed, verdict)
        return known[1]


def _told(file: Path) -> Verdict | None:
    try:
        return Verdict.from_dict(json.loads(file.read_text(encoding="utf-8")).get("verdict"))
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def _warns(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.is_warning
